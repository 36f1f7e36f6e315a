import { describe, expect, it } from "vitest";
import type { Rooms } from "../ipc/bindings";
import { firstOpenRoom } from "./session.svelte";

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
