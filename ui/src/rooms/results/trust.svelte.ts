// How far the run can be trusted: calibration, which answers go to a person, kinds of texts it fails at, another run beside it.
import { commands, type RankingCurves, type RunComparison, type RunJudgement } from "../../ipc/bindings";
import { Task } from "../../shared/task.svelte";

/** Wrong answers among 100 that one may allow, as the slider offers them; the last stands for giving every answer. */
export const ERRORS_ALLOWED = [1, 2, 3, 5, 7, 10, 15, 20, 30] as const;

/** Where the slider stands for a rule in force; its end where every answer is given. */
export function sliderPlace(errorsAllowed: number | null): number {
  if (errorsAllowed === null) return ERRORS_ALLOWED.length;
  const percent = errorsAllowed * 100;
  const distances = ERRORS_ALLOWED.map((allowed) => Math.abs(allowed - percent));
  return distances.indexOf(Math.min(...distances));
}

/** What a place of the slider allows; null gives every answer. */
export function allowedAt(place: number): number | null {
  const percent = ERRORS_ALLOWED[place];
  return percent === undefined ? null : percent / 100;
}

export class Trust {
  readonly task = new Task();
  /** The user's own wishes, whose failures do not take the rest off the screen. */
  readonly wish = new Task();
  readonly comparing = new Task();
  readonly deciding = new Task();
  #wanted: { errors: number | null } | null = null;
  run = $state<string | null>(null);
  judgement = $state.raw<RunJudgement | null>(null);
  curvesOf = $state<string | null>(null);
  curves = $state.raw<RankingCurves | null>(null);
  otherRun = $state<string | null>(null);
  comparison = $state.raw<RunComparison | null>(null);

  async load(run: string): Promise<void> {
    if (run !== this.run) {
      this.curvesOf = this.curves = this.otherRun = this.comparison = null;
      this.judgement = null;
    }
    this.run = run;
    const found = await this.task.run(() => commands.runJudgement(run));
    if (found && this.run === run) this.judgement = found;
  }

  /** One after the other, and of several wishes that wait only the last: what is kept is what was asked last. */
  async allow(errors: number | null): Promise<void> {
    this.#wanted = { errors };
    if (this.deciding.busy) return;
    while (this.#wanted !== null && this.run !== null) {
      const [run, wanted]: [string, number | null] = [this.run, this.#wanted.errors];
      this.#wanted = null;
      const review = await this.deciding.run(() => commands.setReview(run, wanted));
      if (review && this.judgement && this.run === run) this.judgement = { ...this.judgement, review };
    }
  }

  async showCurves(label: string | null): Promise<void> {
    this.curvesOf = label;
    this.curves = null;
    const run = this.run;
    if (run === null || label === null) return;
    const found = await this.wish.run(() => commands.classCurves(run, label));
    if (this.curvesOf === label && this.run === run) this.curves = found ?? null;
  }

  /** `run` beside the one in the room, which counts as the newer of the two. */
  async compareWith(run: string | null): Promise<void> {
    this.otherRun = run;
    this.comparison = null;
    const second = this.run;
    if (run === null || second === null) return;
    const found = await this.comparing.run(() => commands.compareRuns(run, second));
    if (found && this.otherRun === run && this.run === second) this.comparison = found;
  }
}
