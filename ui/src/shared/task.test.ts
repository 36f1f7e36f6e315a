import { describe, expect, it } from "vitest";
import { asFailure, Task } from "./task.svelte";

describe("a task", () => {
  it("keeps the engine's error for the screen and throws nothing on", async () => {
    const task = new Task();
    const error = { kind: "empty_file", what: "The file is empty.", why: "", next: "Choose another." };
    expect(await task.run(() => Promise.reject(error))).toBeUndefined();
    expect([task.failure, task.busy]).toEqual([error, false]);
  });

  it("shows a fault of the program as one", () => {
    expect(asFailure(new TypeError("x is not a function"))).toMatchObject({ kind: "internal", why: "x is not a function" });
  });

  it("lets no late answer replace a newer one", async () => {
    const task = new Task();
    let finish: (text: string) => void = () => undefined;
    const slow = task.run(() => new Promise<string>((resolve) => (finish = resolve)));
    expect(await task.run(() => Promise.resolve("new"))).toBe("new");
    finish("old");
    expect(await slow).toBeUndefined();
  });
});
