// The Split room's state: three shares and a seed, and the division that came of them.
import { commands, type SplitSummary, type SplitWay } from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { t } from "../../shared/i18n/i18n.svelte";
import { notices } from "../../shared/notices.svelte";
import { Task } from "../../shared/task.svelte";

export class SplitRoom {
  readonly task = new Task();
  /** Apart from `task`: coming back to the room must not overtake what it is doing. */
  readonly loadTask = new Task();
  percent = $state<[number, number, number]>([70, 15, 15]);
  seed = $state(0);
  way = $state<SplitWay["way"]>("random");
  /** Where rows are divided into folds: which is the test part, of how many. */
  fold = $state({ number: 1, of: 5 });
  summary = $state.raw<SplitSummary | null>(null);
  readonly sum = $derived(this.percent[0] + this.percent[1] + this.percent[2]);
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async load(): Promise<void> {
    const first = this.summary === null;
    const summary = await this.loadTask.run(() => commands.splitSummary());
    if (!summary) return;
    this.summary = summary;
    if (!first || summary.from_file) return;
    const [train = 70, validation = 15, test = 15] = summary.percent;
    this.percent = [train, validation, test];
    this.seed = summary.seed;
    this.way = summary.way.way;
    if (summary.way.way === "fold") this.fold = { number: summary.way.number, of: summary.way.of };
  }

  /** Lets the rows be learned from that were labelled later; the test stays. */
  async addToTraining(): Promise<void> {
    const summary = await this.task.run(() => commands.addToTraining());
    if (!summary) return;
    this.summary = summary;
    await this.#session.refresh();
  }

  /** Allows to divide again although a model was judged on the test part. */
  async openTest(): Promise<void> {
    const summary = await this.task.run(() => commands.openTest());
    if (summary) this.summary = summary;
  }

  async findNear(): Promise<void> {
    await this.task.run(async () => {
      await commands.findNearDuplicates();
      this.summary = await commands.splitSummary();
    });
  }

  #wanted(): SplitWay {
    return this.way === "fold" ? { way: "fold", ...this.fold } : { way: this.way };
  }

  async divide(): Promise<void> {
    const summary = await this.task.run(() => commands.makeSplit([...this.percent], this.seed, this.#wanted()));
    if (!summary) return;
    this.summary = summary;
    notices.say(t("split.done"));
    await this.#session.refresh();
  }
}
