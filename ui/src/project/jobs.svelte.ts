// The jobs of this window as their events tell: how far, the curves so far, how they ended.
import { SvelteMap } from "svelte/reactivity";
import { events, type EpochScores, type JobEvent, type JobKind, type UserError, type WorkerEvent } from "../ipc/bindings";

export type JobState = "running" | "finished" | "cancelled" | "interrupted" | "failed";
export type Progress = Extract<WorkerEvent, { event: "progress" }>;
export type Listening = Extract<WorkerEvent, { event: "listening" }>;
export type Fold = Extract<WorkerEvent, { event: "fold" }>;
export type Curves = { steps: number; step: number[]; loss: number[]; learning_rate: number[] };

export class Job {
  readonly id: string;
  readonly kind: JobKind;
  state = $state<JobState>("running");
  progress = $state.raw<Progress | null>(null);
  curves = $state.raw<Curves>({ steps: 0, step: [], loss: [], learning_rate: [] });
  epochs = $state.raw<EpochScores[]>([]);
  /** Which fold of a cross-validation has its turn, and its run. */
  fold = $state.raw<Fold | null>(null);
  path = $state<string | null>(null);
  /** Rows of a file that do not fit its columns and got no answer. */
  leftOut = $state(0);
  /** Cells that were cut because a workbook's hold no more. */
  cutCells = $state(0);
  /** Where other programs are answered, and how many of their texts were. */
  listening = $state.raw<Listening | null>(null);
  served = $state(0);
  error = $state.raw<UserError | null>(null);

  constructor(id: string, kind: JobKind) {
    this.id = id;
    this.kind = kind;
  }

  take(event: WorkerEvent): void {
    switch (event.event) {
      case "started":
        // Also the beginning of a continuation under the same id: what was learned before stays in the run's history.
        this.state = "running";
        this.error = null;
        this.fold = null;
        this.#begin();
        break;
      case "fold":
        this.fold = event;
        this.#begin();
        break;
      case "progress":
        this.progress = event;
        break;
      case "step":
        this.#addStep(event);
        break;
      case "epoch":
        this.epochs = [...this.epochs, event.scores];
        break;
      case "log":
        break;
      case "listening":
        this.listening = event;
        break;
      case "served":
        this.served = event.texts;
        break;
      case "finished":
        this.state = "finished";
        this.path = event.path;
        this.leftOut = event.left_out;
        this.cutCells = event.cut_cells;
        break;
      case "cancelled":
        this.state = "cancelled";
        break;
      case "failed":
      case "interrupted":
        this.state = event.event;
        this.error = event.error;
        break;
    }
  }

  #begin(): void {
    this.listening = null;
    this.served = 0;
    this.progress = null;
    this.curves = { steps: 0, step: [], loss: [], learning_rate: [] };
    this.epochs = [];
  }

  // The arrays grow in place; the object around them is new, which is what redraws. Copying them
  // at each of some ten thousand steps would be quadratic.
  #addStep(event: Extract<WorkerEvent, { event: "step" }>): void {
    const { step, loss, learning_rate } = this.curves;
    step.push(event.step);
    loss.push(event.loss);
    learning_rate.push(event.learning_rate);
    this.curves = { steps: event.steps, step, loss, learning_rate };
  }
}

export class Jobs {
  #jobs = new SvelteMap<string, Job>();
  /** How many jobs have ended so far; it never falls, so that whoever watches it misses none. */
  endings = $state(0);
  #onTurn: () => void;

  /** `onTurn` is called when a job or one of its folds begins or ends: the project has changed. */
  constructor(onTurn: () => void) {
    this.#onTurn = onTurn;
  }

  async listen(): Promise<void> {
    await events.jobEvent.listen(({ payload }) => this.take(payload));
  }

  get(id: string | null | undefined): Job | undefined {
    return id ? this.#jobs.get(id) : undefined;
  }

  take({ job: id, kind, event }: JobEvent): void {
    let job = this.#jobs.get(id);
    if (!job) {
      job = new Job(id, kind);
      this.#jobs.set(id, job);
    }
    job.take(event);
    if (job.state !== "running") this.endings += 1;
    if (event.event === "started" || event.event === "fold" || job.state !== "running") this.#onTurn();
  }
}
