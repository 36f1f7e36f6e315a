// The Labels room's state: the scheme, and the row being labelled.
import {
  commands, type ExampleDetail, type Label, type LabelChange, type LabelNotes, type LabelPart, type LabelState, type MarkKind, type Order,
  type RowPlace, type Suggestion,
} from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { settled } from "../../shared/settled";
import { Task } from "../../shared/task.svelte";
import { Divide } from "./divide.svelte";
import { DoubtList } from "./doubts.svelte";
import { Helper } from "./helper.svelte";
import { Many } from "./many.svelte";
import { PeopleList } from "./people.svelte";
import { moved, withoutNeedlessChange } from "./scheme";

/** Where one goes after a label: in the helper's order, by chance, to the next row without one, or simply to the next row. */
export type Walk = Order | "second" | "newest" | "unlabelled" | "all";
export const WALKS: readonly Walk[] = ["useful", "rare", "random", "second", "newest", "unlabelled", "all"];

/** How one works: a text at a time, many at once, or through the doubtful ones. */
export type View = "bench" | "many" | "doubts" | "people";

/** Rows from which a step takes so long that its progress is shown, as the shell has it (`work.rs`). */
const MANY = 2_000;

/** Nobody reads one text for longer: they were elsewhere. */
const LONGEST_LOOK = 300;

/** The labels of a row with one more or one fewer; without any left, the row is unlabelled again. */
export function toggled(labels: number[] | null, label: number): number[] | null {
  const others = (labels ?? []).filter((other) => other !== label);
  const next = others.length === (labels ?? []).length ? [...others, label] : others;
  return next.length === 0 ? null : next;
}

/** A row as it comes on screen. */
type Shown = { detail: ExampleDetail; at: RowPlace; suggestion: Suggestion | null; why: Order | "typical" | "second" | null };

export class LabelsRoom {
  readonly task = new Task();
  readonly helper: Helper;
  readonly many: Many;
  readonly divide: Divide;
  readonly doubts: DoubtList;
  readonly people: PeopleList;
  view = $state<View>("bench");
  scheme = $state.raw<LabelState | null>(null);
  notes = $state.raw<LabelNotes>({ guidelines: "", keywords: "", goal: null });
  detail = $state.raw<ExampleDetail | null>(null);
  /** The row's place among all rows, from 0, and how many there are. */
  place = $state(0);
  total = $state(0);
  walk = $state<Walk>("useful");
  /** Why this row is the one on screen; null = it is simply the next. */
  why = $state<Shown["why"]>(null);
  /** Labels given since the room was first entered, and the seconds that they took. */
  pace = $state.raw({ labels: 0, seconds: 0 });
  /** Where each text was scrolled to. */
  readonly scrolled: Record<number, number> = {};
  #session: Session;
  /** The row after the one on screen, asked for ahead. */
  #ahead: { after: number | null; walk: Walk; row: Promise<Shown | null> } | null = null;
  /** Rows that were passed over: they do not come back at once. */
  #skipped: number[] = [];
  #since = Date.now();
  /** Whether the row on screen was given labels while it stood there. */
  #given = false;
  #last: Promise<void> = Promise.resolve();
  /** Steps about many rows that are on their way. */
  #steps = $state(0);
  #tellOthers = settled(250, () => void this.#session.refresh());

  constructor(session: Session) {
    this.#session = session;
    this.helper = new Helper(session, () => void this.#askHelper());
    this.many = new Many(this);
    this.divide = new Divide(this);
    this.doubts = new DoubtList(this);
    this.people = new PeopleList(this);
  }

  async load(): Promise<void> {
    if ((this.#session.overview?.rows ?? 0) === 0) return;
    await this.#inTurn(async () => {
      this.scheme = await commands.labelState();
      this.notes = await commands.labelNotes();
      const newest = this.#session.newestFirst ? await commands.lastUnlabelled(null) : null;
      if (newest !== null) [this.walk, this.view, this.#skipped] = ["newest", "bench", []];
      this.#session.newestFirst = false;
      const id = newest ?? this.detail?.id ?? (await commands.nextUnlabelled(null));
      if (id === null) await this.#showPlace(0);
      else await this.#show(id);
    });
    await this.helper.begin();
    if (this.view === "doubts") await this.doubts.load();
  }

  /** Whether a row may carry several labels. */
  get several(): boolean {
    return this.scheme?.problem_type === "multi_label";
  }

  /** The labels that are still given. */
  get offered(): Label[] {
    return this.scheme?.labels.filter((label) => !label.retired || this.detail?.labels?.includes(label.id)) ?? [];
  }

  async open(view: View): Promise<void> {
    this.view = view;
    if (view === "doubts") await this.doubts.begin();
    if (view === "many") await this.many.begin();
    if (view === "people") await this.people.load();
  }

  /**
   * Labels the row on screen and goes on; where a row may carry several labels, sets or takes off this one and stays.
   * Quick keys are taken one after the other, none is lost.
   */
  async label(label: number): Promise<void> {
    await this.#aboutThis(async (detail) => {
      if (!this.several) {
        await this.#give([label]);
        return this.#goOn();
      }
      await this.#give(toggled(detail.labels, label));
      this.detail = await commands.example(detail.id);
    });
  }

