// Many texts at once: found by words, by meaning or by likeness, in groups or as near-duplicates, and labelled as one step.
import { SvelteSet } from "svelte/reactivity";
import { commands, type Among, type ExampleDetail, type Nearby, type RowFilter } from "../../ipc/bindings";
import { Task } from "../../shared/task.svelte";
import type { LabelsRoom } from "./labels.svelte";

export type Source = "words" | "meaning" | "similar" | "groups" | "near";
export const SOURCES: readonly Source[] = ["words", "meaning", "similar", "groups", "near"];
export type Found = { id: number; text: string; labels: number[] | null };
/** Texts that belong together: how many, what tells them from others, and the first of them. */
export type Group = { id: number; size: number; words: string[]; rows: Found[]; all: () => Promise<number[]> };

/** What a look brought; `looked` says of how many texts so many were looked at, `all` tells the rows where only the first came. */
type Looked = {
  groups: Group[]; rows: Found[]; total: number; looked: { at: number; of: number } | null; uncompared: boolean;
  all: (() => Promise<number[]>) | null;
};
const NOTHING: Looked = { groups: [], rows: [], total: 0, looked: null, uncompared: false, all: null };

/** Rows of a list: more than anybody looks through. */
const MOST = 200;
/** Clusters of near-duplicates that are listed. */
const CLUSTERS = 50;
/** So many texts are compared with each other in a moment, without being asked. */
const QUICKLY_COMPARED = 5_000;

/** A row of the engine as one of the list. */
function found(row: { example: number; text: string; labels: number[] | null }): Found {
  return { id: row.example, text: row.text, labels: row.labels };
}

export class Many {
  readonly task = new Task();
  /** Apart from `task`: one goes on with something else meanwhile. */
  readonly comparing = new Task();
  source = $state<Source>("words");
  asked = $state("");
  /** The text that others are to be like. */
  like = $state.raw<ExampleDetail | null>(null);
  among = $state.raw<Among>({ which: "unlabelled" });
  /** How many groups are asked for. */
  count = $state(8);
  groups = $state.raw<Group[]>([]);
  /** The group that is open. */
  group = $state.raw<Group | null>(null);
  found = $state.raw<Found[]>([]);
  /** Rows in all, where only the first are shown. */
  total = $state(0);
  /** Texts that were looked at, of how many; null where that is no question. */
  looked = $state.raw<{ at: number; of: number } | null>(null);
  /** Whether near-duplicates were never looked for, which may take minutes. */
  uncompared = $state(false);
  /** The ids of all rows that were found, where more were found than are shown. */
  #all: (() => Promise<number[]>) | null = null;
  readonly chosen = new SvelteSet<number>();
  /** The label about which it is asked whether rows that are not in the list are meant. */
  asking = $state<number | null>(null);
  /** Whether something was looked for yet. */
  begun = $state(false);
  #room: LabelsRoom;

  constructor(room: LabelsRoom) {
    this.#room = room;
  }

  async begin(): Promise<void> {
    if (this.begun) await this.look();
  }

  /** The texts that are like the one on the bench. */
  async likeThis(): Promise<void> {
    this.like = this.#room.detail;
    this.#room.view = "many";
    await this.from("similar");
  }

  /** Looks another way from now on; at once where nothing has to be said first. */
  async from(source: Source): Promise<void> {
    this.source = source;
    // Near-duplicates are among all texts or those without a label.
    if (source === "near" && this.among.which === "label") this.among = { which: "unlabelled" };
    this.begun = false;
    this.#show(NOTHING);
    if (source !== "words" && source !== "meaning") await this.look();
    // What is still on its way was asked for elsewhere.
    else await this.task.run(() => Promise.resolve());
  }

  /** Looks among other texts from now on. */
  async within(among: Among): Promise<void> {
    this.among = among;
    if (this.begun || this.task.busy) await this.look();
  }

