// What the window makes of an explanation: a text in pieces, and its most telling words.
import type { ExplainedWord } from "../../ipc/bindings";

/** How strongly a word counts beside the strongest of its text: 0 hardly, 3 most. */
export type Strength = 0 | 1 | 2 | 3;

export type Piece = { text: string; strength: Strength; side: "for" | "against" };

function strength(share: number): Strength {
  if (share >= 0.6) return 3;
  if (share >= 0.3) return 2;
  return share >= 0.12 ? 1 : 0;
}

/** The text in pieces, nothing left out: words with their strength, and what stands between them with none. */
export function pieces(text: string, words: ExplainedWord[]): Piece[] {
  const most = Math.max(...words.map((word) => Math.abs(word.score)), Number.MIN_VALUE);
  const found: Piece[] = [];
  const add = (part: string, score: number): void => {
    if (part === "") return;
    const piece: Piece = { text: part, strength: strength(Math.abs(score) / most), side: score < 0 ? "against" : "for" };
    const last = found.at(-1);
    // What says nothing needs no elements of its own.
    if (last && last.strength === 0 && piece.strength === 0) last.text += part;
    else found.push(piece);
  };
  let at = 0;
  for (const word of words) {
    add(text.slice(at, word.start), 0);
    add(text.slice(word.start, word.end), word.score);
    at = word.end;
  }
  add(text.slice(at), 0);
  return found;
}

export type Telling = { word: string; score: number };

/** The words that count most, for or against, each once with the sum of its scores; signs are no words. */
export function mostTelling(words: ExplainedWord[], most: number): Telling[] {
  const sums = new Map<string, Telling>();
  for (const { word, score } of words) {
    if (!/[\p{L}\p{N}]/u.test(word)) continue;
    const known = sums.get(word.toLowerCase());
    if (known) known.score += score;
    else sums.set(word.toLowerCase(), { word, score });
  }
  return [...sums.values()].sort((a, b) => Math.abs(b.score) - Math.abs(a.score)).slice(0, most);
}
