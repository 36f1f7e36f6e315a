// The Split room's state: three shares and a seed, and the division that came of them.
import { commands, type SplitSummary } from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { t } from "../../shared/i18n/i18n.svelte";
import { notices } from "../../shared/notices.svelte";
import { Task } from "../../shared/task.svelte";

export class SplitRoom {
  readonly task = new Task();
  percent = $state<[number, number, number]>([70, 15, 15]);
  seed = $state(0);
  summary = $state.raw<SplitSummary | null>(null);
  readonly sum = $derived(this.percent[0] + this.percent[1] + this.percent[2]);
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async load(): Promise<void> {
    const first = this.summary === null;
    const summary = await this.task.run(() => commands.splitSummary());
    if (!summary) return;
    this.summary = summary;
    if (!first || summary.from_file) return;
    const [train = 70, validation = 15, test = 15] = summary.percent;
    this.percent = [train, validation, test];
    this.seed = summary.seed;
  }

  async findNear(): Promise<void> {
    await this.task.run(async () => {
      await commands.findNearDuplicates();
      this.summary = await commands.splitSummary();
    });
  }

  async divide(): Promise<void> {
    const summary = await this.task.run(() => commands.makeSplit([...this.percent], this.seed));
    if (!summary) return;
    this.summary = summary;
    notices.say(t("split.done"));
    await this.#session.refresh();
  }
}
