// The Labels room's state: the scheme, and the row being labelled.
import { commands, type ExampleDetail, type Label, type LabelState, type RowFilter } from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { settled } from "../../shared/settled";
import { Task } from "../../shared/task.svelte";

/** Where one goes after a label: to the next row without one, or simply to the next row. */
export type Walk = "unlabelled" | "all";

const EVERY_ROW: RowFilter = { search: "", label: null, part: null, only: "all" };

/** The labels of a row with one more or one fewer; without any left, the row is unlabelled again. */
export function toggled(labels: number[] | null, label: number): number[] | null {
  const others = (labels ?? []).filter((other) => other !== label);
  const next = others.length === (labels ?? []).length ? [...others, label] : others;
  return next.length === 0 ? null : next;
}

export class LabelsRoom {
  readonly task = new Task();
  scheme = $state.raw<LabelState | null>(null);
  detail = $state.raw<ExampleDetail | null>(null);
  /** The row's place among all rows, from 0, and how many there are. */
  place = $state(0);
  total = $state(0);
  walk = $state<Walk>("unlabelled");
  #session: Session;
  #last: Promise<void> = Promise.resolve();
  #tellOthers = settled(250, () => void this.#session.refresh());

  constructor(session: Session) {
    this.#session = session;
  }

  async load(): Promise<void> {
    if ((this.#session.overview?.rows ?? 0) === 0) return;
    await this.#inTurn(async () => {
      this.scheme = await commands.labelState();
      const id = this.detail?.id ?? (await commands.nextUnlabelled(null));
      if (id === null) await this.#showPlace(0);
      else await this.#show(id);
    });
  }

  /** Whether a row may carry several labels. */
  get several(): boolean {
    return this.scheme?.problem_type === "multi_label";
  }

  /**
   * Labels the row on screen and goes on; where a row may carry several labels, sets or takes off this one and stays.
   * Quick keys are taken one after the other, none is lost.
   */
  async label(label: number): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.detail) return;
      if (!this.several) {
        this.#take(await commands.annotate(this.detail.id, [label]));
        return this.#goOn();
      }
      const labels = toggled(this.detail.labels, label);
      this.#take(await commands.annotate(this.detail.id, labels));
      await this.#show(this.detail.id);
    });
  }

  /** Says that none of the labels applies, and goes on. */
  async none(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.detail || !this.several) return;
      this.#take(await commands.annotate(this.detail.id, []));
      await this.#goOn();
    });
  }

  async allowSeveral(several: boolean): Promise<boolean> {
    return this.#change(() => commands.setProblemType(several ? "multi_label" : "single_label"));
  }

  async clear(): Promise<void> {
    await this.#inTurn(async () => {
      if (!this.detail) return;
      this.#take(await commands.annotate(this.detail.id, null));
      await this.#show(this.detail.id);
    });
  }

  async skip(): Promise<void> {
    await this.#inTurn(() => this.#goOn());
  }

  async step(by: 1 | -1): Promise<void> {
    await this.#inTurn(() => this.#showPlace(this.place + by));
  }

  async undo(): Promise<void> {
    if (this.scheme?.can_undo) await this.#again(() => commands.undoAnnotation());
  }

  async redo(): Promise<void> {
    if (this.scheme?.can_redo) await this.#again(() => commands.redoAnnotation());
  }

  async add(name: string): Promise<boolean> {
    return this.#change(() => commands.addLabel(name));
  }

  async rename(label: Label, name: string): Promise<boolean> {
    return this.#change(() => commands.renameLabel(label.id, name));
  }

  async remove(label: Label): Promise<boolean> {
    return this.#change(() => commands.removeLabel(label.id));
  }

  /** The label that a plain key stands for. */
  byKey(key: string): Label | undefined {
    return this.scheme?.labels.find((label) => label.key !== "" && label.key === key.toLowerCase());
  }

  async #again(work: () => Promise<LabelState>): Promise<void> {
    await this.#inTurn(async () => {
      const state = await work();
      this.#take(state);
      if (state.example !== null) await this.#show(state.example);
    });
  }

  async #change(work: () => Promise<LabelState>): Promise<boolean> {
    await this.#inTurn(async () => this.#take(await work()));
    return this.task.failure === null;
  }

  #take(state: LabelState): void {
    this.scheme = state;
    this.#tellOthers();
  }

  async #goOn(): Promise<void> {
    if (this.walk === "all") return this.#showPlace(this.place + 1);
    const next = await commands.nextUnlabelled(this.detail?.id ?? null);
    await this.#show(next ?? this.detail?.id ?? null);
  }

  async #show(id: number | null): Promise<void> {
    if (id === null) return;
    this.detail = await commands.example(id);
    this.place = await this.#placeOf(id);
  }

  async #showPlace(place: number): Promise<void> {
    if (place < 0 || (this.total > 0 && place >= this.total)) return;
    const page = await commands.rowsPage(EVERY_ROW, place, 1);
    this.total = page.total;
    const id = page.id[0];
    if (id === undefined) return;
    this.detail = await commands.example(id);
    this.place = place;
  }

  // Rows come in the order of their ids, so the place of one is found in a few questions.
  async #placeOf(id: number): Promise<number> {
    let low = 0;
    let high = Math.max(0, (await this.#count()) - 1);
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = (await commands.rowsPage(EVERY_ROW, middle, 1)).id[0];
      if (at === undefined || at >= id) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  async #count(): Promise<number> {
    this.total = (await commands.rowsPage(EVERY_ROW, 0, 1)).total;
    return this.total;
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(async () => {
      await this.task.run(work);
    });
    return this.#last;
  }
}
