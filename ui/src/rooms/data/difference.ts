// What one text says otherwise than another, word by word (character by character in Chinese); case and punctuation do
// not count, as they do not when texts are found to be nearly the same. Pure.

export type Piece = { text: string; differs: boolean };

/** The pieces of `text`; those that `other` does not have in the same order differ. `exact`: to the letter. */
export function difference(text: string, other: string, exact = false): Piece[] {
  const written = tokens(text);
  const as = exact ? (token: string) => token : said;
  const [mine, theirs] = [written.map(as), tokens(other).map(as)];
  // common[i][j]: the longest common subsequence of the tokens from i and from j on.
  const common = Array.from({ length: mine.length + 1 }, () => new Uint16Array(theirs.length + 1));
  const at = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = mine.length - 1; i >= 0; i--) {
    const row = common[i];
    if (!row) continue;
    for (let j = theirs.length - 1; j >= 0; j--) {
      row[j] = mine[i] === theirs[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const pieces: Piece[] = [];
  let j = 0;
  written.forEach((word, i) => {
    const token = mine[i];
    while (j < theirs.length && theirs[j] !== token && at(i, j + 1) === at(i, j)) j++;
    const shared = theirs[j] === token && at(i, j) === at(i + 1, j + 1) + 1;
    if (shared) j++;
    const last = pieces.at(-1);
    if (last && last.differs === !shared) last.text += word;
    else pieces.push({ text: word, differs: !shared });
  });
  return pieces;
}

function said(token: string): string {
  if (token.trim() === "") return " ";
  return token.toLowerCase().replace(/[\p{P}\p{S}]/gu, "") || token;
}

function tokens(text: string): string[] {
  return text.match(/\p{Script=Han}|\s+|[^\s\p{Script=Han}]+/gu) ?? [];
}
