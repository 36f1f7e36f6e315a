// The Data room's state: a file being looked at before its import, then the rows that are in.
import { SvelteMap } from "svelte/reactivity";
import {
  commands, type CleaningRule, type ColumnRole, type ConflictPage, type DataSummary, type DialectOverrides, type ExampleDetail,
  type FileChanges, type ImportOptions,
  type Label, type LongTexts, type MendForm, type MixedEncoding, type NearPage, type Part, type Preview, type RowFilter, type RowProblem, type SpellingGroup, type StepTold,
} from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { number } from "../../shared/i18n/format";
import { t } from "../../shared/i18n/i18n.svelte";
import { notices } from "../../shared/notices.svelte";
import { Pages } from "../../shared/pages.svelte";
import { Task } from "../../shared/task.svelte";

export type Row = { id: number; text: string; labels: number[] | null; part: Part | null };

const NO_OVERRIDES: DialectOverrides = { encoding: null, delimiter: null, quoting: null, header: null, sheet: null };
/** Groups of near-duplicates, and texts with different labels, that are shown. */
const NEAR_SHOWN = 100;
const CONFLICTS_SHOWN = 50;
const EVERY_ROW: RowFilter = { search: "", label: null, part: null, only: "all" };

export class DataRoom {
  readonly task = new Task();
  /** Apart from `task`: coming back to the room must not overtake what it is doing. */
  readonly loadTask = new Task();
  /** Files are being dragged over the window. */
  hover = $state(false);
  preview = $state.raw<Preview | null>(null);
  roles = $state.raw<ColumnRole[]>([]);
  /** What has changed in a file that was imported before; null until it is asked for. */
  changes = $state.raw<FileChanges | null>(null);
  /** The part that all rows of the file belong to, such as an official test file's; null: they are divided here. */
  part = $state<Part | null>(null);
  /** What stands between the labels of a cell; null where a cell is one label. */
  labelSeparator = $state<string | null>(null);
  summary = $state.raw<DataSummary | null>(null);
  labels = $state.raw<Label[]>([]);
  /** Texts that are nearly the same; null until they were looked for. */
  near = $state.raw<NearPage | null>(null);
  /** Texts with different labels; null until they are asked for. */
  conflicts = $state.raw<ConflictPage | null>(null);
  /** Labels that are probably one and the same. */
  spellings = $state.raw<SpellingGroup[]>([]);
  /** Texts longer than the chosen model reads at once; null where that cannot be told. */
  long = $state.raw<LongTexts | null>(null);
  /** The cleaning steps in force. */
  steps = $state.raw<StepTold[]>([]);
  filter = $state.raw<RowFilter>(EVERY_ROW);
  /** The row the keyboard stands on, and the one whose whole text is shown. */
  active = $state(-1);
  detail = $state.raw<ExampleDetail | null>(null);
  /** Corrections in the typing, by row: they wait there while one looks elsewhere. */
  readonly drafts = new SvelteMap<number, string>();
  readonly rowTask = new Task();
  readonly mendTask = new Task();
  readonly rows: Pages<Row>;
  readonly problems: Pages<RowProblem>;
  #overrides: DialectOverrides = NO_OVERRIDES;
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.rows = new Pages(async (offset, limit) => {
      const { total, id, text, labels, part } = await commands.rowsPage(this.filter, offset, limit);
      const rows = id.map((id, i) => ({ id, text: text[i] ?? "", labels: labels[i] ?? null, part: part[i] ?? null }));
      return { total, rows };
    });
    this.problems = new Pages(async (offset, limit) => {
      const { total, problems } = await commands.problemsPage(offset, limit);
      return { total, rows: problems };
    });
  }

  /** What is in already; called when the room is entered. */
  async load(): Promise<void> {
    if ((this.#session.overview?.rows ?? 0) === 0) return;
    await this.loadTask.run(async () => {
      this.summary = await commands.dataSummary();
      this.labels = (await commands.labelState()).labels;
      this.near = await commands.nearDuplicates(0, NEAR_SHOWN, false);
      this.spellings = await commands.labelSpellings();
      this.steps = await commands.cleaningSteps();
      if (this.conflicts) this.conflicts = await commands.conflictsPage(0, CONFLICTS_SHOWN);
      this.long = await commands.longTexts();
    });
    await this.rows.reset();
  }

  async showConflicts(): Promise<boolean> {
    const page = await this.task.run(() => commands.conflictsPage(0, CONFLICTS_SHOWN));
    if (page) this.conflicts = page;
    return page !== undefined;
  }

  /** Gives all rows with this row's text the same labels. */
  async decide(example: number, labels: number[]): Promise<void> {
    const done = await this.task.run(() => commands.decideConflict(example, labels));
    if (done) await this.#changed();
  }

  async merge(group: SpellingGroup, into: number): Promise<void> {
    const done = await this.task.run(() => commands.mergeLabels(group.labels, into));
    if (done) await this.#changed();
  }

  async pick(): Promise<void> {
    const path = await this.task.run(() => commands.pickDataFile());
    if (path) await this.look(path);
  }

  async pickFolder(): Promise<void> {
    const path = await this.task.run(() => commands.pickDataFolder());
    if (path) await this.look(path);
  }

  /** Looks at cells that were copied from a spreadsheet. */
  async paste(table: string): Promise<void> {
    const path = await this.task.run(() => commands.keepPasted(table));
    if (path) await this.look(path);
  }

  /** Reads the first rows of a file, as the engine sees it. */
  async look(path: string): Promise<void> {
    this.#overrides = NO_OVERRIDES;
    this.part = null;
    await this.#read(path);
  }

  /** Reads the same file again with another encoding, delimiter or header. */
  async reread(change: Partial<DialectOverrides>): Promise<void> {
    if (!this.preview) return;
    this.#overrides = { ...this.#overrides, ...change };
    await this.#read(this.preview.path);
  }

  async #read(path: string): Promise<void> {
    const preview = await this.task.run(() => commands.previewFile(path, this.#overrides));
    if (!preview) return;
    this.preview = preview;
    this.changes = null;
    this.roles = preview.columns.map((column) => column.role);
    this.labelSeparator = preview.label_separator;
  }

  setRole(index: number, role: RoleChoice): void {
    this.changes = null;
    const flags = this.preview?.columns.map((column) => column.distinct <= 2) ?? [];
    this.roles = withRole(this.roles, index, role, flags);
  }

  /** Columns whose cells are joined to one text. */
  get textColumns(): string[] {
    return (this.preview?.columns ?? []).filter((_, i) => this.roles[i] === "text").map((column) => column.name);
  }

  /** Columns that hold labels: one cell for all of a row's, or a column of yes and no for each. */
  get labelColumns(): number {
    return this.roles.filter((role) => role === "label").length;
  }

  /** Whether a column says row by row which part it belongs to. */
  get hasSplitColumn(): boolean {
    return this.roles.includes("split");
  }

  /** Whether a file of this name was imported before. */
  get known(): boolean {
    return this.summary?.sources.some((source) => source.file_name === this.preview?.file_name) ?? false;
  }

  get #options(): ImportOptions {
    return { dialect: this.#overrides, roles: this.roles, label_separator: this.labelColumns === 1 ? this.labelSeparator : null };
  }

  async tellChanges(): Promise<void> {
    const path = this.preview?.path;
    if (path === undefined) return;
    const changes = await this.task.run(() => commands.updateFromFile(path, this.#options, true));
    if (changes) this.changes = changes;
  }

  /** Brings the file's rows up to date. */
  async update(): Promise<void> {
    const { path, file_name: file } = this.preview ?? {};
    if (path === undefined) return;
    const changes = await this.task.run(() => commands.updateFromFile(path, this.#options, false));
    if (!changes) return;
    this.preview = null;
    notices.say(t("data.updated", { file: file ?? "" }));
    await this.#changed();
  }

  abandon(): void {
    this.preview = null;
    this.task.failure = null;
  }

  async import(): Promise<void> {
    const path = this.preview?.path;
    if (path === undefined) return;
    const summary = await this.task.run(() =>
      commands.importFile(path, this.#options, this.hasSplitColumn ? null : this.part),
    );
    if (!summary) return;
    this.preview = null;
    notices.say(t("data.imported", { n: summary.rows, file: summary.file_name }));
    await this.#changed();
  }

  /** Applies rules for rows or texts; whether that went well. */
  async clean(...rules: CleaningRule[]): Promise<boolean> {
    return this.#clean(() => commands.clean(rules));
  }

  async findNear(): Promise<void> {
    await this.task.run(async () => {
      await commands.findNearDuplicates();
      this.near = await commands.nearDuplicates(0, NEAR_SHOWN, false);
    });
  }

  async undo(step: StepTold): Promise<void> {
    await this.#clean(() => commands.undoCleaning(step.id));
  }

  async #clean(work: () => Promise<DataSummary>): Promise<boolean> {
    const summary = await this.task.run(work);
    if (summary) await this.#changed();
    return summary !== undefined;
  }

  async mendForm(problem: number): Promise<MendForm | undefined> {
    return this.mendTask.run(() => commands.mendForm(problem));
  }

  /** Takes a row in that was put aside; whether that went well. */
  async mend(problem: number, cells: string[]): Promise<boolean> {
    const row = await this.mendTask.run(() => commands.mendRow(problem, cells));
    if (row === undefined) return false;
    await this.#changed();
    await this.problems.reset();
    return true;
  }

  /** Puts a corrected text in the place of the imported one; null takes the correction back. */
  async correct(id: number, text: string | null): Promise<boolean> {
    const detail = await this.rowTask.run(() => commands.editText(id, text));
    if (!detail) return false;
    this.detail = detail;
    await this.rows.reset();
    // The corrected text may not pass the filter any more.
    if (this.rows.at(this.active)?.id !== id) this.active = -1;
    await this.#session.refresh();
    const summary = await this.task.run(() => commands.dataSummary());
    if (summary) this.summary = summary;
    return true;
  }

  async #changed(): Promise<void> {
    this.close();
    await this.#session.refresh();
    await this.load();
  }

  async narrow(change: Partial<RowFilter>): Promise<void> {
    this.filter = { ...this.filter, ...change };
    this.close();
    await this.rows.reset();
  }

  /** Moves to a row; where a row's text is open already, the new one takes its place. */
  async move(index: number): Promise<void> {
    this.active = index;
    if (this.detail) await this.open(index);
  }

  async open(index: number): Promise<void> {
    this.active = index;
    const row = this.rows.at(index);
    if (!row) return;
    const detail = await this.rowTask.run(() => commands.example(row.id));
    if (detail) this.detail = detail;
  }

  /** Shows a row that need not be in the list at hand. */
  async show(example: number): Promise<void> {
    this.active = -1;
    const detail = await this.rowTask.run(() => commands.example(example));
    if (detail) this.detail = detail;
  }

  close(): void {
    this.detail = null;
    this.active = -1;
  }

}

/** What can be chosen for a column: a role, or to be read together with the text that there is. */
export type RoleChoice = ColumnRole | "more_text";

/**
 * One column at most has a role, "ignore" apart: who takes it over leaves the former holder ignored. Columns of yes
 * and no (`flags`) may be a label each, and a text may be joined from several columns.
 */
export function withRole(roles: ColumnRole[], index: number, choice: RoleChoice, flags: boolean[] = []): ColumnRole[] {
  const role = choice === "more_text" ? "text" : choice;
  return roles.map((old, i) => {
    if (i === index) return role;
    if (choice === "more_text" && old === "text") return old;
    if (role === "label" && flags[i] && flags[index]) return old;
    return role !== "ignore" && old === role ? "ignore" : old;
  });
}

/** Whether what was pasted is a table, or at least several lines; a word is meant for nobody here. */
export function isTable(pasted: string): boolean {
  return pasted.trim().includes("\n");
}

/** Rows in another encoding than the rest of their file, in a sentence; more of them than are named end in an ellipsis. */
export function mixedSentence(file: string, mixed: MixedEncoding): string {
  const rows = mixed.first_rows.map((row) => number(row)).join(t("list.separator")) + (mixed.rows > mixed.first_rows.length ? " …" : "");
  if (mixed.encoding === null) return t("data.mixed.replaced", { n: mixed.rows, file, rows });
  return t("data.mixed.read", { n: mixed.rows, encoding: mixed.encoding, file, rows });
}

/** Of each file what its latest version has: an earlier one's rows are no more. */
export function mixedFiles(summary: DataSummary): { file: string; mixed: MixedEncoding }[] {
  const later = (i: number): string[] => summary.sources.slice(i + 1).map((source) => source.file_name);
  const latest = summary.sources.filter((source, i) => !later(i).includes(source.file_name));
  return latest.flatMap((source) => (source.mixed ?? []).map((mixed) => ({ file: source.file_name, mixed })));
}

/** Columns that hold personal data by their names: those that the model reads, and those that only stand beside the texts. */
export function personalColumns(summary: DataSummary): { read: string[]; beside: string[] } {
  const names = (inText: boolean): string[] =>
    summary.personal_columns.filter((column) => column.in_text === inText).map((column) => column.name);
  return { read: names(true), beside: names(false) };
}

export type Finding = {
  kind: "problems" | "empty" | "duplicates" | "conflicts" | "unlabelled";
  n: number;
};

/** What deserves a look, the most serious first. */
export function findings(summary: DataSummary, labelled: number): Finding[] {
  const all: Finding[] = [
    { kind: "problems", n: summary.problem_rows },
    { kind: "conflicts", n: summary.conflicting_texts },
    { kind: "empty", n: summary.empty_texts },
    { kind: "duplicates", n: summary.duplicate_rows },
    { kind: "unlabelled", n: Math.max(0, summary.rows - labelled) },
  ];
  return all.filter((finding) => finding.n > 0);
}
