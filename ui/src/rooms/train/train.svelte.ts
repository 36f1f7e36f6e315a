// The Train room's state: the plan for the next run, the run that is going on, the earlier ones.
import { commands, type CrossValidation, type Preset, type RunHistory, type RunSummary, type TrainPlan, type TrainSettings } from "../../ipc/bindings";
import type { Job } from "../../project/jobs.svelte";
import { activeRun, type Session } from "../../project/session.svelte";
import { settled } from "../../shared/settled";
import { Task } from "../../shared/task.svelte";
import { withLive } from "./curves";

/** The id of the job that goes through the folds; there is one at a time. */
export const CROSS_VALIDATION = "cross-validation";

export class TrainRoom {
  readonly task = new Task();
  readonly planTask = new Task();
  plan = $state.raw<TrainPlan | null>(null);
  /** Choices of settings that the engine is still making. */
  choosing = $state(0);
  runs = $state.raw<RunSummary[]>([]);
  /** What the engine has written of the run on screen; its live events are added by `shown`. */
  history = $state.raw<RunHistory | null>(null);
  /** What the folds of the latest cross-validation say; null where there was none. */
  cross = $state.raw<CrossValidation | null>(null);
  folds = $state(5);
  /** Whether something was typed that the engine has not heard of. */
  #typed = false;
  #session: Session;
  #replan = settled(250, () => void this.#askAgain());

  /** The run on screen: the one going on, else the latest. */
  readonly run: RunSummary | undefined;
  readonly job: Job | undefined;
  /** The job that goes through the folds, while it does. */
  readonly crossing: Job | undefined;
  readonly shown: RunHistory | null;

  constructor(session: Session) {
    this.#session = session;
    this.run = $derived(this.runs.find((run) => run.status === "running" || run.status === "queued") ?? this.runs[0]);
    this.crossing = $derived.by(() => {
      const job = session.jobs.get(CROSS_VALIDATION);
      return job?.state === "running" ? job : undefined;
    });
    const ofFold = $derived(this.crossing?.fold?.run === this.run?.id ? this.crossing : undefined);
    this.job = $derived(ofFold ?? session.jobs.get(this.run?.id));
    this.shown = $derived(this.history && this.history.run.id === this.run?.id ? withLive(this.history, this.job) : null);
  }

  async load(): Promise<void> {
    await this.task.run(async () => {
      this.runs = await commands.runs();
      if (this.run) this.history = await commands.runHistory(this.run.id);
      this.cross = await commands.crossValidationResult();
    });
    await this.#askAgain();
  }

  /** Takes over a changed setting at once; the plan's figures follow when the typing rests. */
  set<K extends keyof TrainSettings>(name: K, value: TrainSettings[K]): void {
    if (!this.plan) return;
    this.plan = { ...this.plan, settings: { ...this.plan.settings, [name]: value } };
    this.#typed = true;
    this.#replan();
  }

  /** Takes what the engine chooses for this much time. */
  async choose(preset: Preset): Promise<void> {
    await this.#choose(preset);
  }

  /** Back to what the engine would choose. */
  async reset(): Promise<void> {
    await this.#choose(this.plan?.settings.preset ?? null);
  }

  /** Until the settings are there, a training would begin with those before. */
  async #choose(preset: Preset | null): Promise<void> {
    this.choosing += 1;
    try {
      await this.#ask(preset, null);
    } finally {
      this.choosing -= 1;
    }
  }

  async start(): Promise<void> {
    const settings = this.plan?.settings;
    if (!settings || this.choosing > 0 || this.#running()) return;
    const id = await this.task.run(() => commands.startTraining(settings));
    if (id) await this.#turned();
  }

  async resume(run: RunSummary): Promise<void> {
    await this.task.run(() => commands.continueTraining(run.id));
    if (!this.task.failure) await this.#turned();
  }

  /** Goes on from the last good state with half the learning rate. */
  async calm(run: RunSummary): Promise<void> {
    await this.task.run(() => commands.continueWithHalfTheRate(run.id));
    if (!this.task.failure) await this.#turned();
  }

  /** Stops what is going on. */
  async cancel(): Promise<void> {
    const job = this.crossing ? CROSS_VALIDATION : this.run?.id;
    if (job === undefined) return;
    await this.task.run(() => commands.cancelJob(job));
  }

  /** Trains once a fold with the settings of the plan. */
  async crossValidate(): Promise<void> {
    const settings = this.plan?.settings;
    if (!settings || this.choosing > 0 || this.#running()) return;
    await this.task.run(() => commands.startCrossValidation(settings, this.folds));
    if (!this.task.failure) await this.#turned();
  }

  async continueCrossValidation(): Promise<void> {
    await this.task.run(() => commands.continueCrossValidation());
    if (!this.task.failure) await this.#turned();
  }

  #running(): boolean {
    const overview = this.#session.overview;
    return this.crossing !== undefined || (overview !== null && activeRun(overview) !== undefined);
  }

  /**
   * Asks anew about what was chosen, which the engine keeps, or about what was typed since; while other settings are being
   * chosen, those are what counts.
   */
  async #askAgain(): Promise<void> {
    if (this.choosing === 0) await this.#ask(null, this.#typed ? (this.plan?.settings ?? null) : null);
  }

  async #ask(preset: Preset | null, settings: TrainSettings | null): Promise<void> {
    this.#typed = false;
    const plan = await this.planTask.run(() => commands.trainPlan(preset, settings));
    // What was typed meanwhile is newer than the answer.
    if (plan) this.plan = this.#typed && settings && this.plan ? { ...plan, settings: this.plan.settings } : plan;
    else if (settings) this.#typed = true;
  }

  async #turned(): Promise<void> {
    await this.load();
    await this.#session.refresh();
  }
}
