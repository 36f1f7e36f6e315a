// The Data room's state: a file being looked at before its import, then the rows that are in.
import {
  commands, type CleaningStep, type ColumnRole, type DataSummary, type DialectOverrides, type ExampleDetail, type Label, type NearPage,
  type Part, type Preview, type RowFilter, type RowProblem,
} from "../../ipc/bindings";
import type { Session } from "../../project/session.svelte";
import { t } from "../../shared/i18n/i18n.svelte";
import { notices } from "../../shared/notices.svelte";
import { Pages } from "../../shared/pages.svelte";
import { Task } from "../../shared/task.svelte";

export type Row = { id: number; text: string; labels: number[] | null; part: Part | null };

const NO_OVERRIDES: DialectOverrides = { encoding: null, delimiter: null, header: null, sheet: null };
/** Groups of near-duplicates that are shown. */
const NEAR_SHOWN = 100;
const EVERY_ROW: RowFilter = { search: "", label: null, part: null, only: "all" };

export class DataRoom {
  readonly task = new Task();
  /** Files are being dragged over the window. */
  hover = $state(false);
  preview = $state.raw<Preview | null>(null);
  roles = $state.raw<ColumnRole[]>([]);
  /** What stands between the labels of a cell; null where a cell is one label. */
  labelSeparator = $state<string | null>(null);
  summary = $state.raw<DataSummary | null>(null);
  labels = $state.raw<Label[]>([]);
  /** Texts that are nearly the same; null until they were looked for. */
  near = $state.raw<NearPage | null>(null);
  filter = $state.raw<RowFilter>(EVERY_ROW);
  /** The row the keyboard stands on, and the one whose whole text is shown. */
  active = $state(-1);
  detail = $state.raw<ExampleDetail | null>(null);
  readonly rowTask = new Task();
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
    await this.task.run(async () => {
      this.summary = await commands.dataSummary();
      this.labels = (await commands.labelState()).labels;
      this.near = await commands.nearDuplicates(0, NEAR_SHOWN);
    });
    await this.rows.reset();
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
    this.roles = preview.columns.map((column) => column.role);
    this.labelSeparator = preview.label_separator;
  }

  setRole(index: number, role: ColumnRole): void {
    const flags = this.preview?.columns.map((column) => column.distinct <= 2) ?? [];
    this.roles = withRole(this.roles, index, role, flags);
  }

  /** Columns that hold labels: one cell for all of a row's, or a column of yes and no for each. */
  get labelColumns(): number {
    return this.roles.filter((role) => role === "label").length;
  }

  abandon(): void {
    this.preview = null;
    this.task.failure = null;
  }

  async import(): Promise<void> {
    const path = this.preview?.path;
    if (path === undefined) return;
    const summary = await this.task.run(() =>
      commands.importFile(path, {
        dialect: this.#overrides, roles: this.roles, label_separator: this.labelColumns === 1 ? this.labelSeparator : null,
      }),
    );
    if (!summary) return;
    this.preview = null;
    notices.say(t("data.imported", { n: summary.rows, file: summary.file_name }));
    await this.#changed();
  }

  async dropDuplicates(): Promise<void> {
    await this.#clean(() => commands.dropDuplicates());
  }

  async findNear(): Promise<void> {
    await this.task.run(async () => {
      await commands.findNearDuplicates();
      this.near = await commands.nearDuplicates(0, NEAR_SHOWN);
    });
  }

  async dropNear(): Promise<void> {
    await this.#clean(() => commands.dropNearDuplicates());
  }

  async dropEmpty(): Promise<void> {
    await this.#clean(() => commands.dropEmpty());
  }

  async undo(step: CleaningStep): Promise<void> {
    await this.#clean(() => commands.undoCleaning(step.id));
  }

  async #clean(work: () => Promise<DataSummary>): Promise<void> {
    const summary = await this.task.run(work);
    if (summary) await this.#changed();
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

  close(): void {
    this.detail = null;
    this.active = -1;
  }

}

/**
 * One column at most has a role, "ignore" apart: who takes it over leaves the former holder ignored. Columns of yes
 * and no (`flags`) may be a label each.
 */
export function withRole(roles: ColumnRole[], index: number, role: ColumnRole, flags: boolean[] = []): ColumnRole[] {
  return roles.map((old, i) => {
    if (i === index) return role;
    if (role === "label" && flags[i] && flags[index]) return old;
    return role !== "ignore" && old === role ? "ignore" : old;
  });
}

/** Whether what was pasted is a table, or at least several lines; a word is meant for nobody here. */
export function isTable(pasted: string): boolean {
  return pasted.trim().includes("\n");
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
