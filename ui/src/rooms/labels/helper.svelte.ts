// The helper: it reads the texts once, learns as labels come, suggests and doubts. What it says is the engine's; here is
// when it is asked.
import { commands, type AssistState, type Forecast, type Suggestion } from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { settled } from "../../shared/settled";
import { Task } from "../../shared/task.svelte";

/** It learns again after so many new labels, or where there are many after this share of them. */
const LEARN_AFTER = 3;
const LEARN_AFTER_SHARE = 0.02;

export class Helper {
  readonly task = new Task();
  /** Apart from `task`: one must not throw away what another is waiting for. */
  readonly readingTask = new Task();
  readonly foretellingTask = new Task();
  /** The job that reads the texts. */
  #job = $state<string | null>(null);
  state = $state.raw<AssistState | null>(null);
  suggestion = $state.raw<Suggestion | null>(null);
  forecast = $state.raw<Forecast | null>(null);
  /** Whether suggestions are to be seen: hidden ones cannot sway anybody. */
  shown = $state(true);
  foretelling = $state(false);
  #session: Session;
  /** Labels given or taken away so far, and how many of them it has learnt from; -1 = it never learnt. */
  #changes = 0;
  #learnt = -1;
  #learning: Promise<void> | null = null;
  #onLearnt: () => void;
  #soon = settled(400, () => void this.upToDate());

  /** `onLearnt` is called when it has something new to say. */
  constructor(session: Session, onLearnt: () => void) {
    this.#session = session;
    this.#onLearnt = onLearnt;
  }

  /** The reading that goes on, if one does. */
  get reading() {
    const job = this.#session.jobs.get(this.#job);
    return job?.state === "running" ? job : undefined;
  }

  get readingFailed() {
    return this.#session.jobs.get(this.#job)?.error ?? null;
  }

  /** Begins to read what was not read yet, and learns from the labels there are. */
  async begin(): Promise<void> {
    this.#job = (await this.readingTask.run(() => commands.readTexts())) ?? null;
    await this.upToDate();
  }

  /** The reading has come to an end: there is more to learn from. */
  async read(): Promise<void> {
    await this.#learning;
    this.#learnt = -1;
    await this.upToDate();
  }

  stopReading(): void {
    if (this.#job) void commands.cancelJob(this.#job);
  }

  /** So many labels were given or taken away. */
  changed(labels: number): void {
    this.#changes += labels;
    const learntFrom = this.state?.waiting === null ? this.state.learnt_from : 0;
    const enough = learntFrom === 0 || this.#learnt < 0 ? 1 : Math.max(LEARN_AFTER, learntFrom * LEARN_AFTER_SHARE);
    if (this.#changes - this.#learnt >= enough) this.#soon();
  }

  /** The scheme is another one: what was learnt no longer fits it. */
  stale(): void {
    this.#learnt = -1;
    this.#soon();
  }

  /** It has learnt from all labels that there are. */
  async upToDate(): Promise<void> {
    while (this.#learnt < this.#changes) {
      if (!(await this.#learn())) return;
    }
  }

  /** What it says about a row. */
  async about(example: number): Promise<Suggestion | null> {
    return this.state?.waiting === null ? commands.suggestion(example) : null;
  }

  /** What more labels would bring. */
  async foretell(): Promise<void> {
    this.foretelling = true;
    const forecast = await this.foretellingTask.run(() => commands.labelForecast());
    this.foretelling = false;
    if (forecast !== undefined) this.forecast = forecast;
  }

  /** Learns once, or waits for the learning that goes on; false when it failed. */
  async #learn(): Promise<boolean> {
    this.#learning ??= this.#learnNow().finally(() => (this.#learning = null));
    await this.#learning;
    return this.task.failure === null;
  }

  async #learnNow(): Promise<void> {
    const from = this.#changes;
    const state = await this.task.run(() => commands.learnFromLabels());
    if (!state) return;
    this.#learnt = from;
    this.state = state;
    this.#onLearnt();
  }
}
