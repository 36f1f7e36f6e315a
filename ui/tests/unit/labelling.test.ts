// The labelling room over the mock engine: the order of things when keys come quickly.
import { clearMocks } from "@tauri-apps/api/mocks";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commands } from "../../src/ipc/bindings";
import { Session } from "../../src/project/session.svelte";
import { LabelsRoom } from "../../src/rooms/labels/labels.svelte";
import { installMock, type Mock } from "../mock/engine";

let mock: Mock;
let room: LabelsRoom;

beforeEach(async () => {
  mock = installMock({ language: "en", theme: "light", pace: 0 });
  const session = new Session();
  await session.open(() => commands.openSample("contracts"));
  room = new LabelsRoom(session);
  await room.load();
});
afterEach(clearMocks);

const labelOf = (id: number): number | null => mock.engine.need().row(id).labels?.[0] ?? null;

describe("labelling", () => {
  it("begins with the first row that has no label", () => {
    expect(room.detail?.id).toBe(12);
    expect(room.place).toBe(11);
  });

  it("takes a key for the row that was on screen, never for one that nobody has seen", async () => {
    await Promise.all([room.label(1), room.label(2), room.label(3)]);
    expect([labelOf(12), labelOf(24), labelOf(36)]).toEqual([1, null, null]);
    await room.label(2);
    await room.label(3);
    expect([labelOf(24), labelOf(36), room.detail?.id]).toEqual([2, 3, 48]);
  });

  it("does not bring back at once what was passed over", async () => {
    await room.skip();
    expect(room.detail?.id).toBe(24);
    expect(labelOf(12)).toBeNull();
  });

  it("deals with one doubt at a time", async () => {
    await room.open("doubts");
    const row = room.doubts.row;
    if (!row) throw new Error("nothing is doubted");
    await Promise.all([room.doubts.fix(row), room.doubts.confirm(row)]);
    expect(mock.engine.need().row(row.example).labels).toEqual(row.better);
  });

  it("shows the row that an undo has touched", async () => {
    await room.label(1);
    await room.undo();
    expect([room.detail?.id, labelOf(12), room.scheme?.can_redo]).toEqual([12, null, true]);
  });

  it("walks through all rows when asked to, and stops at the ends", async () => {
    room.walk = "all";
    await room.label(4);
    expect([labelOf(12), room.detail?.id]).toEqual([4, 13]);
    for (let i = 0; i < 20; i++) await room.step(-1);
    expect(room.place).toBe(0);
  });

  it("sets and takes off labels on the same row where it may carry several, and goes on when told", async () => {
    await room.allowSeveral(true);
    await Promise.all([room.label(1), room.label(3), room.label(2), room.label(1)]);
    expect([room.detail?.id, mock.engine.need().row(12).labels]).toEqual([12, [3, 2]]);
    await room.skip();
    await room.none();
    expect(mock.engine.need().row(24).labels).toEqual([]);
    expect(room.detail?.id).toBe(36);
  });

  it("keeps the failure of a refused label on the page", async () => {
    mock.engine.project = null;
    expect(await room.add("Insurance")).toBe(false);
    expect(room.task.failure?.kind).toBe("no_project");
  });
});
