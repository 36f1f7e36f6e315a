import { describe, expect, it } from "vitest";
import { difference } from "./difference";

const marked = (text: string, other: string): string =>
  difference(text, other).map((piece) => (piece.differs ? `[${piece.text}]` : piece.text)).join("");

describe("the difference of two texts", () => {
  it("is the words that the other does not have there", () => {
    expect(marked("leave the flat clean and empty", "leave the flat swept and empty")).toBe("leave the flat [clean] and empty");
    expect(marked("a b c", "a c")).toBe("a [b ]c");
    expect(marked("same", "same")).toBe("same");
    expect(marked("GOVERNED BY, and  construed", "governed by and construed")).toBe("GOVERNED BY, and  construed");
  });

  it("is told by the character in Chinese", () => {
    expect(marked("拖欠工资四个月", "拖欠工资三个月")).toBe("拖欠工资[四]个月");
  });

  it("gives the whole text back", () => {
    const text = "one  two,\nthree 四";
    expect(difference(text, "three two one").map((piece) => piece.text).join("")).toBe(text);
  });
});
