import { describe, expect, it } from "vitest";
import { toggled } from "./labels.svelte";

describe("a row's labels", () => {
  it("gain one or lose it", () => {
    expect(toggled(null, 3)).toEqual([3]);
    expect(toggled([1], 3)).toEqual([1, 3]);
    expect(toggled([1, 3], 1)).toEqual([3]);
  });

  it("are none yet, not “none of them”, when the last is taken off", () => {
    expect(toggled([3], 3)).toBeNull();
    expect(toggled([], 3)).toEqual([3]);
  });
});
