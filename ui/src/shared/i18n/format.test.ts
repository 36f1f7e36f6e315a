import { afterEach, describe, expect, it } from "vitest";
import { bytes, duration, fixed, languageName, moment, number, percent } from "./format";
import { i18n } from "./i18n.svelte";

afterEach(() => (i18n.language = "en"));

describe("formats", () => {
  it.each([
    [0, "0 s"], [59.4, "59 s"], [61, "1 min 1 s"], [600, "10 min"], [3599, "1 h"], [3720, "1 h 2 min"], [-3, "0 s"],
  ])("writes %d seconds as %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it("writes durations in Chinese", () => {
    i18n.language = "zh";
    expect(duration(200)).toBe("3 分 20 秒");
  });

  it.each([
    [0, "0 byte"], [999, "999 byte"], [1500, "1.5 kB"], [90_868_376, "91 MB"], [2_500_000_000, "2.5 GB"],
  ])("writes %d bytes as %s", (size, text) => {
    expect(bytes(size)).toBe(text);
  });

  it("groups, rounds and aligns", () => {
    expect([number(1234567), fixed(0.5, 3), percent(0.9134, 1)]).toEqual(["1,234,567", "0.500", "91.3%"]);
  });

  it("shows what is not a time as it came", () => {
    expect(moment("yesterday")).toBe("yesterday");
  });
});

it("languages have names", () => {
  expect(languageName("cmn")).toMatch(/Chinese/);
  expect(languageName("eng")).toBe("English");
});
