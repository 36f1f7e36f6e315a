// The Model room's state: the models there are, this machine, downloads on their way.
import { commands, type Machine, type ModelCard } from "../../ipc/bindings";
import type { Job } from "../../project/jobs.svelte";
import type { Session } from "../../project/session.svelte";
import { Task } from "../../shared/task.svelte";
import { SvelteMap } from "svelte/reactivity";

export class ModelRoom {
  readonly task = new Task();
  models = $state.raw<ModelCard[]>([]);
  machine = $state.raw<Machine | null>(null);
  #downloads = new SvelteMap<string, string>();
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async load(): Promise<void> {
    await this.task.run(async () => {
      this.models = await commands.models();
      this.machine = await commands.machine();
    });
  }

  async choose(id: string): Promise<void> {
    const overview = await this.task.run(() => commands.chooseModel(id));
    if (overview) this.#session.overview = overview;
  }

  async fetch(id: string): Promise<void> {
    const job = await this.task.run(() => commands.fetchModel(id));
    if (job) this.#downloads.set(id, job);
  }

  /** The latest download of a model in this window. */
  download(id: string): Job | undefined {
    return this.#session.jobs.get(this.#downloads.get(id));
  }

  async cancel(job: Job): Promise<void> {
    await this.task.run(() => commands.cancelJob(job.id));
  }
}
