// Labels that are probably wrong, one after the other: put right, or confirmed.
import { commands, type DoubtPage, type DoubtfulRow } from "../../ipc/bindings";
import { Task } from "../../shared/task.svelte";
import type { LabelsRoom } from "./labels.svelte";

/** Rows of a page. */
const PAGE = 50;

export class DoubtList {
  readonly task = new Task();
  page = $state.raw<DoubtPage | null>(null);
  /** The one that the keys are about. */
  active = $state(0);
  #room: LabelsRoom;

  constructor(room: LabelsRoom) {
    this.#room = room;
  }

  get row(): DoubtfulRow | undefined {
    return this.page?.rows[this.active];
  }

  async load(): Promise<void> {
    const page = await this.task.run(() => commands.doubtsPage(0, PAGE));
    if (!page) return;
    this.page = page;
    this.active = Math.max(0, Math.min(this.active, page.rows.length - 1));
  }

  /** Takes the helper's word. */
  async fix(row: DoubtfulRow): Promise<void> {
    if (await this.#room.giveOne(row.example, row.better, row.better)) await this.load();
  }

  /** The label is right as it is. */
  async confirm(row: DoubtfulRow): Promise<void> {
    if (await this.#room.giveOne(row.example, row.labels, row.better)) await this.load();
  }

  /** Another label altogether. */
  async give(row: DoubtfulRow, label: number): Promise<void> {
    if (await this.#room.giveOne(row.example, [label], row.better)) await this.load();
  }
}
