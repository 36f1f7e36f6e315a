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
  busy = $state(false);
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

  /** Takes the helper's word. */
  async fix(row: DoubtfulRow): Promise<void> {
    await this.#dealWith(row, row.better);
  }

  /** The label is right as it is. */
  async confirm(row: DoubtfulRow): Promise<void> {
    await this.#dealWith(row, row.labels);
  }

  /** Another label altogether. */
  async give(row: DoubtfulRow, label: number): Promise<void> {
    await this.#dealWith(row, [label]);
  }

  /** Gives it these labels and goes on to the next; when all are dealt with the helper learns again. */
  async #dealWith(row: DoubtfulRow, labels: number[]): Promise<void> {
    // A key that comes meanwhile would be about a text that is no longer there.
    if (this.busy) return;
    this.busy = true;
    try {
      if (!(await this.#room.giveOne(row.example, labels, row.better)) || !this.page) return;
      const rows = this.page.rows.filter(({ example }) => example !== row.example);
      this.page = { ...this.page, rows, total: this.page.total - 1 };
      this.active = Math.max(0, Math.min(this.active, rows.length - 1));
      if (rows.length === 0) await this.begin();
    } finally {
      this.busy = false;
    }
  }
}
