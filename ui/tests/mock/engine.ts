// The engine's face, imitated in memory: answers each command of bindings.ts and sends the same events.
// For development in a browser and for tests; it never becomes part of the product.
import { emit } from "@tauri-apps/api/event";
import { mockIPC } from "@tauri-apps/api/mocks";
import type {
  Among, AppInfo, CleaningRule, ColumnRole, DialectOverrides, Examined, FileDropEvent, GroupBy, JobEvent, Label, LabelChange, LabelNotes, LabelPart, Machine, MarkKind, ModelCard, NetworkState, Order, Overview, Preset, Preview, ProblemType, ReceivedModel, RowFilter, Settings,
  SplitWay, TrainSettings, UserError, WorkerEvent, WrongFilter,
} from "../../src/ipc/bindings";
import { corpus } from "./corpus";
import * as judgement from "./judgement";
import * as learning from "./learning";
import { CONNECTIONS, FOUND, MODELS, NETWORK, shelf } from "./models";
import { MockProject } from "./project";

export type MockOptions = {
  language: "en" | "zh";
  theme: Settings["theme"];
  /** Milliseconds between two steps of a simulated job. */
  pace: number;
};

type Args = Record<string, unknown>;

const words = {
  en: { note: "Two near-duplicates were kept in the same part.", blocker: "The rows are not divided yet.", why: "This model already places texts by their meaning.", noProject: "No project is open." },
  zh: { note: "两条近似重复的案例被分在同一部分。", blocker: "数据尚未划分。", why: "此模型已能按含义区分文本。", noProject: "没有打开的项目。" },
};

const MACHINE: Machine = {
  os: "Debian GNU/Linux 12", cpu: "Intel Core i5-1240P", cores: 12, memory_bytes: 16_500_000_000, memory_free_bytes: 9_100_000_000,
  disk_free_bytes: 212_000_000_000, cpu_features: ["avx2", "fma"], gpus: [{ name: "Intel Iris Xe", memory_bytes: null, memory_free_bytes: null, compute_capability: null }], version: "0.1.0",
};

/** The job that goes through the folds. */
const CROSS = "cross-validation";

class MockEngine {
  project: MockProject | null = null;
  errorsAllowed: number | null = 0.05;
  /** Whether the run's version noted which texts are unlike those learned from. */
  unfamiliarNoted = true;
  models = MODELS.map((model) => ({ ...model }));
  network: NetworkState = { ...NETWORK };
  settings: Settings;
  examined: Examined | null = null;
  received: ReceivedModel[] = [];
  pace: number;
  #cancelled = new Set<string>();
  #settingsOf = new Map<string, TrainSettings>();
  #jobs = 0;

  constructor(options: MockOptions) {
    this.settings = { language: options.language, theme: options.theme };
    this.pace = options.pace;
  }

  #choice: [Preset | null, TrainSettings | null] = [null, null];

  /** What is chosen now, else what was chosen last. */
  chosen(preset: Preset | null, settings: TrainSettings | null): [Preset | null, TrainSettings | null] {
    if (preset !== null || settings !== null) this.#choice = [preset, settings];
    return this.#choice;
  }

  get language(): "en" | "zh" {
    return this.settings.language ?? "en";
  }

  info(): AppInfo {
    return {
      version: "0.1.0", settings: this.settings, language: this.language, projects_folder: "/home/expert/Understudy", problem: null,
      recent: [
        { name: "Supplier contracts", path: "/home/expert/Understudy/Supplier contracts.understudy", opened_at: "2026-11-20T14:05:00Z" },
        { name: "门诊病历摘要", path: "/home/expert/Understudy/门诊病历摘要.understudy", opened_at: "2026-11-18T08:20:00Z" },
      ],
      samples: [
        {
          id: "contracts", language: "en", rows: 245, labels: 5, licence: "CC BY 4.0", attribution: "CUAD, The Atticus Project",
          title: { en: "Contract clauses", zh: "合同条款" },
          description: { en: "Which kind of clause is this? From commercial contracts filed in the United States.", zh: "这是哪一类条款？选自美国公开的商业合同（英文）。" },
        },
        {
          id: "abstracts", language: "en", rows: 300, labels: 5, licence: "CC BY-SA 3.0", attribution: "Medical Abstracts Corpus",
          title: { en: "Patient abstracts", zh: "病例摘要" },
          description: { en: "Which field of medicine does a condition belong to? Short abstracts in English.", zh: "病情属于哪个医学领域？英文短摘要。" },
        },
        {
          id: "consultations", language: "zh", rows: 245, labels: 5, licence: "CC0", attribution: "Written for Understudy",
          title: { en: "Legal questions in Chinese", zh: "法律咨询" },
          description: { en: "What is the client asking about? Examples written for this purpose.", zh: "当事人在咨询什么问题？专门编写的示例，并非真实咨询。" },
        },
      ],
    };
  }