  /** The labels or what was read of the texts are other ones now. */
  async refresh(): Promise<void> {
    const { among } = this;
    if (among.which === "label" && !this.#room.scheme?.labels.some(({ id }) => id === among.id)) this.among = { which: "unlabelled" };
    if (this.begun) await this.look();
  }

  async look(): Promise<void> {
    const open = this.group?.id;
    const done = await this.task.run(() => this.#look());
    if (!done) return;
    this.begun = true;
    this.#show(done);
    // A cluster stays the same whatever its texts are called.
    const again = this.source === "near" ? this.groups.find(({ id }) => id === open) : undefined;
    if (again) await this.open(again);
  }

  #show({ groups, rows, total, looked, uncompared, all }: Looked): void {
    [this.groups, this.found, this.total, this.group, this.looked] = [groups, rows, total, null, looked];
    [this.uncompared, this.#all, this.asking] = [uncompared, all, null];
    this.chosen.clear();
  }

  /** Compares all texts with each other, then shows what is nearly the same. */
  async compare(): Promise<void> {
    if (this.comparing.busy) return;
    await this.comparing.run(() => commands.findNearDuplicates());
    if (this.comparing.failure === null && this.source === "near") await this.look();
  }

  /** Shows the texts of a group, all chosen: they are meant to be labelled alike. */
  async open(group: Group): Promise<void> {
    const all = await this.task.run(() => group.all());
    if (!all) return;
    [this.group, this.found, this.total] = [group, group.rows.filter(({ id }) => all.includes(id)), all.length];
    this.chosen.clear();
    for (const id of all) this.chosen.add(id);
  }

  toggle(id: number): void {
    if (!this.chosen.delete(id)) this.chosen.add(id);
  }

  async chooseAll(all: boolean): Promise<void> {
    if (all && this.group) return this.open(this.group);
    const ids = await this.task.run(() => (all ? (this.#all?.() ?? Promise.resolve(this.found.map(({ id }) => id))) : Promise.resolve([])));
    if (!ids) return;
    this.chosen.clear();
    for (const id of ids) this.chosen.add(id);
  }

  /** Chosen rows that are not in the list, and that nobody has seen. */
  get unseen(): number {
    return this.chosen.size - this.found.filter(({ id }) => this.chosen.has(id)).length;
  }

  /** Gives all chosen rows this label; where some of them were not seen, once it was said that they are meant. */
  async give(label: number, meant = false): Promise<void> {
    if (this.chosen.size === 0 || this.#room.stepping) return;
    this.asking = this.unseen > 0 && !meant ? label : null;
    if (this.asking !== null) return;
    if (await this.#room.giveMany([...this.chosen], label)) await this.look();
  }

  async #look(): Promise<Looked> {
    switch (this.source) {
      case "groups": return { ...NOTHING, ...(await this.#groups()) };
      case "near": return { ...NOTHING, ...(await this.#clusters()) };
      case "words": return { ...NOTHING, ...(await this.#words()) };
      case "meaning": return { ...NOTHING, ...(this.asked.trim() === "" ? {} : this.#near(await commands.findByMeaning(this.asked, this.among, MOST))) };
      case "similar": {
        this.like ??= this.#room.detail;
        return { ...NOTHING, ...(this.like === null ? {} : this.#near(await commands.similarTexts(this.like.id, this.among, MOST))) };
      }
    }
  }

  async #groups() {
    const told = await commands.textGroups(this.among, this.count);
    const groups: Group[] = told.groups.map(({ examples, words, shown }, id) => ({
      id, size: examples.length, words, rows: shown.map(found), all: () => Promise.resolve(examples),
    }));
    return { groups, looked: { at: told.looked_at, of: told.all } };
  }

  async #clusters() {
    const open = this.among.which === "unlabelled";
    let page = await commands.nearDuplicates(0, CLUSTERS, open);
    if (page === null && (this.#room.scheme?.rows ?? 0) <= QUICKLY_COMPARED) {
      await commands.findNearDuplicates();
      page = await commands.nearDuplicates(0, CLUSTERS, open);
    }
    if (page === null) return { uncompared: true };
    const groups: Group[] = page.clusters.map(({ id, rows, shown }) => ({
      id, size: rows, words: [], rows: shown.map((row) => ({ id: row.id, text: row.text, labels: row.labels })),
      all: () => commands.nearCluster(id, open),
    }));
    return { groups, total: page.total };
  }

  async #words() {
    const label = this.among.which === "label" ? this.among.id : null;
    const filter: RowFilter = { search: this.asked, label, part: null, only: this.among.which === "unlabelled" ? "unlabelled" : "all" };
    const page = await commands.rowsPage(filter, 0, MOST);
    return {
      rows: page.id.map((id, i) => ({ id, text: page.text[i] ?? "", labels: page.labels[i] ?? null })), total: page.total,
      all: page.total > page.id.length ? () => commands.rowIds(filter) : null,
    };
  }

  /** Rows by their meaning; without an answer, the texts were not read yet. */
  #near(near: Nearby | null) {
    if (near === null) return { looked: { at: 0, of: this.#room.scheme?.rows ?? 0 } };
    return { rows: near.rows.map(found), total: near.rows.length };
  }
}
