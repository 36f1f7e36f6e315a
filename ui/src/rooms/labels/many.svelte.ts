// Many texts at once: found by words, by meaning or by likeness, and labelled as one step.
import { SvelteSet } from "svelte/reactivity";
import { commands, type ExampleDetail, type RowFilter } from "../../ipc/bindings";
import { Task } from "../../shared/task.svelte";
import type { LabelsRoom } from "./labels.svelte";

export type Source = "words" | "meaning" | "similar";
export type Found = { id: number; text: string; labels: number[] | null };

/** Rows of a list: more than anybody looks through. */
const MOST = 200;

export class Many {
  readonly task = new Task();
  source = $state<Source>("words");
  asked = $state("");
  /** The text that others are to be like. */
  like = $state.raw<ExampleDetail | null>(null);
  /** Whether rows that carry labels are shown, too. */
  labelled = $state(false);
  found = $state.raw<Found[]>([]);
  /** Rows in all, where only the first are shown. */
  total = $state(0);
  readonly chosen = new SvelteSet<number>();
  /** Whether something was looked for yet. */
  looked = $state(false);
  #room: LabelsRoom;

  constructor(room: LabelsRoom) {
    this.#room = room;
  }

  async begin(): Promise<void> {
    if (this.looked) await this.look();
  }

  /** The texts that are like the one on the bench. */
  async likeThis(): Promise<void> {
    this.source = "similar";
    this.like = this.#room.detail;
    this.#room.view = "many";
    await this.look();
  }

  async look(): Promise<void> {
    const found = await this.task.run(() => this.#find());
    if (!found) return;
    this.looked = true;
    this.total = found.total;
    this.found = found.rows;
    // What is alike is meant to be labelled alike; words say less.
    this.chosen.clear();
  }

  toggle(id: number): void {
    if (!this.chosen.delete(id)) this.chosen.add(id);
  }

  chooseAll(all: boolean): void {
    this.chosen.clear();
    if (all) for (const row of this.found) this.chosen.add(row.id);
  }

  /** Gives all chosen rows this label. */
  async give(label: number): Promise<void> {
    if (this.chosen.size === 0) return;
    if (await this.#room.giveMany([...this.chosen], label)) await this.look();
  }

  async #find(): Promise<{ rows: Found[]; total: number }> {
    const near = (rows: { example: number; text: string; labels: number[] | null }[]) => ({
      rows: rows.map((row) => ({ id: row.example, text: row.text, labels: row.labels })), total: rows.length,
    });
    if (this.source === "meaning") {
      if (this.asked.trim() === "") return { rows: [], total: 0 };
      return near((await commands.findByMeaning(this.asked, !this.labelled, MOST)).rows);
    }
    if (this.source === "similar") {
      this.like ??= this.#room.detail;
      const like = this.like?.id;
      return like === undefined ? { rows: [], total: 0 } : near((await commands.similarTexts(like, !this.labelled, MOST)).rows);
    }
    const filter: RowFilter = { search: this.asked, label: null, part: null, only: this.labelled ? "all" : "unlabelled" };
    const page = await commands.rowsPage(filter, 0, MOST);
    return {
      rows: page.id.map((id, i) => ({ id, text: page.text[i] ?? "", labels: page.labels[i] ?? null })), total: page.total,
    };
  }
}
