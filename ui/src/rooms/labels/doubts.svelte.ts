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

  /** The helper learns from the labels that there are now, and says what it doubts. */
  async begin(): Promise<void> {
    await this.#room.helper.upToDate();
    await this.load();
  }

  async load(): Promise<void> {
    const page = await this.task.run(() => commands.doubtsPage(0, PAGE));
    if (!page) return;
    this.page = page;
    this.active = Math.max(0, Math.min(this.active, page.rows.length - 1));
  }

  /** One was dealt with: on to the next, and when all are, the helper learns again. */
  async #dealtWith(): Promise<void> {
    await this.load();
    if (this.page?.rows.length === 0) await this.begin();
  }

  /** Takes the helper's word. */
  async fix(row: DoubtfulRow): Promise<void> {
    if (await this.#room.giveOne(row.example, row.better, row.better)) await this.#dealtWith();
  }

  /** The label is right as it is. */
  async confirm(row: DoubtfulRow): Promise<void> {
    if (await this.#room.giveOne(row.example, row.labels, row.better)) await this.#dealtWith();
  }

  /** Another label altogether. */
  async give(row: DoubtfulRow, label: number): Promise<void> {
    if (await this.#room.giveOne(row.example, [label], row.better)) await this.#dealtWith();
  }
}
