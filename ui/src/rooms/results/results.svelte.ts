// The Results room's state: one finished run, its scores, its wrong answers.
import { SvelteMap } from "svelte/reactivity";
import { commands, type GroupBy, type ModelFormat, type ReportFormat, type RunResults, type Verification, type WrongFilter, type WrongGroup } from "../../ipc/bindings";
import { finishedRuns, mainRun, type Session } from "../../project/session.svelte";
import { number } from "../../shared/i18n/format";
import { t } from "../../shared/i18n/i18n.svelte";
import { notices } from "../../shared/notices.svelte";
import { Pages } from "../../shared/pages.svelte";
import { Task } from "../../shared/task.svelte";
import { Trust } from "./trust.svelte";
import { TellingWords } from "./words.svelte";

export type Wrong = { id: number; text: string; gold: string[]; predicted: string[]; confidence: number };

const ALL_WRONG: WrongFilter = { gold: null, predicted: null, group: null };

/** A row's labels in a line. */
export function labelList(labels: string[]): string {
  return labels.length === 0 ? t("labels.none_short") : labels.join(t("list.separator"));
}

export class ResultsRoom {
  readonly task = new Task();
  /** Reports and exports: their failures do not take the results off the screen. */
  readonly fileTask = new Task();
  /** Corrections: looking at another text meanwhile must not overtake them. */
  readonly labelTask = new Task();
  readonly verifyTask = new Task();
  readonly groupTask = new Task();
  readonly trust = new Trust();
  readonly words: TellingWords;
  runId = $state<string | null>(null);
  /** The run that was begun to repeat another: it is looked at when it has finished. */
  #repetition: string | null = null;
  results = $state.raw<RunResults | null>(null);
  filter = $state.raw<WrongFilter>(ALL_WRONG);
  /** By what the wrong answers are counted, and the counts. */
  groupedBy = $state<GroupBy | null>(null);
  groups = $state.raw<WrongGroup[] | null>(null);
  /** What a check of this run found. */
  verification = $state.raw<Verification | null>(null);
  active = $state(-1);
  opened = $state.raw<Wrong | null>(null);
  /** Rows whose label was changed here, and what it is now. The run was judged by the labels before. */
  readonly corrected = new SvelteMap<number, string[]>();
  readonly wrong: Pages<Wrong>;
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.words = new TellingWords(session);
    this.wrong = new Pages(async (offset, limit) => {
      const page = await commands.wrongAnswers(this.runId ?? "", this.filter, offset, limit);
      const rows = page.id.map((id, i) => ({
        id, text: page.text[i] ?? "", gold: page.gold[i] ?? [], predicted: page.predicted[i] ?? [], confidence: page.confidence[i] ?? 0,
      }));
      return { total: page.total, rows };
    });
  }

  /** A repetition that was begun here, once it has finished; the run chosen before, while it is there; else the latest one. */
  async load(): Promise<void> {
    const overview = this.#session.overview;
    if (!overview) return;
    const runs = finishedRuns(overview);
    const repetition = runs.find(({ id }) => id === this.#repetition);
    if (repetition) this.#repetition = null;
    const run = repetition ?? runs.find(({ id }) => id === this.runId) ?? mainRun(overview);
    if (run) await this.choose(run.id);
  }

  async choose(id: string): Promise<void> {
    if (id !== this.runId) {
      this.filter = ALL_WRONG;
      this.groupedBy = this.groups = null;
      this.corrected.clear();
      this.verification = null;
    }
    this.runId = id;
    this.close();
    const results = await this.task.run(() => commands.runResults(id));
    if (!results) return;
    this.results = results;
    await Promise.all([this.wrong.reset(), this.trust.load(id), this.words.load(id)]);
  }

  /** Shows the wrong answers of one cell, row or column of the confusion matrix, or of one group; what is not said shows all. */
  async narrow(filter: Partial<WrongFilter>): Promise<void> {
    this.filter = { ...ALL_WRONG, ...filter };
    this.close();
    await this.wrong.reset();
  }

  /** Counts the wrong answers by a property of the texts; null by none. */
  async groupBy(by: GroupBy | null): Promise<void> {
    this.groupedBy = by;
    this.groups = null;
    if (this.filter.group) await this.narrow({ ...this.filter, group: null });
    const run = this.runId;
    if (by === null || run === null) return;
    const groups = await this.groupTask.run(() => commands.wrongGroups(run, by));
    if (groups !== undefined && this.groupedBy === by && this.runId === run) this.groups = groups;
  }

  async move(index: number): Promise<void> {
    this.active = index;
    if (this.opened) await this.open(index);
  }

  /** The whole text: the list carries only its beginning. */
  async open(index: number): Promise<void> {
    this.active = index;
    const row = this.wrong.at(index);
    if (!row) return;
    const detail = await this.fileTask.run(() => commands.example(row.id));
    if (detail) this.opened = { ...row, text: detail.text };
  }

  /** Gives the opened row these labels instead: they count when a model is trained next. */
  async correct(labels: string[]): Promise<void> {
    const row = this.opened;
    if (row && (await this.#label(row, labels))) this.corrected.set(row.id, labels);
  }

  /** Gives the opened row the labels again by which it was judged. */
  async takeBack(): Promise<void> {
    const row = this.opened;
    if (row && (await this.#label(row, row.gold))) this.corrected.delete(row.id);
  }

  /** Whether the row has these labels now; labels that were renamed or merged since cannot be given. */
  async #label(row: Wrong, labels: string[]): Promise<boolean> {
    if (this.labelTask.busy) return false;
    const state = await this.labelTask.run(async () => {
      const known = (await commands.labelState()).labels;
      const ids = labels.map((name) => known.find((label) => label.name === name)?.id);
      if (!ids.every((id) => id !== undefined)) {
        notices.say(t("results.label_gone"));
        return null;
      }
      return commands.annotate(row.id, ids, { suggested: null, seconds: null });
    });
    if (!state) return false;
    await this.#session.refresh();
    return true;
  }

  /** Something was found out that belongs in the report: it is written anew when it is next asked for. */
  async found(): Promise<void> {
    if (this.runId === null) return;
    await this.words.load(this.runId);
    if (this.results) this.results = { ...this.results, report: null };
  }

  close(): void {
    this.active = -1;
    this.opened = null;
  }

  /** Computes every hash and score of this run again. */
  async verify(): Promise<void> {
    const id = this.runId;
    if (id === null) return;
    const found = await this.verifyTask.run(() => commands.verifyRun(id));
    if (found && this.runId === id) this.verification = found;
  }

  /** Trains once more in the same way; a check of the new run then tells whether both came to the same. */
  async runAgain(): Promise<void> {
    const settings = this.results?.history.settings;
    if (!settings) return;
    const run = await this.verifyTask.run(() => commands.startTraining(settings));
    if (!run) return;
    this.#repetition = run;
    await this.#session.refresh();
    this.#session.room = "train";
  }

  async openReport(): Promise<void> {
    await this.#withReport((run) => commands.openReport(run));
  }

  async saveReport(format: ReportFormat): Promise<void> {
    await this.#withReport(async (run) => {
      const path = await commands.saveReport(run, format);
      if (path !== null) notices.say(t("results.saved", { path }));
    });
  }

  async exportModel(format: ModelFormat): Promise<void> {
    const id = this.runId;
    if (id === null) return;
    const done = await this.fileTask.run(() => commands.exportModel(id, format));
    if (!done) return;
    const said = t("results.exported", { path: done.path });
    notices.say(done.reads_only === null ? said : `${said} ${t("results.exported_reads_only", { tokens: number(done.reads_only) })}`);
  }

  async #withReport(work: (run: string) => Promise<unknown>): Promise<void> {
    const id = this.runId;
    if (id === null) return;
    await this.fileTask.run(async () => {
      if (this.results?.report === null) {
        const report = await commands.writeReport(id);
        if (this.results && this.runId === id) this.results = { ...this.results, report };
      }
      await work(id);
    });
  }
}
