import { describe, expect, it, vi } from "vitest";
import type { WorkerEvent } from "../ipc/bindings";
import { Jobs } from "./jobs.svelte";

const step = (n: number): WorkerEvent => ({ event: "step", step: n, steps: 9, loss: 1 / n, learning_rate: 1e-5 });

describe("jobs", () => {
  it("are known from their first event on, even before the command that began them has answered", () => {
    const jobs = new Jobs(() => undefined);
    jobs.take({ job: "a", kind: "train", event: step(1) });
    jobs.take({ job: "a", kind: "train", event: step(2) });
    expect(jobs.get("a")?.curves.step).toEqual([1, 2]);
    expect([jobs.get("b"), jobs.get(null)]).toEqual([undefined, undefined]);
  });

  it("tell the project when they begin and end, and only then", () => {
    const turn = vi.fn();
    const jobs = new Jobs(turn);
    for (const event of [{ event: "started", pid: 1 }, step(1), { event: "finished", path: "/x", left_out: 0, cut_cells: 0 }] as WorkerEvent[]) {
      jobs.take({ job: "a", kind: "train", event });
    }
    expect(turn).toHaveBeenCalledTimes(2);
    expect(jobs.get("a")).toMatchObject({ state: "finished", path: "/x" });
  });

  it("keep the reason of an interruption and forget it when they go on", () => {
    const jobs = new Jobs(() => undefined);
    const error = { kind: "killed", what: "The training was stopped from outside.", why: "", next: "" };
    jobs.take({ job: "a", kind: "train", event: { event: "interrupted", error } });
    expect(jobs.get("a")).toMatchObject({ state: "interrupted", error });
    jobs.take({ job: "a", kind: "train", event: { event: "started", pid: 2 } });
    expect(jobs.get("a")).toMatchObject({ state: "running", error: null });
  });
});