  open(name: string, language?: "en" | "zh"): MockProject {
    this.project = new MockProject(name);
    if (language) this.project.import(language, language === "en" ? "clauses.csv" : "咨询.csv");
    return this.project;
  }

  /** What the project has, and what a received model adds to it. */
  overview(): Overview {
    const overview = this.need().overview();
    return this.received.length > 0 ? { ...overview, rooms: { ...overview.rooms, use: "done" } } : overview;
  }

  need(): MockProject {
    if (!this.project) throw this.#error("no_project", words[this.language].noProject);
    return this.project;
  }

  preview(path: string, dialect: DialectOverrides): Preview {
    if (path.endsWith(".pdf")) {
      throw this.language === "en"
        ? { kind: "not_a_table", what: "This file is not a table.", why: "It begins like a PDF document.", next: "Save the table as CSV in the program it comes from, and choose that file." }
        : { kind: "not_a_table", what: "这个文件不是表格。", why: "文件开头像是 PDF 文档。", next: "请在原来的程序中将表格另存为 CSV，然后选择该文件。" };
    }
    const rows = corpus(this.language).slice(0, 245);
    const column = (name: string, role: ColumnRole, distinct: number, length: number): Preview["columns"][number] => ({
      name, role, filled: rows.length - 2, distinct, mean_length: length, examples: [],
    });
    return {
      path, file_name: path.split("/").at(-1) ?? path, bytes: 58_214,
      sheets: [], other_files: 0,
      dialect: { format: "delimited", sheet: null, encoding: dialect.encoding ?? "UTF-8", delimiter: dialect.delimiter ?? ",", quoting: dialect.quoting ?? "double", header: dialect.header ?? true },
      columns: [column("id", "id", rows.length, 4), column("clause", "text", 240, 168), column("kind", "label", 5, 16), column("contract", "ignore", 40, 8)],
      rows: rows.slice(0, 8).map((row, i) => [`C${100 + i}`, row.text, row.label ?? "", `2019-0${i}`]),
      rows_read: rows.length, more: false, label_separator: null,
      mixed: [{ encoding: "windows-1252", rows: 2, first_rows: [14, 27], example: null }],
      problems: [{
        id: null, row: 88, kind: "too_many_columns", raw: "C187,\"Licensee shall, at its own cost, maintain\",Insurance,2019-41,,",
        message: this.language === "en"
          ? { kind: "too_many_columns", what: "This row has 6 columns instead of 4.", why: "There are two more commas than in the first row.", next: "Mend the row in the file, or go on without it." }
          : { kind: "too_many_columns", what: "这一行有 6 列，而不是 4 列。", why: "比首行多了两个逗号。", next: "请在文件中修正，或忽略此行继续导入。" },
      }],
    };
  }

  startTraining(settings: TrainSettings): string {
    const project = this.need();
    const run = learning.newRun(settings, project.runs.length + 1);
    project.runs = [run, ...project.runs];
    this.#settingsOf.set(run.id, settings);
    void this.#train(project, run.id, 0);
    return run.id;
  }

  continueTraining(id: string): null {
    const project = this.need();
    this.#cancelled.delete(id);
    this.#change(project, id, { status: "running", resumable: false, reason: null });
    void this.#train(project, id, project.runs.find((run) => run.id === id)?.epochs_done ?? 0);
    return null;
  }

