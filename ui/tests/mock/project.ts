// One project in memory, answering as the engine would. Only what the window can see is imitated.
import type {
  Among, AssistState, CleaningLook, CleaningRule, CleaningStep, ConflictPage, CrossValidation, DataSummary, DisagreementPage, DoubtPage, ExampleDetail, Forecast, Label,
  LabelChange, LabelPart, LabelNotes, LabelState, Mark as Note, MarkKind, MeanScore, Nearby, NearPage, Next, Order, Overview, Part, Queued, People,
  ProblemType, RoomState, RowFilter, RowPage, RowPlace, RunSummary, SplitSummary, SplitWay, StepTold, Suggestion, TextGroups, TrainSettings,
} from "../../src/ipc/bindings";
import { corpus } from "./corpus";

type Row = { id: number; text: string; imported?: string; labels: number[] | null; part: Part | null; hidden: boolean; notes: Note[] };
type Mark = { row: number; before: number[] | null; after: number[] | null };

const PARTS: Part[] = ["train", "validation", "test"];
const NOW = "2026-11-23T09:30:00Z";

function carries(row: Row, label: number): boolean {
  return row.labels?.includes(label) ?? false;
}

export class MockProject {
  problemType: ProblemType = "single_label";
  nearKnown = false;
  conflictDecided = false;
  /** Texts for the demo. */
  examples: string[] = [];
  rows: Row[] = [];
  labels: Omit<Label, "key" | "count">[] = [];
  notes: LabelNotes = { guidelines: "", keywords: "", goal: null };
  doubtsLeft = 1;
  person = "person";
  disagreementsLeft = 1;
  cleaning: CleaningStep[] = [];
  split: SplitSummary | null = null;
  model: string | null = "all-MiniLM-L6-v2";
  runs: RunSummary[] = [];
  cross: { folds: number; settings: TrainSettings; runs: string[] } | null = null;
  readonly name: string;
  #done: Mark[] = [];
  #undone: Mark[] = [];
  #sources: DataSummary["sources"] = [];

  constructor(name: string) {
    this.name = name;
  }

  import(language: "en" | "zh", fileName: string): void {
    const names = [...new Set(corpus(language).flatMap((row) => row.label ?? []))];
    for (const name of names) this.addLabel(name);
    for (const { text, label } of corpus(language)) {
      const known = this.labels.find((l) => l.name === label);
      this.rows.push({
        id: this.rows.length + 1, text, part: null, hidden: false, notes: [],
        labels: known ? [known.id] : null,
      });
    }
    this.#sources.push({ file_name: fileName, rows: corpus(language).length, sha256: "9f2c".repeat(16), imported_at: NOW, mixed: [{ encoding: "windows-1252", rows: 2, first_rows: [14, 27], example: 13 }] });
  }

  shown(): Row[] {
    return this.rows.filter((row) => !row.hidden);
  }

  overview(): Overview {
    const shown = this.shown();
    const labelled = shown.filter((row) => row.labels !== null).length;
    const state = (done: boolean, begun = false): RoomState => (done ? "done" : begun ? "working" : "empty");
    const finished = this.runs.some((run) => run.status === "finished");
    const active = this.runs.some((run) => run.status === "running");
    return {
      problem_type: this.problemType,
      name: this.name, path: `/home/expert/Understudy/${this.name}.understudy`,
      rooms: {
        data: shown.length === 0 ? "empty" : this.duplicates().length > 0 ? "attention" : "done",
        labels: state(labelled > 0 && labelled === shown.length, labelled > 0),
        split: state(this.split !== null),
        model: state(this.model !== null),
        train: active ? "working" : state(finished, this.runs.length > 0),
        results: state(finished),
        use: state(finished),
      },
      rows: shown.length, labelled, labels: this.labels.length, problem_rows: this.rows.length > 0 ? 1 : 0,
      duplicate_rows: this.duplicates().length, split: this.split, model: this.model, runs: this.runs,
    };
  }

