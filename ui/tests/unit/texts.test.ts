// No words for the user stand in a template: they would never be translated.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "svelte/compiler";
import { describe, expect, it } from "vitest";

const SRC = join(import.meta.dirname, "../../src");
const SPOKEN = new Set(["title", "placeholder", "aria-label", "aria-description", "alt", "label", "text", "hint", "term"]);
const LETTERS = /\p{L}{2,}/u;

type Node = { type?: string; name?: string; data?: string; value?: unknown; [key: string]: unknown };

/** Words written directly into the markup of a component. */
function wordsIn(source: string): string[] {
  const found: string[] = [];
  const visit = (node: unknown, spoken: boolean): void => {
    if (Array.isArray(node)) return node.forEach((child) => visit(child, spoken));
    if (typeof node !== "object" || node === null) return;
    const { type, name, data } = node as Node;
    if (type === "Text" && spoken && typeof data === "string" && LETTERS.test(data)) found.push(data.trim());
    if (type === "Attribute") return visit((node as Node).value, SPOKEN.has(name ?? ""));
    if (type?.endsWith("Directive") || type === "ExpressionTag") return;
    for (const [key, child] of Object.entries(node)) if (key !== "metadata") visit(child, spoken);
  };
  visit(parse(source, { modern: true }).fragment, true);
  return found;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" });

describe("components", () => {
  it.each(files.filter((file) => file.endsWith(".svelte")))("%s shows no text of its own", (file) => {
    expect(wordsIn(readFileSync(join(SRC, file), "utf8"))).toEqual([]);
  });

  it("would be caught if they did", () => {
    expect(wordsIn(`<p title="Hello there">Good day {name}</p>{#if x}<b>Yes</b>{/if}`)).toEqual(["Hello there", "Good day", "Yes"]);
  });

  it("do not draw on the tests or the mock engine", () => {
    for (const file of files.filter((file) => /\.(svelte|ts)$/.test(file) && !file.endsWith(".test.ts"))) {
      expect(readFileSync(join(SRC, file), "utf8"), file).not.toMatch(/from "[^"]*(tests\/|mocks)/);
    }
  });
});
