// A text in pieces: what the expert looks for, what their own list of words names, and the rest.

export type Piece = { text: string; mark: "" | "word" | "found" };

/** The words of a list, one a line, without empty lines and repetitions. */
export function wordsOf(list: string): string[] {
  return [...new Set(list.split("\n").map((word) => word.trim()).filter((word) => word !== ""))];
}

/** Words longer than this list are not looked for: the text must be there at once. */
const MOST_WORDS = 500;

/**
 * The text in pieces. A word is found wherever it stands (endings are often another), without regard to upper and lower
 * case; of two that begin at one place the longer one. What is looked for is found first, also within a word of the list.
 */
export function pieces(text: string, words: string[], find: string): Piece[] {
  const looked = cut(text, [find], "found");
  return looked.flatMap((piece) => (piece.mark === "" ? cut(piece.text, words.slice(0, MOST_WORDS), "word") : [piece]));
}

function cut(text: string, words: string[], mark: "word" | "found"): Piece[] {
  const needles = words.map((word) => word.trim()).filter((word) => word !== "");
  if (needles.length === 0) return [{ text, mark: "" }];
  needles.sort((a, b) => b.length - a.length);
  const any = new RegExp(needles.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|"), "giu");
  const found: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(any)) {
    if (match.index > end) found.push({ text: text.slice(end, match.index), mark: "" });
    found.push({ text: match[0], mark });
    end = match.index + match[0].length;
  }
  if (end < text.length) found.push({ text: text.slice(end), mark: "" });
  return found;
}
