import { describe, expect, it } from "vitest";
import { benchKey } from "./keys";

const press = (key: string, more: Partial<KeyboardEvent> = {}) =>
  benchKey({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target: document.body, ...more }, (k) => ({ "1": 7, a: 9 })[k]);

describe("keys at the bench", () => {
  it("label by the label's own key", () => {
    expect(press("1")).toEqual({ do: "label", label: 7 });
    expect(press("A", { shiftKey: true })).toEqual({ do: "label", label: 9 });
  });

  it("undo, redo and skip", () => {
    expect(press("z", { ctrlKey: true })).toEqual({ do: "undo" });
    expect(press("Z", { ctrlKey: true, shiftKey: true })).toEqual({ do: "redo" });
    expect(press("s")).toEqual({ do: "skip" });
  });

  it("skip no more where S is a label", () => {
    const action = benchKey({ key: "s", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target: null }, () => 3);
    expect(action).toEqual({ do: "label", label: 3 });
  });

  it("go on and say that none applies where a row may carry several labels", () => {
    const several = (key: string, target: Element = document.body) =>
      benchKey({ key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target }, () => undefined, true);
    expect([several("Enter"), several("-")]).toEqual([{ do: "skip" }, { do: "none" }]);
    expect(several("Enter", document.createElement("button"))).toBeNull();
    expect([press("Enter"), press("-")]).toEqual([null, null]);
  });

  it("do nothing in a field, with Alt, or with Ctrl and a label's key", () => {
    const input = document.createElement("input");
    expect([press("1", { target: input }), press("1", { altKey: true }), press("a", { ctrlKey: true })]).toEqual([null, null, null]);
  });
});

describe("keys for the helper and for notes", () => {
  it("accept, doubt, flag, comment and look for the like", () => {
    expect([press(" "), press("?"), press("！"), press("；"), press("=")].map((action) => action?.do)).toEqual([
      "accept", "unsure", "flag", "comment", "similar",
    ]);
    expect(press("f", { ctrlKey: true })).toEqual({ do: "find" });
  });

  it("leave the space bar to a button that has the focus", () => {
    expect(press(" ", { target: document.createElement("button") })).toBeNull();
  });
});

describe("keys and what has the focus", () => {
  it("work after a box was ticked or a choice made, but arrows belong to the choice", () => {
    const box = Object.assign(document.createElement("input"), { type: "checkbox" });
    const radio = Object.assign(document.createElement("input"), { type: "radio" });
    expect(press("1", { target: box })).toEqual({ do: "label", label: 7 });
    expect(press(" ", { target: box })).toBeNull();
    expect(press("ArrowRight", { target: radio })).toBeNull();
  });

  it("do nothing while they are held down", () => {
    expect(benchKey({ key: "1", ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target: null, repeat: true }, () => 7)).toBeNull();
  });
});