  crossValidation(): CrossValidation | null {
    if (!this.cross) return null;
    const { folds, runs } = this.cross;
    const done = runs.flatMap((id, i) => (this.runs.find((run) => run.id === id)?.status === "finished" ? [{ id, number: i + 1 }] : []));
    const scores = done.map(({ id, number }) => ({ number, run: id, rows: 45, accuracy: 0.85 + number / 100, macro_f1: 0.83 + number / 100, micro_f1: null }));
    const mean = (of: (score: (typeof scores)[number]) => number): MeanScore | null => {
      if (scores.length < 2) return null;
      const mean = scores.reduce((sum, score) => sum + of(score), 0) / scores.length;
      return { mean, standard_deviation: 0.016, interval: { low: mean - 0.02, high: mean + 0.02 } };
    };
    return { folds, scores, accuracy: mean((score) => score.accuracy), macro_f1: mean((score) => score.macro_f1), micro_f1: null };
  }

  duplicates(): Row[] {
    const seen = new Set<string>();
    return this.shown().filter((row) => row.text !== "" && (seen.has(row.text) || !seen.add(row.text)));
  }

  summary(): DataSummary {
    const shown = this.shown();
    const lengths = shown.map((row) => row.text.length).sort((a, b) => a - b);
    const at = (share: number): number => lengths[Math.floor(share * (lengths.length - 1))] ?? 0;
    const longest = at(1);
    const width = Math.max(1, Math.ceil((longest + 1) / 16));
    return {
      rows: shown.length, hidden: this.rows.length - shown.length, problem_rows: 1,
      duplicate_rows: this.duplicates().length, conflicting_texts: this.conflicts().total, empty_texts: shown.filter((row) => row.text === "").length,
      length_mean: lengths.reduce((sum, n) => sum + n, 0) / Math.max(1, lengths.length),
      length_median: at(0.5), length_p95: at(0.95), length_max: longest,
      lengths: Array.from({ length: 16 }, (_, i) => ({
        from: i * width, to: (i + 1) * width - 1, rows: lengths.filter((n) => n >= i * width && n < (i + 1) * width).length,
      })),
      cleaning: this.cleaning, sources: this.#sources, personal_columns: [{ name: "client name", in_text: false }],
    };
  }

