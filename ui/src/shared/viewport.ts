// Which rows of a long list of equal rows are on screen. Pure arithmetic, no DOM.

/** Engines cap an element's height at about 33.5 million px; a longer list is scrolled in proportion. */
export const TALLEST = 30_000_000;

export type Viewport = {
  /** The height of the scrolled element in px. */
  height: number;
  /** The rows to draw: first..=last; last < first when there are none. */
  first: number;
  last: number;
  /** Where the row `first` begins, in px from the top of the scrolled element. */
  top: number;
};

const OVERSCAN = 6;

/** What to draw of `count` rows of `row` px in a window of `view` px scrolled to `scroll`. */
export function viewport(count: number, row: number, view: number, scroll: number): Viewport {
  const full = count * row;
  const height = Math.min(full, TALLEST);
  const at = positionInList(full, height, view, scroll);
  const first = Math.max(0, Math.floor(at / row) - OVERSCAN);
  const last = Math.min(count - 1, Math.ceil((at + view) / row) + OVERSCAN);
  return { height, first, last, top: scroll + first * row - at };
}

/** The scroll position that shows row `index` wholly, moving as little as possible. */
export function scrollFor(index: number, count: number, row: number, view: number, scroll: number): number {
  const full = count * row;
  const height = Math.min(full, TALLEST);
  const at = positionInList(full, height, view, scroll);
  const start = index * row;
  let target = at;
  if (start < at) target = start;
  else if (start + row > at + view) target = start + row - view;
  if (target === at) return scroll;
  return full <= view ? 0 : (target * (height - view)) / (full - view);
}

function positionInList(full: number, height: number, view: number, scroll: number): number {
  if (full <= view) return 0;
  const end = height - view;
  return (Math.min(Math.max(0, scroll), end) * (full - view)) / end;
}
