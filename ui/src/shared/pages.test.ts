import { describe, expect, it } from "vitest";
import { PAGE, Pages } from "./pages.svelte";

function counting(total: number): { pages: Pages<number>; asked: number[] } {
  const asked: number[] = [];
  const pages = new Pages((offset, limit) => {
    asked.push(offset);
    return Promise.resolve({ total, rows: Array.from({ length: Math.min(limit, total - offset) }, (_, i) => offset + i) });
  });
  return { pages, asked };
}

describe("pages", () => {
  it("fetch each page once, and only those in view", async () => {
    const { pages, asked } = counting(1000);
    await pages.want(PAGE - 1, PAGE + 1);
    await pages.want(PAGE, PAGE + 50);
    expect(asked).toEqual([0, PAGE]);
    expect([pages.at(PAGE + 5), pages.at(500), pages.total]).toEqual([PAGE + 5, undefined, 1000]);
  });

  it("forget everything on reset", async () => {
    const { pages, asked } = counting(1000);
    await pages.want(200, 200);
    await pages.reset();
    expect([pages.at(200), pages.at(0), asked]).toEqual([200, 0, [200, 0, 200]]);
  });

  it("drop an answer to a question that is no longer asked", async () => {
    let finish: (page: { total: number; rows: string[] }) => void = () => undefined;
    const answers = [new Promise<{ total: number; rows: string[] }>((resolve) => (finish = resolve)), Promise.resolve({ total: 1, rows: ["new"] })];
    const pages = new Pages<string>(() => answers.shift() ?? Promise.reject(new Error("asked too often")));
    const old = pages.want(0, 0);
    await pages.reset();
    finish({ total: 9, rows: ["old"] });
    await old;
    expect([pages.at(0), pages.total]).toEqual(["new", 1]);
  });

  it("keep a failure and ask again the next time", async () => {
    let broken = true;
    const pages = new Pages<string>(() => (broken ? Promise.reject(new Error("locked")) : Promise.resolve({ total: 1, rows: ["x"] })));
    await pages.want(0, 0);
    expect(pages.failure?.why).toBe("locked");
    broken = false;
    await pages.want(0, 0);
    expect([pages.failure, pages.at(0)]).toEqual([null, "x"]);
  });
});
