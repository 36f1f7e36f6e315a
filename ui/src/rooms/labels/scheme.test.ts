import { describe, expect, it } from "vitest";
import type { Label, LabelState } from "../../ipc/bindings";
import { moved, partsOf, withoutNeedlessChange } from "./scheme";

const label = (id: number, count: number): Label => ({
  id, name: `label ${id}`, description: "", examples: "", counter_examples: "", group: "", retired: false, colour: id, key: "", count,
});
const state = (...labels: Label[]): LabelState => ({
  problem_type: "single_label", labels, rows: 9, labelled: 3, can_undo: false, can_redo: false, example: null,
});

describe("labels that the engine tells again", () => {
  it("stay the same objects unless something about them is new", () => {
    const before = state(label(1, 2), label(2, 1));
    const now = withoutNeedlessChange(before, state(label(1, 2), label(2, 2), label(3, 0)));
    expect(now.labels[0]).toBe(before.labels[0]);
    expect(now.labels[1]).toEqual(label(2, 2));
    expect(now.labels).toHaveLength(3);
    expect(withoutNeedlessChange(null, before)).toEqual(before);
  });
});

describe("what a step has moved", () => {
  it("is told by the counts, also of labels that came or went", () => {
    const before = state(label(1, 2), label(2, 50));
    expect(moved(before, state(label(1, 52), label(2, 0)))).toBe(50);
    expect(moved(before, state(label(1, 2)))).toBe(50);
    expect(moved(before, state(label(1, 2), label(2, 49), label(3, 1)))).toBe(1);
    expect(moved(before, before)).toBe(1);
  });
});

describe("the parts of a label", () => {
  const group = (...examples: number[]) => ({ examples, words: [], shown: [] });

  it("are the named groups, those of one name together", () => {
    const groups = [group(1, 2), group(3), group(4), group(5)];
    expect(partsOf(groups, [" a ", "", "b", "a"], "own")).toEqual([{ name: "a", examples: [1, 2, 5] }, { name: "b", examples: [4] }]);
  });

  it("are none where every group keeps the label", () => {
    expect(partsOf([group(1), group(2)], ["own", " "], "own")).toEqual([]);
    expect(partsOf([group(1)], [], "own")).toEqual([]);
  });
});
