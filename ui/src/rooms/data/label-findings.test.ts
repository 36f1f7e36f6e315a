import { describe, expect, it } from "vitest";
import type { Label } from "../../ipc/bindings";
import { emptyWords, imbalance } from "./label-findings";

const labels = (counts: Record<string, number>): Label[] =>
  Object.entries(counts).map(([name, count], id) => ({ id, name, count }) as Label);

describe("labels that stand for nothing", () => {
  it("are found however they are written, where rows carry them", () => {
    const found = emptyWords(labels({ Contract: 5, NaN: 2, " n/a": 1, 无: 3, null: 0, Nancy: 4 }));
    expect(found.map((label) => label.name)).toEqual(["NaN", " n/a", "无"]);
  });
});

describe("classes of different sizes", () => {
  it("are told from ten times on, and unused labels are none", () => {
    const far = imbalance(labels({ rare: 4, usual: 43, unused: 0, between: 20 }));
    expect([far?.most.name, far?.least.name, far?.times]).toEqual(["usual", "rare", 10]);
    expect(imbalance(labels({ rare: 5, usual: 49 }))).toBeNull();
    expect(imbalance([])).toBeNull();
  });
});
