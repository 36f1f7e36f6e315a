// Moving through a confusion matrix by arrow keys: only filled cells can be stood on.

export type Cell = { row: number; column: number };

const STEPS: Record<string, readonly [number, number]> = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
};

export type MixUp = Cell & { n: number };

/** The most frequent wrong answers: which label is taken for which, `most` of them at most. */
export function mixUps(counts: number[][], most: number): MixUp[] {
  return counts
    .flatMap((line, row) => line.map((n, column) => ({ row, column, n })))
    .filter(({ row, column, n }) => row !== column && n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, most);
}

/** The nearest filled cell in the direction of `key`, going on in the next line at an edge; null where there is none. */
export function nextFilled(counts: number[][], from: Cell, key: string): Cell | null {
  const step = STEPS[key];
  const size = counts.length;
  if (!step || size === 0) return null;
  const [down, right] = step;
  // Walked as one long line of all cells, along rows for left and right, along columns for up and down.
  let at = right !== 0 ? from.row * size + from.column : from.column * size + from.row;
  for (;;) {
    at += right + down;
    if (at < 0 || at >= size * size) return null;
    const [line, place] = [Math.floor(at / size), at % size];
    const cell = right !== 0 ? { row: line, column: place } : { row: place, column: line };
    if ((counts[cell.row]?.[cell.column] ?? 0) > 0) return cell;
  }
}
