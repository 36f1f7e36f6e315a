import { describe, expect, it } from "vitest";
import { mixUps, nextFilled } from "./matrix";

const COUNTS = [
  [5, 0, 2],
  [0, 7, 0],
  [1, 0, 4],
];

describe("arrows in the confusion matrix", () => {
  it.each([
    ["ArrowRight", { row: 0, column: 0 }, { row: 0, column: 2 }],
    ["ArrowRight", { row: 0, column: 2 }, { row: 1, column: 1 }],
    ["ArrowLeft", { row: 1, column: 1 }, { row: 0, column: 2 }],
    ["ArrowDown", { row: 0, column: 0 }, { row: 2, column: 0 }],
    ["ArrowUp", { row: 2, column: 2 }, { row: 0, column: 2 }],
  ])("%s from %o goes to %o", (key, from, to) => {
    expect(nextFilled(COUNTS, from, key)).toEqual(to);
  });

  it("stay where nothing lies ahead, and leave other keys alone", () => {
    expect(nextFilled(COUNTS, { row: 2, column: 2 }, "ArrowRight")).toBeNull();
    expect(nextFilled(COUNTS, { row: 0, column: 0 }, "Enter")).toBeNull();
    expect(nextFilled([], { row: 0, column: 0 }, "ArrowDown")).toBeNull();
  });
});

describe("mix-ups", () => {
  it("are the wrong cells, the most frequent first", () => {
    expect(mixUps(COUNTS, 5)).toEqual([{ row: 0, column: 2, n: 2 }, { row: 2, column: 0, n: 1 }]);
    expect(mixUps(COUNTS, 1)).toHaveLength(1);
  });
});
