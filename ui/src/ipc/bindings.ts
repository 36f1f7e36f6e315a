// The window's only way to the engine. Written by hand until the shell generates it (tauri-specta);
// names, argument order and fields are final.
import { invoke } from "@tauri-apps/api/core";
import { listen, type UnlistenFn } from "@tauri-apps/api/event";

// ---- words -----------------------------------------------------------------
export type Language = "en" | "zh";
export type LocalizedText = { en: string; zh: string };
/** Every failure a user can meet, already in the window's language. Rejected promises carry this. */
export type UserError = { kind: string; what: string; why: string; next: string };

// ---- app -------------------------------------------------------------------
export type Theme = "system" | "light" | "dark";
export type Settings = { language: Language | null; theme: Theme };
export type SampleInfo = {
  id: string; title: LocalizedText; description: LocalizedText; language: Language;
  rows: number; labels: number; licence: string; attribution: string;
};
export type RecentProject = { name: string; path: string; opened_at: string };
export type AppInfo = {
  version: string; settings: Settings; language: Language; samples: SampleInfo[];
  recent: RecentProject[]; projects_folder: string;
  /** The worker binary is missing or does not start: why (null when all is well). */
  problem: UserError | null;
};

// ---- project ---------------------------------------------------------------
export type RoomState = "empty" | "working" | "done" | "attention";
export type Rooms = {
  data: RoomState; labels: RoomState; split: RoomState; model: RoomState;
  train: RoomState; results: RoomState; use: RoomState;
};
export type Overview = {
  name: string; path: string; rooms: Rooms;
  rows: number; labelled: number; labels: number; problem_rows: number; duplicate_rows: number;
  split: SplitSummary | null; model: string | null; runs: RunSummary[];
};

// ---- data ------------------------------------------------------------------
export type ColumnRole = "text" | "label" | "group" | "id" | "split" | "ignore";
export type Dialect = { encoding: string; delimiter: string; header: boolean };
export type DialectOverrides = { encoding: string | null; delimiter: string | null; header: boolean | null };
export type ColumnPreview = {
  name: string; role: ColumnRole; filled: number; distinct: number; mean_length: number; examples: string[];
};
export type RowProblem = { row: number; kind: string; message: UserError; raw: string };
export type Preview = {
  path: string; file_name: string; bytes: number; dialect: Dialect; columns: ColumnPreview[];
  /** The first rows, one array a row, as long as `columns`. */
  rows: string[][];
  /** Rows read for the preview, and whether the file goes on after them. */
  rows_read: number; more: boolean; problems: RowProblem[];
};
export type ImportOptions = {
  dialect: DialectOverrides;
  /** Role by column index; one "text" is required. */
  roles: ColumnRole[];
};
export type ImportSummary = { file_name: string; rows: number; labelled: number; labels: number; problem_rows: number; empty_texts: number };
export type RowFilter = { search: string; label: number | null; part: Part | null; only: "all" | "labelled" | "unlabelled" };
/** A page of columns: index i of every array is one row. `text` is cut at 300 characters. */
export type RowPage = { total: number; id: number[]; text: string[]; label: (number | null)[]; part: (Part | null)[] };
export type ExampleDetail = {
  id: number; row: number; text: string; label: number | null; part: Part | null;
  columns: { name: string; value: string }[];
  history: { label: number | null; who: string; at: string }[];
};
export type ProblemPage = { total: number; problems: RowProblem[] };
export type CleaningStep = { id: number; kind: "drop_duplicates" | "drop_empty"; rows_hidden: number; at: string; undone: boolean };
export type LengthBin = { from: number; to: number; rows: number };
export type DataSummary = {
  rows: number; hidden: number; problem_rows: number; duplicate_rows: number; conflicting_texts: number; empty_texts: number;
  length_mean: number; length_median: number; length_p95: number; length_max: number; lengths: LengthBin[];
  cleaning: CleaningStep[]; sources: { file_name: string; rows: number; sha256: string; imported_at: string }[];
};

// ---- labels ----------------------------------------------------------------
export type Label = { id: number; name: string; colour: number; key: string; count: number };
export type LabelState = {
  labels: Label[]; rows: number; labelled: number; can_undo: boolean; can_redo: boolean;
  /** What the last undo or redo touched, so that the window can show that row. */
  example: number | null;
};

// ---- split -----------------------------------------------------------------
export type Part = "train" | "validation" | "test";
export type PartCount = { part: Part; rows: number; per_label: number[] };
export type SplitSummary = {
  version: number; seed: number; percent: number[]; labels: string[]; parts: PartCount[];
  grouped: boolean; from_file: boolean; unlabelled: number;
  /** Sentences in the window's language: tiny classes, duplicates kept together, … */
  notes: string[];
};