  /** Rows that a rule hides; rules for texts only leave their step here. */
  #touched(rule: CleaningRule): Row[] {
    switch (rule.kind) {
      case "drop_duplicates": return this.duplicates();
      case "drop_empty": return this.shown().filter((row) => row.text === "");
      default: return [];
    }
  }

  clean(rules: CleaningRule[]): DataSummary {
    for (const rule of rules) {
      const rows = this.#touched(rule);
      for (const row of rows) row.hidden = true;
      this.cleaning = [...this.cleaning, { id: this.cleaning.length + 1, rule, rows: Math.max(1, rows.length), at: NOW, undone: false }];
    }
    return this.summary();
  }

  steps(): StepTold[] {
    const inForce = this.cleaning.filter((step) => !step.undone);
    return inForce.map((step) => ({ id: step.id, text: `${step.rule.kind}: ${step.rows}` }));
  }

  look(): CleaningLook {
    const [first] = this.shown();
    const text = first?.text.slice(0, 120) ?? "";
    return {
      rows: this.shown().length,
      proposals: [
        { rule: { kind: "markup" }, rows: 7, examples: [{ example: 1, before: `<b>${text}</b>`, after: text }] },
        { rule: { kind: "boilerplate", lines: ["This message is confidential."] }, rows: 12, examples: [] },
        { rule: { kind: "deidentify", kinds: ["email"] }, rows: 3, examples: [{ example: 1, before: `${text} a@b.org`, after: `${text} [EMAIL_1]` }] },
        { rule: { kind: "lowercase" }, rows: 40, examples: [{ example: 1, before: text, after: text.toLowerCase() }] },
      ],
      languages: [{ language: "eng", rows: this.shown().length - 3 }, { language: "deu", rows: 2 }, { language: "", rows: 1 }],
    };
  }

  /** One text of two labels, until it is decided. */
  conflicts(): ConflictPage {
    const [first, second] = this.shown().filter((row) => row.labels !== null && row.labels.length > 0);
    const other = this.labels.find((label) => !first?.labels?.includes(label.id));
    if (!first || !second || !other || this.conflictDecided) return { total: 0, texts: [] };
    const row = (id: number, labels: number[] | null) => ({ id, labels, file_name: "clauses.csv", row: id + 1, part: null });
    return { total: 1, texts: [{ text: first.text, answers: [first.labels ?? [], [other.id]], total: 2, rows: [row(first.id, first.labels), row(second.id, [other.id])] }] };
  }

  edit(id: number, text: string | null): ExampleDetail {
    const row = this.row(id);
    const imported = row.imported ?? row.text;
    row.text = text ?? imported;
    if (text === null) delete row.imported;
    else row.imported = imported;
    return this.example(id);
  }

  undoCleaning(id: number): DataSummary {
    this.cleaning = this.cleaning.map((step) => (step.id === id ? { ...step, undone: true } : step));
    for (const row of this.rows) row.hidden = false;
    for (const step of this.cleaning.filter((step) => !step.undone)) {
      for (const row of this.#touched(step.rule)) row.hidden = true;
    }
    return this.summary();
  }

  page(filter: RowFilter, offset: number, limit: number): RowPage {
    const search = filter.search.toLowerCase();
    const rows = this.shown().filter(
      (row) =>
        row.text.toLowerCase().includes(search) &&
        (filter.label === null || carries(row, filter.label)) &&
        (filter.part === null || row.part === filter.part) &&
        (filter.only === "all" || (row.labels !== null) === (filter.only !== "unlabelled")),
    );
    const some = rows.slice(offset, offset + limit);
    return {
      total: rows.length, id: some.map((row) => row.id), text: some.map((row) => row.text.slice(0, 300)),
      labels: some.map((row) => row.labels), part: some.map((row) => row.part),
    };
  }

  example(id: number): ExampleDetail {
    const row = this.row(id);
    return {
      id, row: id + 1, text: row.text, written: row.text, imported_text: row.imported ?? null,
      edited: row.imported === undefined ? null : { who: "person", at: NOW }, labels: row.labels, part: row.part,
      columns: [{ name: "contract", value: `2019-${String(id).padStart(3, "0")}` }, { name: "page", value: String((id % 40) + 1) }],
      history: row.labels === null ? [] : [{ labels: row.labels, who: "import", at: NOW, as_suggested: false }],
      marks: row.notes,
    };
  }

  row(id: number): Row {
    const row = this.rows.find((row) => row.id === id);
    if (!row) throw new Error(`no row ${id}`);
    return row;
  }

  labelState(example: number | null = null): LabelState {
    const shown = this.shown();
    const labels: Label[] = this.labels.map((label, i) => ({
      ...label, key: "1234567890abcdefghijklmnopqrtuvwxyz"[i] ?? "", count: shown.filter((row) => carries(row, label.id)).length,
    }));
    return {
      problem_type: this.problemType, labels, rows: shown.length, labelled: shown.filter((row) => row.labels !== null).length,
      can_undo: this.#done.length > 0, can_redo: this.#undone.length > 0, example,
    };
  }

  addLabel(name: string): LabelState {
    if (!this.labels.some((label) => label.name === name)) {
      const id = Math.max(0, ...this.labels.map((label) => label.id)) + 1;
      const words = { description: "", examples: "", counter_examples: "", group: "", retired: false };
      this.labels.push({ id, name, colour: id - 1, ...words });
    }
    return this.labelState();
  }

  changeLabel(id: number, change: LabelChange): LabelState {
    const said = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null));
    this.labels = this.labels.map((label) => (label.id === id ? { ...label, ...said } : label));
    return this.labelState();
  }

  mark(id: number, kind: MarkKind, value: string | null): ExampleDetail {
    const row = this.row(id);
    row.notes = row.notes.filter((note) => note.kind !== kind);
    if (value !== null && (kind !== "comment" || value !== "")) row.notes.push({ kind, value });
    return this.example(id);
  }

  placeOf(id: number): RowPlace {
    const shown = this.shown();
    return { place: shown.findIndex((row) => row.id === id), total: shown.length };
  }

  assist(): AssistState {
    const learnt_from = this.shown().filter((row) => row.labels !== null).length;
    const waiting = learnt_from < 10 ? "labels" : null;
    return {
      encoder: "sentence-transformers/all-MiniLM-L6-v2", waiting, learnt_from, least: 10, seconds: 0.2, doubts: waiting ? 0 : this.doubtsLeft,
      right: waiting ? null : 0.84, right_interval: waiting ? null : { low: 0.78, high: 0.89 },
    };
  }

  suggestion(): Suggestion | null {
    if (this.assist().waiting) return null;
    const chances = this.labels.slice(0, 3).map((label, i) => ({ label: label.id, probability: [0.82, 0.11, 0.04][i] ?? 0 }));
    return { labels: chances.slice(0, 1).map(({ label }) => label), confidence: 0.82, chances };
  }

  next(order: Order, after: number | null): Next | null {
    const example = this.nextUnlabelled(after);
    return example === null ? null : { example, by: order, typical: this.assist().waiting !== null };
  }

  doubts(): DoubtPage {
    const row = this.shown().find(({ labels }) => labels !== null && labels.length > 0);
    const other = this.labels.find(({ id }) => !row?.labels?.includes(id));
    if (!row || !other || this.doubtsLeft === 0 || this.assist().waiting) return { total: 0, of: this.assist().learnt_from, rows: [] };
    const doubt = {
      example: row.id, text: row.text, labels: row.labels ?? [], better: [other.id], given: 0.07, likelier: 0.81,
      neighbours: 10, neighbours_as_given: 1, neighbours_as_better: 8,
    };
    return { total: 1, of: this.assist().learnt_from, rows: [doubt] };
  }

  people(): People {
    const agreement = (value: number) => ({ value, interval: { low: value - 0.1, high: Math.min(1, value + 0.1) }, texts: 40 });
    const [one, other] = this.labels;
    return {
      person: this.person, second_share: 10, people: [{ name: "Ann", texts: 120 }, { name: "Bo", texts: 40 }], shared: 40,
      disagreements: this.disagreementsLeft, alpha: agreement(0.74), worth: "tentative", fleiss: null,
      pairs: [{ first: "Ann", second: "Bo", texts: 40, same: 34, kappa: agreement(0.73) }],
      labels: this.labels.map((label) => ({ label: label.id, alpha: agreement(0.7) })),
      mixed_up: one && other ? [{ one: [one.id], other: [other.id], texts: 4 }] : [],
    };
  }

  disagreements(): DisagreementPage {
    const [row] = this.shown();
    const [one, other] = this.labels;
    if (!row || !one || !other || this.disagreementsLeft === 0) return { total: 0, texts: [] };
    const answers = [{ who: "Ann", labels: [one.id] }, { who: "Bo", labels: [other.id] }];
    return { total: 1, texts: [{ example: row.id, text: row.text, labels: row.labels, answers }] };
  }

  nearby(limit: number, among: Among): Nearby {
    const rows = this.among(among).slice(0, Math.min(limit, 8));
    return { rows: rows.map((row, i) => ({ example: row.id, text: row.text.slice(0, 300), labels: row.labels, nearness: 0.95 - i / 20 })) };
  }

  among(among: Among) {
    return this.shown().filter(({ labels }) => {
      if (among.which === "label") return labels?.includes(among.id);
      return among.which === "all" || (labels === null) === (among.which === "unlabelled");
    });
  }

  /** Every so many rows are a group. */
  groups(among: Among, count: number): TextGroups {
    const rows = this.among(among);
    const groups = Array.from({ length: Math.min(count, rows.length) }, (_, i) => rows.filter((_, place) => place % count === i));
    const told = groups.map((group) => ({
      examples: group.map(({ id }) => id), words: [...new Set(group[0]?.text.toLowerCase().match(/[\p{L}]{4,}/gu))].slice(0, 4),
      shown: group.map((row) => ({ example: row.id, text: row.text.slice(0, 300), labels: row.labels, nearness: 0.8 })),
    }));
    return { all: rows.length, looked_at: rows.length, groups: told };
  }

  divide(id: number, parts: LabelPart[]): LabelState {
    for (const { name, examples } of parts) {
      const known = this.labels.find((label) => label.name === name)?.id;
      const into = known ?? this.addLabel(name).labels.at(-1)?.id ?? 0;
      for (const example of examples) this.row(example).labels = [into];
    }
    if (!this.rows.some(({ labels }) => labels?.includes(id))) this.labels = this.labels.filter((label) => label.id !== id);
    return this.labelState();
  }

  forecast(): Forecast {
    const point = (texts: number, score: number) => ({ texts, score, interval: { low: score - 0.04, high: score + 0.04 } });
    return {
      measured: [point(40, 0.7), point(80, 0.78)], now: point(120, 0.82), then: [point(170, 0.85), point(220, 0.87), point(320, 0.89)],
      gain: { expected: 0.03, low: 0.01, high: 0.05 },
    };
  }

  /** Two rows that differ in a word. */
  near(open: boolean): NearPage | null {
    if (!this.nearKnown) return null;
    const [first] = this.shown();
    if (!first || (open && first.labels !== null)) return { total: 0, rows: 0, clusters: [] };
    const row = (text: string) => ({ id: first.id, text, labels: first.labels, part: first.part });
    const other = { ...row(first.text.replace(/ \w+/, " hereby")), id: first.id + 1 };
    return { total: 1, rows: 2, clusters: [{ id: first.id, rows: 2, shown: [row(first.text), other] }] };
  }

  setProblemType(to: ProblemType): LabelState {
    this.problemType = to;
    return this.labelState();
  }

  annotate(id: number, labels: number[] | null): LabelState {
    const row = this.row(id);
    this.#done.push({ row: id, before: row.labels, after: labels });
    this.#undone = [];
    row.labels = labels;
    return this.labelState(id);
  }

  undo(): LabelState {
    const mark = this.#done.pop();
    if (!mark) return this.labelState();
    this.#undone.push(mark);
    this.row(mark.row).labels = mark.before;
    return this.labelState(mark.row);
  }

  redo(): LabelState {
    const mark = this.#undone.pop();
    if (!mark) return this.labelState();
    this.#done.push(mark);
    this.row(mark.row).labels = mark.after;
    return this.labelState(mark.row);
  }

  /** Takes texts in that are not there yet, without labels. */
  queue(texts: string[]): Queued {
    const fresh = texts.filter((text) => !this.rows.some((row) => row.text === text));
    const last = Math.max(0, ...this.rows.map((row) => row.id));
    fresh.forEach((text, i) => this.rows.push({ id: last + 1 + i, text, labels: null, part: null, hidden: false, notes: [] }));
    return { texts: fresh.length, known: texts.length - fresh.length };
  }

  lastUnlabelled(before: number | null): number | null {
    const open = this.shown().filter((row) => row.labels === null).reverse();
    return (open.find((row) => row.id < (before ?? Infinity)) ?? open[0])?.id ?? null;
  }

  nextUnlabelled(after: number | null): number | null {
    const open = this.shown().filter((row) => row.labels === null);
    return (open.find((row) => row.id > (after ?? 0)) ?? open[0])?.id ?? null;
  }

  makeSplit(percent: number[], seed: number, way: SplitWay, note: string): SplitSummary {
    const share = percent.map((n) => n / 100);
    this.labels.forEach((label) => {
      const rows = this.shown().filter((row) => carries(row, label.id));
      const train = Math.round(rows.length * (share[0] ?? 0));
      const validation = Math.round(rows.length * (share[1] ?? 0));
      rows.forEach((row, i) => (row.part = i < train ? "train" : i < train + validation ? "validation" : "test"));
    });
    const split: SplitSummary = {
      version: (this.split?.version ?? 0) + 1, seed, percent, labels: this.labels.map((label) => label.name),
      parts: PARTS.map((part) => ({
        part, rows: this.shown().filter((row) => row.part === part).length,
        per_label: this.labels.map((label) => this.shown().filter((row) => row.part === part && carries(row, label.id)).length),
      })),
      grouped: false, from_file: false, unlabelled: this.shown().filter((row) => row.labels === null).length, notes: [note],
      leaks: { exact: 0, near: this.nearKnown ? 0 : null, group: 0, date: 4, validation: 0 }, way, dated: true, unplaced: 2, lock: null,
    };
    this.split = split;
    return split;
  }
}
