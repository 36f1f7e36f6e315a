import { describe, expect, it } from "vitest";
import { scrollFor, TALLEST, viewport } from "./viewport";

describe("viewport", () => {
  it("draws nothing of an empty list", () => {
    const { first, last, height } = viewport(0, 36, 400, 0);
    expect([last < first, height]).toEqual([true, 0]);
  });

  it("draws what is on screen and a little around it", () => {
    const { first, last, top } = viewport(1000, 36, 360, 3600);
    expect(first).toBeLessThanOrEqual(100);
    expect(last).toBeGreaterThanOrEqual(109);
    expect(last - first).toBeLessThan(30);
    expect(top).toBe(first * 36);
  });

  it.each([1_000, 900_000, 5_000_000])("shows the last of %d rows at the very end", (count) => {
    const full = Math.min(count * 36, TALLEST);
    const { last, first, top, height } = viewport(count, 36, 400, full - 400);
    expect(last).toBe(count - 1);
    expect(height).toBeLessThanOrEqual(TALLEST);
    // The last row ends where the scrolled element ends.
    expect(top + (last - first + 1) * 36).toBeCloseTo(height, 3);
  });
});

describe("scrollFor", () => {
  it.each([10, 1_000, 5_000_000])("brings every row of %d wholly on screen", (count) => {
    for (const share of [0, 0.13, 0.5, 0.99, 1]) {
      const index = Math.round(share * (count - 1));
      const scroll = scrollFor(index, count, 36, 400, 0);
      const { first, top } = viewport(count, 36, 400, scroll);
      const start = top + (index - first) * 36 - scroll;
      expect(start).toBeGreaterThanOrEqual(-0.01);
      expect(start + 36).toBeLessThanOrEqual(400.01);
    }
  });

  it("does not move for a row that is on screen", () => {
    expect(scrollFor(12, 1000, 36, 400, 360)).toBe(360);
  });
});