  /** One training a fold, those that are left. */
  crossValidate(settings: TrainSettings | null, folds: number): null {
    const project = this.need();
    this.#cancelled.delete(CROSS);
    if (settings) project.cross = { folds, settings, runs: [] };
    const cross = project.cross;
    if (!cross) return null;
    void (async () => {
      await this.#tell(CROSS, "cross_validate", { event: "started", pid: 4713 });
      for (let number = 1; number <= cross.folds; number++) {
        const before = project.runs.find((run) => run.id === cross.runs[number - 1]);
        if (before?.status === "finished") continue;
        const run = before ?? { ...learning.newRun(cross.settings, project.runs.length + 1), fold: { number, of: cross.folds } };
        if (before) this.#change(project, run.id, { status: "running", resumable: false });
        else {
          project.runs = [run, ...project.runs];
          cross.runs.push(run.id);
          this.#settingsOf.set(run.id, cross.settings);
        }
        await this.#tell(CROSS, "cross_validate", { event: "fold", number, of: cross.folds, run: run.id });
        await this.#train(project, run.id, run.epochs_done, CROSS, "cross_validate");
        if (this.#cancelled.has(CROSS)) return;
      }
      await this.#tell(CROSS, "cross_validate", { event: "finished", path: null, left_out: 0, cut_cells: 0 });
    })();
    return null;
  }

  settingsOf(id: string): TrainSettings {
    return this.#settingsOf.get(id) ?? learning.SETTINGS;
  }

  cancel(id: string): null {
    this.#cancelled.add(id);
    return null;
  }

  removeModel(id: string): null {
    this.received = this.received.filter(({ name }) => name !== id);
    return this.setModel(id, { installed: false, folder: null });
  }

  setModel(id: string, change: Partial<ModelCard>): null {
    this.models = this.models.map((model) => (model.id === id ? { ...model, ...change } : model));
    return null;
  }

  copy(path: string | null = null): string {
    const job = "copy models";
    void (async () => {
      await this.#tell(job, "copy_models", { event: "started", pid: 4713 });
      for (let done = 1; done <= 4; done++) await this.#progress(job, "copy_models", "download", done, 4);
      await this.#tell(job, "copy_models", { event: "finished", path, left_out: 0, cut_cells: 0 });
    })();
    return job;
  }

  download(id: string): string {
    const job = `fetch ${id}`;
    this.#cancelled.delete(job);
    void (async () => {
      await this.#tell(job, "fetch_model", { event: "started", pid: 4711 });
      for (let done = 1; done <= 10; done++) {
        if (this.#cancelled.has(job)) return this.#tell(job, "fetch_model", { event: "cancelled" });
        await this.#progress(job, "fetch_model", "download", done, 10);
      }
      this.models = this.models.map((model) => (model.id === id ? { ...model, installed: true } : model));
      await this.#tell(job, "fetch_model", { event: "finished", path: null, left_out: 0, cut_cells: 0 });
    })();
    return job;
  }

  startServer(): string {
    void (async () => {
      await this.#tell("server", "serve_http", { event: "started", pid: 4713 });
      await this.#tell("server", "serve_http", { event: "listening", address: "http://127.0.0.1:8765", token: "0f".repeat(32) });
      await this.#tell("server", "serve_http", { event: "served", texts: 3 });
    })();
    return "server";
  }

  examine(run: string, most: number): string {
    const job = `examine-${run}`;
    void (async () => {
      await this.#tell(job, "examine_answers", { event: "started", pid: 4714 });
      for (let done = 1; done <= 10; done++) await this.#progress(job, "examine_answers", "explain", done * 6, 60);
      this.examined = learning.examined(this.need(), most);
      await this.#tell(job, "examine_answers", { event: "finished", path: null, left_out: 0, cut_cells: 0 });
    })();
    return job;
  }

  predictFile(): string {
    const job = `job-${++this.#jobs}`;
    void (async () => {
      await this.#tell(job, "predict_file", { event: "started", pid: 4712 });
      for (let done = 1; done <= 10; done++) await this.#progress(job, "predict_file", "predict", done * 20, 200);
      await this.#tell(job, "predict_file", { event: "finished", path: "/home/expert/Documents/clauses labelled.csv", left_out: 0, cut_cells: 0 });
    })();
    return job;
  }

  async #train(project: MockProject, id: string, from: number, job = id, kind: JobEvent["kind"] = "train"): Promise<void> {
    const settings = this.settingsOf(id);
    const steps = learning.stepsOf(settings);
    const each = steps / settings.epochs;
    if (kind === "train") await this.#tell(job, kind, { event: "started", pid: 4710 });
    for (let epoch = from + 1; epoch <= settings.epochs; epoch++) {
      for (let step = (epoch - 1) * each + 1; step <= epoch * each; step++) {
        if (this.#cancelled.has(job)) {
          this.#change(project, id, { status: "cancelled", resumable: true });
          return this.#tell(job, kind, { event: "cancelled" });
        }
        await this.#tell(job, kind, { event: "step", step, steps, loss: learning.loss(step), learning_rate: settings.learning_rate });
        await this.#progress(job, kind, "train", step, steps, epoch, settings.epochs);
      }
      this.#change(project, id, { epochs_done: epoch, kept_epochs: [epoch], validation_macro_f1: learning.epochScores(epoch).validation_macro_f1 });
      await this.#tell(job, kind, { event: "epoch", scores: learning.epochScores(epoch) });
    }
    this.#change(project, id, { status: "finished", seconds: 58, trained_share: 0.75, test_accuracy: 0.89, test_macro_f1: 0.88 });
    if (kind === "train") await this.#tell(job, kind, { event: "finished", path: `/home/expert/Understudy/runs/${id}`, left_out: 0, cut_cells: 0 });
  }

  async #progress(job: string, kind: JobEvent["kind"], phase: "train" | "download" | "predict" | "explain", done: number, total: number, epoch: number | null = null, epochs: number | null = null): Promise<void> {
    const seconds_left = Math.round(((total - done) / total) * 58);
    await this.#tell(job, kind, { event: "progress", phase, done, total, seconds_left, rate: 9.3, epoch, epochs });
    await new Promise((resolve) => setTimeout(resolve, this.pace));
  }

