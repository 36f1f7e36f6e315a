// Which words tell, over many answers of the test part: what is known, and the job that finds it out.
import { commands, type Examined } from "../../ipc/bindings";
import type { Job } from "../../project/jobs.svelte";
import type { Session } from "../../project/session.svelte";
import { Task } from "../../shared/task.svelte";

/** Texts that are enough to say whether explanations hold. */
export const USUAL = 200;

export class TellingWords {
  readonly task = new Task();
  examined = $state.raw<Examined | null>(null);
  #run = $state<string | null>(null);
  readonly job: Job | undefined;

  constructor(session: Session) {
    this.job = $derived(this.#run === null ? undefined : session.jobs.get(`examine-${this.#run}`));
  }

  async load(run: string): Promise<void> {
    if (run !== this.#run) this.examined = null;
    this.#run = run;
    const found = await this.task.run(() => commands.examinedAnswers(run));
    if (found !== undefined && this.#run === run) this.examined = found;
  }

  async look(most: number): Promise<void> {
    const run = this.#run;
    if (run !== null) await this.task.run(() => commands.examineAnswers(run, most));
  }
}
