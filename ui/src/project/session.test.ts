import { describe, expect, it } from "vitest";
import type { Overview, Rooms, RunSummary } from "../ipc/bindings";
import { firstOpenRoom, mainRun } from "./session.svelte";

const rooms = (change: Partial<Rooms>): Rooms => ({
  data: "done", labels: "done", split: "done", model: "done", train: "done", results: "done", use: "done", ...change,
});

describe("an opened project goes on", () => {
  it.each([
    ["in Data when it is empty", rooms({ data: "empty", labels: "empty" }), "data"],
    ["where something needs attention", rooms({ labels: "attention" }), "labels"],
    ["with training when all before it is done", rooms({ train: "empty", results: "empty", use: "empty" }), "train"],
    ["with its results when all is done", rooms({}), "results"],
    ["with its results when only trying is left", rooms({ use: "empty" }), "results"],
  ])("%s", (_, state, room) => {
    expect(firstOpenRoom(state)).toBe(room);
  });
});

describe("the run that the rooms begin with", () => {
  const run = (id: string, change: Partial<RunSummary> = {}): RunSummary => ({ id, status: "finished", fold: null, ...change }) as RunSummary;
  const fold = { number: 5, of: 5 };
  it.each([
    ["is the latest that is finished", [run("c", { status: "running" }), run("b"), run("a")], "b"],
    ["is no single fold's where there is another", [run("b", { fold }), run("a")], "a"],
    ["is a fold's where there is no other", [run("b", { fold })], "b"],
  ])("%s", (_, runs, id) => {
    expect(mainRun({ runs } as Overview)?.id).toBe(id);
  });
});