  #change(project: MockProject, id: string, change: Partial<MockProject["runs"][number]>): void {
    project.runs = project.runs.map((run) => (run.id === id ? { ...run, ...change } : run));
  }

  #tell(job: string, kind: JobEvent["kind"], event: WorkerEvent): Promise<void> {
    return emit("job-event", { job, kind, event } satisfies JobEvent);
  }

  #error(kind: string, what: string): UserError {
    return { kind, what, why: "", next: "" };
  }
}

type Handler = (engine: MockEngine, args: Args) => unknown;

const handlers: Record<string, Handler> = {
  app_info: (e) => e.info(),
  save_settings: (e, a) => {
    e.settings = a["settings"] as Settings;
    return e.info();
  },
  machine: () => MACHINE,
  create_project: (e, a) => e.open(a["name"] as string).overview(),
  open_project: (e) => e.open("Supplier contracts", "en").overview(),
  pick_project: () => "/home/expert/Understudy/Supplier contracts.understudy",
  open_sample: (e, a) =>
    a["id"] === "consultations" ? e.open("法律咨询", "zh").overview() : e.open("Contract clauses", "en").overview(),
  overview: (e) => e.overview(),
  close_project: (e) => {
    e.project = null;
    return null;
  },
  pick_data_file: () => "/home/expert/Documents/clauses.csv",
  keep_pasted: () => "/home/expert/Understudy/x.understudy/pasted/pasted.tsv",
  pick_data_folder: () => "/home/expert/Documents/clauses",
  preview_file: (e, a) => e.preview(a["path"] as string, a["dialect"] as DialectOverrides),
  import_file: (e) => {
    const project = e.need();
    project.import(e.language, "clauses.csv");
    const { rows, labelled, labels } = project.overview();
    return { file_name: "clauses.csv", rows, labelled, labels, problem_rows: 1, empty_texts: 2, mixed: [] };
  },
  data_summary: (e) => e.need().summary(),
  long_texts: (e) => ({ rows: e.need().shown().filter((row) => row.text.length > 180).length, characters: 180 }),
  rows_page: (e, a) => e.need().page(a["filter"] as RowFilter, a["offset"] as number, a["limit"] as number),
  row_ids: (e, a) => e.need().page(a["filter"] as RowFilter, 0, Infinity).id,
  example: (e, a) => e.need().example(a["id"] as number),
  problems_page: (e) => ({ total: 1, problems: e.preview("x.csv", { encoding: null, delimiter: null, quoting: null, header: null, sheet: null }).problems.map((problem) => ({ ...problem, id: 1 })) }),
  stop_work: () => null,
  update_from_file: () => ({ same: 240, new: 3, changed: 2, relabelled: 1, kept: 1, not_moved: 1, gone: 2, back: 0, problem_rows: 1 }),
  mend_form: () => ({ columns: ["text", "label"], cells: ["a clause, with a comma", "Law"], cut: false }),
  mend_row: () => 1,
  edit_text: (e, a) => e.need().edit(a["id"] as number, a["text"] as string | null),
  cleaning_look: (e) => e.need().look(),
  clean: (e, a) => e.need().clean(a["rules"] as CleaningRule[]),
  cleaning_steps: (e) => e.need().steps(),
  conflicts_page: (e) => e.need().conflicts(),
  find_near_duplicates: (e) => {
    e.need().nearKnown = true;
    return null;
  },
  near_duplicates: (e, a) => e.need().near(a["open"] as boolean),
  near_cluster: (e, a) => e.need().near(a["open"] as boolean)?.clusters[0]?.shown.map((row) => row.id) ?? [],
  undo_cleaning: (e, a) => e.need().undoCleaning(a["step"] as number),
  label_state: (e) => e.need().labelState(),
  add_label: (e, a) => e.need().addLabel(a["name"] as string),
  change_label: (e, a) => e.need().changeLabel(a["id"] as number, a["change"] as LabelChange),
  order_labels: (e, a) => {
    const project = e.need();
    const ids = a["ids"] as number[];
    project.labels.sort((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
    return project.labelState();
  },
  label_notes: (e) => e.need().notes,
  set_label_notes: (e, a) => {
    e.need().notes = a["notes"] as LabelNotes;
    return null;
  },
  save_scheme: () => "/home/expert/Documents/labels.json",
  load_scheme: (e) => e.need().labelState(),
  set_mark: (e, a) => e.need().mark(a["example"] as number, a["kind"] as MarkKind, a["value"] as string | null),
  place_of: (e, a) => e.need().placeOf(a["example"] as number),
  label_many: (e, a) => {
    const project = e.need();
    for (const id of a["examples"] as number[]) project.annotate(id, [a["label"] as number]);
    return project.labelState();
  },
  export_labels: (e) => {
    const { rows, labelled } = e.need().overview();
    return { path: "/home/expert/Documents/labels.csv", summary: { rows, labelled, cut: 1 } };
  },
  people: (e) => e.need().people(),
  set_person: (e, a) => {
    const project = e.need();
    project.person = a["name"] as string;
    return project.labelState();
  },
  set_second_share: () => null,
  next_for_second_opinion: (e) => e.need().shown()[0]?.id ?? null,
  disagreements_page: (e) => e.need().disagreements(),
  decide_disagreement: (e, a) => {
    const project = e.need();
    project.disagreementsLeft = 0;
    return project.annotate(a["example"] as number, a["labels"] as number[]);
  },
  send_answers: () => ({ path: "/home/expert/Documents/Ann answers.json", answers: 120, key: "4F2A-91C0-77DE-03B8" }),
  take_answers: () => ({
    summary: { who: "Bo", answers: 40, new: 12, agreed: 20, differing: 6, kept: 1, unknown: 1 }, key: "11AA-22BB-33CC-44DD", other_key: true,
  }),
  read_texts: () => "read-texts",
  learn_from_labels: (e) => e.need().assist(),
  suggestion: (e) => e.need().suggestion(),
  next_to_label: (e, a) => e.need().next(a["order"] as Order, (a["but"] as number[])[0] ?? null),
  doubts_page: (e) => e.need().doubts(),
  label_forecast: (e) => e.need().forecast(),
  similar_texts: (e, a) => e.need().nearby(a["limit"] as number, a["among"] as Among),
  text_groups: (e, a) => e.need().groups(a["among"] as Among, a["count"] as number),
  find_by_meaning: (e, a) => e.need().nearby(a["limit"] as number, a["among"] as Among),
  remove_label: (e, a) => {
    const project = e.need();
    project.labels = project.labels.filter((label: Pick<Label, "id">) => label.id !== a["id"]);
    return project.labelState();
  },
  set_problem_type: (e, a) => e.need().setProblemType(a["to"] as ProblemType),
  annotate: (e, a) => e.need().annotate(a["example"] as number, a["labels"] as number[] | null),
  decide_conflict: (e, a) => {
    const project = e.need();
    project.annotate(a["example"] as number, a["labels"] as number[]);
    project.conflictDecided = true;
    return project.labelState();
  },
  label_spellings: (e) => (e.need().labels.length > 2 ? [{ labels: [1, 2], keep: 1 }] : []),
  merge_labels: (e, a) => {
    const project = e.need();
    const merged = (a["labels"] as number[]).filter((label) => label !== a["into"]);
    for (const row of project.rows) if (row.labels?.some((label) => merged.includes(label))) row.labels = [a["into"] as number];
    project.labels = project.labels.filter((label) => !merged.includes(label.id));
    return project.labelState();
  },
  divide_label: (e, a) => e.need().divide(a["id"] as number, a["parts"] as LabelPart[]),
  undo_annotation: (e) => e.need().undo(),
  redo_annotation: (e) => e.need().redo(),
  next_unlabelled: (e, a) => e.need().nextUnlabelled(a["after"] as number | null),
  make_split: (e, a) => e.need().makeSplit(a["percent"] as number[], a["seed"] as number, a["way"] as SplitWay, words[e.language].note),
  open_test: (e) => e.need().split,
  add_to_training: (e) => e.need().split,
  split_summary: (e) => {
    const split = e.need().split;
    return split && { ...split, notes: [words[e.language].note] };
  },
  model_shelf: (e) => shelf(e.models, e.language),
  measure_machine: (e) => shelf(e.models, e.language),
  discard_download: (e, a) => e.setModel(a["id"] as string, { arrived_bytes: null }),
  remove_model: (e, a) => e.removeModel(a["id"] as string),
  verify_model: () => null,
  model_uses: (e) => e.models.filter((model) => model.installed).map(({ id }, index) => ({ id, projects: index === 0 ? ["Supplier contracts"] : [] })),
  search_hub: (e) => FOUND[e.language],
  look_at_model: (e, a) => ({ ...e.models[1], id: a["id"] as string, name: "chinese-legal-roberta", description: null, recommended_by_us: false, commercial_use: "unclear" }),
  add_model_folder: (e) => e.copy(),
  add_model_archive: (e) => e.copy(),
  keep_run: (e) => e.copy(),
  export_base_model: (e) => e.copy("/home/expert/model.zip"),
  move_library: (e) => e.copy("/media/disk/understudy-models"),
  network_state: (e) => e.network,
  save_network: (e, a) => (e.network = { ...e.network, settings: a["settings"] as NetworkState["settings"] }),
  keep_secret: (e, a) => (e.network = { ...e.network, has_token: a["value"] !== "" }),
  connections: () => CONNECTIONS,
  choose_model: (e, a) => {
    const project = e.need();
    project.model = a["id"] as string;
    return project.overview();
  },
  fetch_model: (e, a) => e.download(a["id"] as string),
  train_plan: (e, a) => learning.plan(e.need(), ...e.chosen(a["preset"] as Preset | null, a["settings"] as TrainSettings | null), words[e.language].blocker, words[e.language].why),
  continue_with_half_the_rate: (e, a) => e.continueTraining(a["run"] as string),
  start_training: (e, a) => e.startTraining(a["settings"] as TrainSettings),
  continue_training: (e, a) => e.continueTraining(a["run"] as string),
  start_cross_validation: (e, a) => e.crossValidate(a["settings"] as TrainSettings, a["folds"] as number),
  continue_cross_validation: (e) => e.crossValidate(null, 0),
  cross_validation_result: (e) => e.need().crossValidation(),
  cancel_job: (e, a) => e.cancel(a["job"] as string),
  runs: (e) => e.need().runs,
  run_history: (e, a) => learning.history(run(e, a), e.settingsOf(a["run"] as string)),
  run_results: (e, a) => learning.results(e.need(), run(e, a), e.settingsOf(a["run"] as string), e.language),
  run_judgement: (e) => judgement.judged(e.need(), e.errorsAllowed, e.unfamiliarNoted),
  verify_run: () => judgement.VERIFICATION,
  examined_answers: (e) => e.examined,
  examine_answers: (e, a) => e.examine(a["run"] as string, a["most"] as number),
  wrong_groups: (e, a) => learning.groups(e.need(), a["by"] as GroupBy),
  class_curves: () => judgement.CURVES,
  compare_runs: (e) => judgement.compared(e.need()),
  set_review: (e, a) => judgement.review((e.errorsAllowed = a["errorsAllowed"] as number | null), e.unfamiliarNoted),
  wrong_answers: (e, a) => learning.wrong(e.need(), a["filter"] as WrongFilter, a["offset"] as number, a["limit"] as number),
  write_report: () => "/home/expert/Understudy/runs/run-1/report.html",
  save_report: (_, a) => `/home/expert/Documents/report.${a["format"] as string}`,
  open_report: () => null,
  export_model: () => ({ path: "/home/expert/Documents/clause model", reads_only: null }),
  try_text: (e, a) => learning.predict(e.need(), a["text"] as string),
  explain_text: (e, a) => learning.explain(e.need(), a["text"] as string, a["label"] as string | null),
  pick_file_to_predict: () => ({
    path: "/home/expert/Documents/letters.csv", file_name: "letters.csv", text: [],
    columns: [
      { name: "number", role: "ignore", filled: 50, distinct: 50, mean_length: 3, examples: ["1"] },
      { name: "body", role: "text", filled: 50, distinct: 50, mean_length: 120, examples: ["Dear Sir or Madam, I write about the rent for May, which was paid twice."] },
    ],
  }),
  predict_file: (e) => e.predictFile(),
  queue_for_review: (e) => e.need().queue(["A clause that nobody has seen yet.", "Another clause of that kind."]),
  queue_text: (e, a) => e.need().queue([a["text"] as string]),
  last_unlabelled: (e, a) => e.need().lastUnlabelled(a["before"] as number | null),
  start_server: (e) => e.startServer(),
  received_models: (e) => e.received,
  demo_examples: (e) => e.need().examples,
  set_demo_examples: (e, a) => void (e.need().examples = a["texts"] as string[]),
  fill_screen: () => null,
};

function run(engine: MockEngine, args: Args): MockProject["runs"][number] {
  const found = engine.need().runs.find((run) => run.id === args["run"]);
  if (!found) throw new Error(`no run ${String(args["run"])}`);
  return found;
}

export type Mock = { engine: MockEngine; drop: (event: FileDropEvent) => Promise<void> };

/** Puts the imitation in the engine's place for this page. */
export function installMock(options: MockOptions): Mock {
  const engine = new MockEngine(options);
  mockIPC(
    async (command, args) => {
      const handler = handlers[command];
      if (!handler) throw new Error(`the mock does not know ${command}`);
      // Through JSON as over the real bridge: nothing is shared by reference.
      const answer: unknown = JSON.parse(JSON.stringify(handler(engine, (args ?? {}) as Args)));
      return answer;
    },
    { shouldMockEvents: true },
  );
  return { engine, drop: (event) => emit("file-drop-event", event) };
}
