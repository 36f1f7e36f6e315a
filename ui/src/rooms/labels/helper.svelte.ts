// The helper: it reads the texts once, learns as labels come, suggests and doubts. What it says is the engine's; here is
// when it is asked.
import { commands, type AssistState, type Forecast, type Suggestion } from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { settled } from "../../shared/settled";
import { Task } from "../../shared/task.svelte";

/** The job that reads the texts. */
const READING = "read-texts";
/** It learns again after so many new labels, or where there are many after this share of them. */
const LEARN_AFTER = 3;
const LEARN_AFTER_SHARE = 0.02;

export class Helper {
  readonly task = new Task();
  state = $state.raw<AssistState | null>(null);
  suggestion = $state.raw<Suggestion | null>(null);
  forecast = $state.raw<Forecast | null>(null);
  /** Whether suggestions are to be seen: hidden ones cannot sway anybody. */
  shown = $state(true);
  foretelling = $state(false);
  #session: Session;
  #labelled = 0;
  #learnt = -1;
  #learning = false;
  #onLearnt: () => void;
  #soon = settled(400, () => void this.#learn());

  /** `onLearnt` is called when it has something new to say. */
  constructor(session: Session, onLearnt: () => void) {
    this.#session = session;
    this.#onLearnt = onLearnt;
  }

  /** The reading that goes on, if one does. */
  get reading() {
    const job = this.#session.jobs.get(READING);
    return job?.state === "running" ? job : undefined;
  }

  get readingFailed() {
    return this.#session.jobs.get(READING)?.error ?? null;
  }

  /** Begins to read what was not read yet, and learns from the labels there are. */
  async begin(labelled: number): Promise<void> {
    this.#labelled = labelled;
    await this.task.run(() => commands.readTexts());
    await this.#learn();
  }

  /** The reading has come to an end: there is more to learn from. */
  async read(): Promise<void> {
    this.#learnt = -1;
    await this.#learn();
  }

  stopReading(): void {
    void commands.cancelJob(READING);
  }

  /** There are so many labels now. */
  labelled(count: number): void {
    this.#labelled = count;
    const few = this.state?.waiting !== null || this.#learnt < 0;
    const enough = few ? 1 : Math.max(LEARN_AFTER, this.#learnt * LEARN_AFTER_SHARE);
    if (Math.abs(count - this.#learnt) >= enough) this.#soon();
  }

  /** What it says about a row. */
  async ask(example: number): Promise<void> {
    const suggestion = this.state?.waiting === null ? await commands.suggestion(example) : null;
    this.suggestion = suggestion;
  }

  /** What more labels would bring. */
  async foretell(): Promise<void> {
    this.foretelling = true;
    const forecast = await this.task.run(() => commands.labelForecast());
    this.foretelling = false;
    if (forecast !== undefined) this.forecast = forecast;
  }

  async #learn(): Promise<void> {
    if (this.#learning || this.#learnt === this.#labelled) return;
    this.#learning = true;
    try {
      // Labels that come while it learns are learnt from at once after.
      while (this.#learnt !== this.#labelled) {
        const from = this.#labelled;
        const state = await this.task.run(() => commands.learnFromLabels());
        if (!state) return;
        this.#learnt = from;
        this.state = state;
        this.#onLearnt();
        if (Math.abs(this.#labelled - from) < LEARN_AFTER) return;
      }
    } finally {
      this.#learning = false;
    }
  }
}