// ---- model, machine --------------------------------------------------------
export type ModelCard = {
  id: string; name: string; description: LocalizedText; architecture: string; licence: string; languages: string[];
  parameters: number; download_bytes: number; hidden_size: number; layers: number; max_length: number;
  installed: boolean; folder: string | null; source: string;
};
export type Machine = {
  os: string; cpu: string; cores: number; memory_bytes: number; memory_free_bytes: number; disk_free_bytes: number;
  cpu_features: string[]; gpus: string[]; version: string;
};

// ---- train -----------------------------------------------------------------
export type TrainSettings = {
  model: string; epochs: number; batch_size: number; learning_rate: number; weight_decay: number; warmup_ratio: number;
  dropout: number; max_grad_norm: number; max_length: number; seed: number;
};
export type TrainPlan = {
  settings: TrainSettings; train_rows: number; validation_rows: number; test_rows: number; labels: number; steps: number;
  /** Texts longer than max_length: their share of the training rows (0..1). */
  truncated: number;
  /** A rough time in seconds from this machine's earlier runs; null before the first. */
  seconds: number | null;
  /** What stands in the way (no split, one class, …); empty when training can start. */
  blockers: UserError[];
};
export type RunStatus = "queued" | "running" | "finished" | "cancelled" | "interrupted" | "failed";
export type RunSummary = {
  id: string; status: RunStatus; model: string; created_at: string; seconds: number | null; epochs: number; epochs_done: number;
  best_epoch: number | null; validation_macro_f1: number | null; test_accuracy: number | null; test_macro_f1: number | null;
  resumable: boolean; reason: UserError | null;
};
export type EpochScores = { epoch: number; train_loss: number; validation_loss: number; validation_accuracy: number; validation_macro_f1: number; seconds: number };
/** A run's curves: x = step. `loss` is the smoothed training loss. */
export type RunHistory = { run: RunSummary; settings: TrainSettings; steps: number; step: number[]; loss: number[]; learning_rate: number[]; epochs: EpochScores[] };

// ---- results ---------------------------------------------------------------
export type Interval = { low: number; high: number };
export type ClassScore = { label: string; precision: number; recall: number; f1: number; support: number; predicted: number };
export type Scores = {
  examples: number; correct: number; loss: number; accuracy: number; accuracy_interval: Interval;
  macro_precision: number; macro_recall: number; macro_f1: number; macro_f1_interval: Interval; micro_f1: number; weighted_f1: number;
  /** confusion[gold][predicted], both in the order of `classes`. */
  classes: ClassScore[]; confusion: number[][];
  majority_label: string; majority_accuracy: number;
};
export type RunResults = {
  history: RunHistory; labels: string[]; validation: Scores; test: Scores | null;
  /** Sentences in the window's language, the most important first. */
  sentences: string[]; report: string | null; seconds_training: number; samples_per_second: number; peak_memory_mb: number;
};
export type WrongPage = { total: number; id: number[]; text: string[]; gold: string[]; predicted: string[]; confidence: number[] };
export type WrongFilter = { gold: string | null; predicted: string | null };

// ---- use -------------------------------------------------------------------
export type LabelProbability = { label: string; probability: number };
export type Prediction = { label: string; confidence: number; scores: LabelProbability[]; tokens: number; truncated: boolean; milliseconds: number };

// ---- jobs ------------------------------------------------------------------
export type Phase = "download" | "tokenize" | "train" | "validate" | "test" | "save" | "predict";
export type WorkerEvent =
  | { event: "started"; pid: number }
  | { event: "progress"; phase: Phase; done: number; total: number; seconds_left: number | null; rate: number | null; epoch: number | null; epochs: number | null }
  | { event: "step"; step: number; steps: number; loss: number; learning_rate: number }
  | { event: "epoch"; scores: EpochScores }
  | { event: "log"; message: string }
  | { event: "finished"; /** a path where the job wrote a file or folder, else null */ path: string | null }
  | { event: "cancelled" }
  | { event: "failed"; error: UserError }
  | { event: "interrupted"; error: UserError };
export type JobKind = "train" | "predict_file" | "fetch_model";
/** Sent for every job of this window. `job` is the run's id for "train". */
export type JobEvent = { job: string; kind: JobKind; event: WorkerEvent };
/** The user dropped files on the window (paths), or drags them over it (hover = true). */
export type FileDropEvent = { hover: boolean; paths: string[] };

