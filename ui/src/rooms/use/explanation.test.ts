import { describe, expect, it } from "vitest";
import type { ExplainedWord } from "../../ipc/bindings";
import { mostTelling, pieces } from "./explanation";

function words(text: string, scores: Record<string, number>): ExplainedWord[] {
  return Object.entries(scores).map(([word, score]) => {
    const start = text.indexOf(word);
    return { start, end: start + word.length, word, score };
  });
}

describe("pieces", () => {
  it("lose nothing of the text and tell strength and side", () => {
    const text = "Either party 𝒳 may not, terminate.";
    const found = pieces(text, words(text, { Either: 0.01, "𝒳": 0.4, not: -0.7, terminate: 1 }));
    expect(found.map((piece) => piece.text).join("")).toBe(text);
    expect(found.filter((piece) => piece.strength > 0)).toEqual([
      { text: "𝒳", strength: 2, side: "for" },
      { text: "not", strength: 3, side: "against" },
      { text: "terminate", strength: 3, side: "for" },
    ]);
  });

  it("marks nothing where nothing counts", () => {
    expect(pieces("两个词", words("两个词", { 两个: 0, 词: 0 })).map((piece) => piece.strength)).toEqual([0]);
    expect(pieces("", [])).toEqual([]);
  });
});

describe("mostTelling", () => {
  it("adds up repeated words, leaves out signs and ranks by size", () => {
    const list = [["Notice", 0.2], [",", 5], ["not", -0.5], ["notice", 0.4], ["a", 0.1]] as const;
    const found = mostTelling(list.map(([word, score], i) => ({ start: i, end: i, word, score })), 2);
    expect(found.map((one) => one.word)).toEqual(["Notice", "not"]);
    expect(found[0]?.score).toBeCloseTo(0.6);
  });
});
