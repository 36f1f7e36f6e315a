import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import en from "../../../resources/messages/window.en.json";
import zh from "../../../resources/messages/window.zh.json";

const SRC = join(import.meta.dirname, "../../src");
const english: Record<string, string> = en;
const chinese: Record<string, string> = zh;

const placeholders = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
const base = (key: string): string => key.replace(/\.(one|other)$/, "");

function sources(): string {
  return readdirSync(SRC, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(svelte|ts)$/.test(file) && !file.endsWith(".test.ts"))
    .map((file) => readFileSync(join(SRC, file), "utf8"))
    .join("\n");
}

describe("the two catalogues", () => {
  it("have the same keys, but for the English singular, which Chinese does not have", () => {
    const expected = Object.keys(english).filter((key) => !key.endsWith(".one"));
    expect(Object.keys(chinese).sort()).toEqual(expected.sort());
  });

  it("have every plural in both English forms", () => {
    for (const key of Object.keys(english).filter((key) => key.endsWith(".one"))) expect(english).toHaveProperty([`${base(key)}.other`]);
  });

  it("put the same values into the same text", () => {
    for (const [key, text] of Object.entries(chinese)) expect(placeholders(text), key).toEqual(placeholders(english[key] ?? ""));
    for (const [key, text] of Object.entries(english).filter(([key]) => key.endsWith(".one"))) {
      // "1 row" may be written without its number, never with another value.
      for (const value of placeholders(text)) expect(placeholders(english[`${base(key)}.other`] ?? ""), key).toContain(value);
    }
  });

  it("have no empty text", () => {
    for (const [key, text] of [...Object.entries(english), ...Object.entries(chinese)]) expect(text.trim(), key).not.toBe("");
  });

  it("are Chinese in Chinese: no text is a copy of the English one, names apart", () => {
    const same = Object.keys(chinese).filter((key) => chinese[key] === english[key] && /\p{L}{3,}/u.test((chinese[key] ?? "").replace(/\{\w+\}/g, "")));
    expect(same).toEqual(["start.title", "labels.export.csv", "labels.export.xlsx", "model.machine_details"]);
  });

  it("hold no text that the window never shows", () => {
    const code = sources();
    const literals = new Set([...code.matchAll(/"([a-z0-9_.]+)"/g)].map((match) => match[1]));
    const patterns = [...code.matchAll(/`([a-z_.]+\$\{[^`]*)`/g)].map(
      (match) => new RegExp(`^${(match[1] ?? "").replace(/\./g, "\\.").replace(/\$\{[^}]*\}/g, "[a-z_0-9]+")}$`),
    );
    const unused = Object.keys(english).map(base).filter((key) => !literals.has(key) && !patterns.some((pattern) => pattern.test(key)));
    expect([...new Set(unused)]).toEqual([]);
  });
});