export const events = {
  jobEvent: { listen: (f: (e: { payload: JobEvent }) => void): Promise<UnlistenFn> => listen<JobEvent>("job-event", f) },
  fileDropEvent: { listen: (f: (e: { payload: FileDropEvent }) => void): Promise<UnlistenFn> => listen<FileDropEvent>("file-drop-event", f) },
};

const call = <T>(name: string, args?: Record<string, unknown>): Promise<T> => invoke<T>(name, args);

export const commands = {
  // app
  appInfo: () => call<AppInfo>("app_info"),
  saveSettings: (settings: Settings) => call<AppInfo>("save_settings", { settings }),
  machine: () => call<Machine>("machine"),
  // project (one open at a time)
  createProject: (name: string) => call<Overview>("create_project", { name }),
  openProject: (path: string) => call<Overview>("open_project", { path }),
  /** The OS's folder dialog; null when the user gave up. */
  pickProject: () => call<string | null>("pick_project"),
  openSample: (id: string) => call<Overview>("open_sample", { id }),
  overview: () => call<Overview>("overview"),
  closeProject: () => call<null>("close_project"),
  // data
  pickDataFile: () => call<string | null>("pick_data_file"),
  previewFile: (path: string, dialect: DialectOverrides) => call<Preview>("preview_file", { path, dialect }),
  importFile: (path: string, options: ImportOptions) => call<ImportSummary>("import_file", { path, options }),
  dataSummary: () => call<DataSummary>("data_summary"),
  rowsPage: (filter: RowFilter, offset: number, limit: number) => call<RowPage>("rows_page", { filter, offset, limit }),
  example: (id: number) => call<ExampleDetail>("example", { id }),
  problemsPage: (offset: number, limit: number) => call<ProblemPage>("problems_page", { offset, limit }),
  dropDuplicates: () => call<DataSummary>("drop_duplicates"),
  dropEmpty: () => call<DataSummary>("drop_empty"),
  undoCleaning: (step: number) => call<DataSummary>("undo_cleaning", { step }),
  // labels
  labelState: () => call<LabelState>("label_state"),
  addLabel: (name: string) => call<LabelState>("add_label", { name }),
  renameLabel: (id: number, name: string) => call<LabelState>("rename_label", { id, name }),
  /** Only a label that no row carries can be removed. */
  removeLabel: (id: number) => call<LabelState>("remove_label", { id }),
  annotate: (example: number, label: number | null) => call<LabelState>("annotate", { example, label }),
  undoAnnotation: () => call<LabelState>("undo_annotation"),
  redoAnnotation: () => call<LabelState>("redo_annotation"),
  /** The next row without a label after `after` (wrapping round); null when all are labelled. */
  nextUnlabelled: (after: number | null) => call<number | null>("next_unlabelled", { after }),
  // split
  makeSplit: (percent: number[], seed: number) => call<SplitSummary>("make_split", { percent, seed }),
  splitSummary: () => call<SplitSummary | null>("split_summary"),
  // model
  models: () => call<ModelCard[]>("models"),
  chooseModel: (id: string) => call<Overview>("choose_model", { id }),
  /** Starts the download job; returns the job's id. */
  fetchModel: (id: string) => call<string>("fetch_model", { id }),
  // train
  trainPlan: (settings: TrainSettings | null) => call<TrainPlan>("train_plan", { settings }),
  /** Starts a run; returns its id. Progress comes as JobEvent. */
  startTraining: (settings: TrainSettings) => call<string>("start_training", { settings }),
  continueTraining: (run: string) => call<null>("continue_training", { run }),
  cancelJob: (job: string) => call<null>("cancel_job", { job }),
  runs: () => call<RunSummary[]>("runs"),
  runHistory: (run: string) => call<RunHistory>("run_history", { run }),
  // results
  runResults: (run: string) => call<RunResults>("run_results", { run }),
  wrongAnswers: (run: string, filter: WrongFilter, offset: number, limit: number) => call<WrongPage>("wrong_answers", { run, filter, offset, limit }),
  /** Writes the report into the run's folder and returns its path. */
  writeReport: (run: string) => call<string>("write_report", { run }),
  /** Asks where to, then copies the report there; null when the user gave up. */
  saveReport: (run: string) => call<string | null>("save_report", { run }),
  /** Opens the run's report in the system's browser. */
  openReport: (run: string) => call<null>("open_report", { run }),
  /** Asks for a folder, then writes the Hugging Face folder there. */
  exportModel: (run: string) => call<string | null>("export_model", { run }),
  // use
  tryText: (run: string, text: string) => call<Prediction>("try_text", { run, text }),
  /** Asks for an input file and an output path, starts the job, returns its id; null when the user gave up. */
  predictFile: (run: string) => call<string | null>("predict_file", { run }),
};