  /** Gives what the helper suggests, and goes on. */
  async accept(): Promise<void> {
    const suggested = this.suggested;
    if (!suggested || (suggested.length === 0 && !this.several)) return;
    await this.#aboutThis(async () => {
      await this.#give(suggested);
      await this.#goOn();
    });
  }

  /** The labels that are suggested on screen; null while nothing is to be seen. */
  get suggested(): number[] | null {
    return this.helper.shown ? (this.helper.suggestion?.labels ?? null) : null;
  }

  /** Says that none of the labels applies, and goes on. */
  async none(): Promise<void> {
    if (!this.several) return;
    await this.#aboutThis(async () => {
      await this.#give([]);
      await this.#goOn();
    });
  }

  async allowSeveral(several: boolean): Promise<boolean> {
    const changed = await this.#change(() => commands.setProblemType(several ? "multi_label" : "single_label"));
    this.helper.stale();
    return changed;
  }

  async clear(): Promise<void> {
    await this.#aboutThis(async (detail) => {
      await this.#give(null);
      await this.#show(detail.id);
    });
  }

  async skip(): Promise<void> {
    await this.#aboutThis(async (detail) => {
      if (detail.labels === null) this.#skipped.push(detail.id);
      await this.#goOn();
    });
  }

  async step(by: 1 | -1): Promise<void> {
    await this.#inTurn(() => this.#showPlace(this.place + by));
  }

  /** Brings a row to the bench. */
  async look(example: number): Promise<void> {
    this.view = "bench";
    await this.#inTurn(() => this.#show(example));
  }

  async go(walk: Walk): Promise<void> {
    this.walk = walk;
    this.#skipped = [];
    if (walk !== "second" && (walk === "all" || this.detail?.labels === null)) return this.#askHelper();
    await this.#inTurn(() => this.#goOn());
  }

  /** Notes something about the row on screen, or takes the note back. */
  async mark(kind: MarkKind, value: string | null): Promise<boolean> {
    await this.#aboutThis(async (detail) => {
      this.detail = await commands.setMark(detail.id, kind, value);
    });
    return this.task.failure === null;
  }

  marked(kind: MarkKind): string | null {
    return this.detail?.marks.find((mark) => mark.kind === kind)?.value ?? null;
  }

  /** Long work in the app itself. */
  get work() {
    return this.#session.work;
  }

  /** Whether a step about many rows is on its way: a key that comes meanwhile would be about something else than is seen. */
  get stepping(): boolean {
    return this.#steps > 0 || this.work.some(({ kind }) => kind === "label");
  }

  async undo(): Promise<void> {
    if (this.scheme?.can_undo && !this.stepping) await this.#again(() => commands.undoAnnotation());
  }

  async redo(): Promise<void> {
    if (this.scheme?.can_redo && !this.stepping) await this.#again(() => commands.redoAnnotation());
  }

  async add(name: string): Promise<boolean> {
    return this.#change(() => commands.addLabel(name));
  }

  async change(label: Label, change: Partial<LabelChange>): Promise<boolean> {
    const nothing: LabelChange = {
      name: null, colour: null, key: null, description: null, examples: null, counter_examples: null, group: null, retired: null,
    };
    const changed = await this.#change(() => commands.changeLabel(label.id, { ...nothing, ...change }));
    if (change.retired !== undefined && change.retired !== label.retired) this.helper.stale();
    return changed;
  }

  /** Moves a label up or down in the list. */
  async move(label: Label, by: 1 | -1): Promise<void> {
    const ids = this.scheme?.labels.map(({ id }) => id) ?? [];
    const from = ids.indexOf(label.id);
    if (from < 0 || from + by < 0 || from + by >= ids.length) return;
    ids.splice(from + by, 0, ...ids.splice(from, 1));
    await this.#change(() => commands.orderLabels(ids));
  }

  async remove(label: Label): Promise<boolean> {
    return this.#change(() => commands.removeLabel(label.id));
  }

  async keepNotes(notes: LabelNotes): Promise<boolean> {
    await this.#inTurn(async () => {
      await commands.setLabelNotes(notes);
      this.notes = notes;
    });
    return this.task.failure === null;
  }

  async saveScheme(): Promise<string | null> {
    return (await this.task.run(() => commands.saveScheme())) ?? null;
  }

  async loadScheme(): Promise<boolean> {
    await this.#inTurn(async () => {
      const state = await commands.loadScheme();
      if (!state) return;
      this.#take(state);
      this.notes = await commands.labelNotes();
    });
    return this.task.failure === null;
  }

  /** Gives many rows a label as one step; true when it was done. */
  async giveMany(examples: number[], label: number): Promise<boolean> {
    if (this.stepping) return false;
    return this.#step(examples.length, () => commands.labelMany(examples, label));
  }

  /** Gives rows of a label others in its place, as one step; true when it was done. */
  async divideLabel(label: Label, parts: LabelPart[]): Promise<boolean> {
    if (this.stepping) return false;
    const rows = parts.reduce((sum, { examples }) => sum + examples.length, 0);
    const changed = await this.#step(rows, () => commands.divideLabel(label.id, parts));
    this.helper.stale();
    await this.#lists();
    return changed;
  }

  /** What is listed elsewhere than on the bench is looked for again. */
  async #lists(): Promise<void> {
    if (this.view === "doubts") await this.doubts.load();
    if (this.view === "many") await this.many.refresh();
  }

  /** The helper has read what there was to read. */
  async read(): Promise<void> {
    await this.helper.read();
    await this.#lists();
    if (this.divide.label) await this.divide.look();
  }

  /** Says who labels from now on. */
  async become(name: string): Promise<void> {
    await this.#change(() => commands.setPerson(name));
  }

  /** Decides about a text where people disagreed; true when it was done. */
  async decide(example: number, labels: number[]): Promise<boolean> {
    return this.#change(() => commands.decideDisagreement(example, labels), 1);
  }

  /** Others' answers came in: the labels are other ones now. */
  async refreshed(): Promise<void> {
    await this.#change(() => commands.labelState());
    this.helper.stale();
  }

  /** Gives one row labels, from elsewhere than the bench; true when it was done. */
  async giveOne(example: number, labels: number[] | null, suggested: number[] | null): Promise<boolean> {
    return this.#change(() => commands.annotate(example, labels, { suggested, seconds: null }), 1);
  }

  /** The label that a plain key stands for. */
  byKey(key: string): Label | undefined {
    return this.offered.find((label) => label.key !== "" && label.key === key.toLowerCase());
  }

  async #give(labels: number[] | null): Promise<void> {
    if (!this.detail) return;
    const seconds = Math.min(LONGEST_LOOK, (Date.now() - this.#since) / 1000);
    this.#take(await commands.annotate(this.detail.id, labels, { suggested: this.suggested, seconds }), 1);
    this.#given = labels !== null;
  }

  /** Something about the row on screen; when its turn comes and another row is there, it is no longer meant. */
  async #aboutThis(work: (detail: ExampleDetail) => Promise<void>): Promise<void> {
    const meant = this.detail?.id;
    await this.#inTurn(async () => {
      if (this.detail && this.detail.id === meant) await work(this.detail);
    });
  }

  async #again(work: () => Promise<LabelState>): Promise<void> {
    await this.#inTurn(async () => {
      const state = await work();
      const before = this.scheme?.labels.length;
      this.#take(state, moved(this.scheme, state));
      // A label that came or went was divided or merged: many rows are called otherwise now.
      if (state.labels.length !== before) this.helper.stale();
      if (state.example !== null) await this.#show(state.example);
    });
    await this.#lists();
  }

  /** A step about so many rows. */
  async #step(rows: number, work: () => Promise<LabelState>): Promise<boolean> {
    const many = rows >= MANY ? 1 : 0;
    this.#steps += many;
    try {
      return await this.#change(work, rows);
    } finally {
      this.#steps -= many;
    }
  }

  async #change(work: () => Promise<LabelState>, labels = 0): Promise<boolean> {
    await this.#inTurn(async () => {
      this.#ahead = null;
      this.#take(await work(), labels);
      if (this.detail) this.detail = await commands.example(this.detail.id);
    });
    return this.task.failure === null;
  }

  /** What the engine says now, after so many labels were given or taken away. */
  #take(state: LabelState, labels = 0): void {
    this.scheme = withoutNeedlessChange(this.scheme, state);
    if (labels > 0) this.helper.changed(labels);
    this.#tellOthers();
  }

  async #goOn(): Promise<void> {
    if (this.walk === "all") return this.#showPlace(this.place + 1);
    const ahead = this.#ahead;
    this.#ahead = null;
    if (this.#given) this.#count();
    this.#given = false;
    const ready = ahead !== null && ahead.after === (this.detail?.id ?? null) && ahead.walk === this.walk;
    // What failed ahead may succeed now.
    this.#put(ready ? await ahead.row.catch(() => this.#next()) : await this.#next());
  }

  /** Counts the text that one goes on from, where it was labelled. */
  #count(): void {
    const seconds = Math.min(LONGEST_LOOK, (Date.now() - this.#since) / 1000);
    this.pace = { labels: this.pace.labels + 1, seconds: this.pace.seconds + seconds };
  }

  /** The row after the one on screen; null when there is none. */
  async #next(): Promise<Shown | null> {
    const after = this.detail?.id ?? null;
    if (this.walk === "all") return null;
    if (this.walk === "unlabelled") {
      const id = await commands.nextUnlabelled(after);
      return id === null ? null : this.#fetch(id, null);
    }
    if (this.walk === "newest") {
      const id = await commands.lastUnlabelled(after);
      return id === null ? null : this.#fetch(id, null);
    }
    if (this.walk === "second") {
      const id = await commands.nextForSecondOpinion(after);
      return id === null ? null : this.#fetch(id, "second");
    }
    const but = (skipped: number[]): number[] => [...(after === null ? [] : [after]), ...skipped];
    let next = await commands.nextToLabel(this.walk, but(this.#skipped));
    if (next === null || this.#skipped.includes(next.example)) {
      // All others are labelled: those that were passed over come again.
      this.#skipped = [];
      next = await commands.nextToLabel(this.walk, but([]));
    }
    return next && this.#fetch(next.example, next.typical ? "typical" : next.by);
  }

  async #fetch(id: number, why: Shown["why"]): Promise<Shown> {
    const [detail, at, suggestion] = await Promise.all([commands.example(id), commands.placeOf(id), this.helper.about(id)]);
    // A second opinion is one's own: what others said and what the helper learnt from them is not shown.
    if (why === "second") return { detail: { ...detail, labels: null }, at, suggestion: null, why };
    return { detail, at, suggestion, why };
  }

  /** Puts a row on screen, and has the next one ready while it is read: a key must not wait for it. */
  #put(row: Shown | null): void {
    if (row) {
      this.detail = row.detail;
      this.place = row.at.place;
      this.total = row.at.total;
      this.why = row.why;
      this.helper.suggestion = row.suggestion;
    }
    this.#since = Date.now();
    this.#prepare();
  }

  #prepare(): void {
    const row = this.#next();
    // A failure shows when the row is wanted.
    row.catch(() => undefined);
    this.#ahead = { after: this.detail?.id ?? null, walk: this.walk, row };
  }

  async #show(id: number | null, why: Shown["why"] = null): Promise<void> {
    if (id !== null) this.#put(await this.#fetch(id, why));
  }

  async #showPlace(place: number): Promise<void> {
    if (place < 0 || (this.total > 0 && place >= this.total)) return;
    const page = await commands.rowsPage({ search: "", label: null, part: null, only: "all" }, place, 1);
    const id = page.id[0];
    if (id !== undefined) await this.#show(id);
  }

  /** The helper has something new to say about what is on screen and what comes next. */
  async #askHelper(): Promise<void> {
    // Beside `task`: an earlier failure stays to be read.
    this.#last = this.#last.then(async () => {
      const suggestion = await this.helper.task.run(async () => (this.detail ? this.helper.about(this.detail.id) : null));
      if (suggestion !== undefined && this.why !== "second") this.helper.suggestion = suggestion;
      // It knows more by now than when it chose this text.
      if (this.why === "typical" && this.helper.state?.waiting === null) this.why = null;
      this.#prepare();
    });
    await this.#last;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      await this.task.run(work);
    });
    return this.#last;
  }
}
