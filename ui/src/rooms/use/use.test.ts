import { describe, expect, it } from "vitest";
import { ranked } from "./use.svelte";

describe("ranked", () => {
  it("shows the most probable first and adds up the rest", () => {
    const scores = [0.1, 0.4, 0.2, 0.3].map((probability, i) => ({ label: `L${i}`, probability }));
    const { shown, others } = ranked(scores, 2);
    expect(shown.map((s) => s.label)).toEqual(["L1", "L3"]);
    expect(others?.count).toBe(2);
    expect(others?.probability).toBeCloseTo(0.3);
  });

  it("has no others when all are shown", () => {
    expect(ranked([{ label: "a", probability: 1 }], 10).others).toBeNull();
  });
});
