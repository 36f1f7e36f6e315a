import { describe, expect, it } from "vitest";
import { pieces, wordsOf } from "./highlight";

describe("a text in pieces", () => {
  it("marks the expert's words and what is looked for, wherever they stand", () => {
    expect(pieces("The tenant shall pay. Shall!", ["shall"], "pay")).toEqual([
      { text: "The tenant ", mark: "" }, { text: "shall", mark: "word" }, { text: " ", mark: "" }, { text: "pay", mark: "found" },
      { text: ". ", mark: "" }, { text: "Shall", mark: "word" }, { text: "!", mark: "" },
    ]);
    expect(pieces("劳动合同没有签", ["合同"], "")).toEqual([
      { text: "劳动", mark: "" }, { text: "合同", mark: "word" }, { text: "没有签", mark: "" },
    ]);
  });

  it("takes the longer of two words, and signs for what they are", () => {
    expect(pieces("a (b) c", ["(", "(b)"], "").map((piece) => piece.text)).toEqual(["a ", "(b)", " c"]);
  });

  it("finds what is looked for within a word of the list", () => {
    expect(pieces("合同纠纷", ["合同纠纷"], "合同")).toEqual([{ text: "合同", mark: "found" }, { text: "纠纷", mark: "" }]);
  });

  it("is one piece without words", () => {
    expect(pieces("as it is", [], " ")).toEqual([{ text: "as it is", mark: "" }]);
  });

  it("loses nothing", () => {
    const text = "Ein Text, in dem das Wort WORT steht; 字 and 字.";
    expect(pieces(text, ["wort", "字"], "text").map((piece) => piece.text).join("")).toBe(text);
  });

  it("reads a list a line at a time", () => {
    expect(wordsOf(" shall \n\nmust\nshall\n")).toEqual(["shall", "must"]);
  });
});
