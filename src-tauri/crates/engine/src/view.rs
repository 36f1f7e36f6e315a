//! What crosses to the window: plain data in the window's language, named as the window names it.
//!
//! Lower crates' types cross unchanged where they are plain already; those that carry facts for sentences have a
//! counterpart here that carries the sentences.

use serde::{Deserialize, Serialize};
use understudy_data::{self as data, ColumnPreview, Dialect, Part, PartCount, RunStatus};
use understudy_eval::{EpochScores, Interval, MeanScore, Scores};
use understudy_hub::LocalizedText;
use understudy_report::Language;
use understudy_train::TrainSettings;

use crate::error::UserError;
use crate::job::{Event, Progress};
use crate::words;

/// A sample project that comes with the app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SampleInfo {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: LocalizedText,
    /// What it is about.
    pub description: LocalizedText,
    /// The language of its texts.
    pub language: Language,
    /// Rows.
    pub rows: u32,
    /// Classes.
    pub labels: u32,
    /// Licence of the texts.
    pub licence: String,
    /// Whom to thank.
    pub attribution: String,
}

/// A room's state at a glance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RoomState {
    /// Nothing there yet.
    Empty,
    /// Something is going on or half done.
    Working,
    /// All is there.
    Done,
    /// Something wants to be looked at.
    Attention,
}

/// The states of the seven rooms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[allow(missing_docs)]
pub struct Rooms {
    pub data: RoomState,
    pub labels: RoomState,
    pub split: RoomState,
    pub model: RoomState,
    pub train: RoomState,
    pub results: RoomState,
    pub r#use: RoomState,
}

/// A project at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Overview {
    /// How many labels a row may carry.
    pub problem_type: data::ProblemType,
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// Its rooms.
    pub rooms: Rooms,
    /// Visible rows.
    pub rows: u32,
    /// Of them with a label.
    pub labelled: u32,
    /// Labels.
    pub labels: u32,
    /// Rows put aside at import.
    pub problem_rows: u32,
    /// Rows that repeat another.
    pub duplicate_rows: u32,
    /// The current split.
    pub split: Option<SplitSummary>,
    /// The chosen model's id.
    pub model: Option<String>,
    /// All runs, the newest first.
    pub runs: Vec<RunSummary>,
}

/// A row put aside at import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RowProblem {
    /// Its id in the project; `None` in a preview.
    pub id: Option<u32>,
    /// Row in the file, from 1, the header included.
    pub row: u32,
    /// The kind of problem.
    pub kind: String,
    /// The problem in words.
    pub message: UserError,
    /// The row as it stands in the file.
    pub raw: String,
}

impl RowProblem {
    /// The problem in a language.
    pub fn told(problem: data::RowProblem, language: Language) -> Self {
        let message = words::problem(&problem.kind, language);
        RowProblem {
            id: problem.id,
            row: problem.row,
            kind: message.kind.clone(),
            message,
            raw: problem.raw,
        }
    }
}

/// A page of rows put aside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ProblemPage {
    /// How many there are in all.
    pub total: u32,
    /// Those of this page.
    pub problems: Vec<RowProblem>,
}

/// The beginning of a file, read to decide how to import it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Preview {
    /// The file.
    pub path: String,
    /// Its name.
    pub file_name: String,
    /// Its size.
    pub bytes: f64,
    /// How it was read.
    pub dialect: Dialect,
    /// What there is to choose from as the dialect's sheet; empty where there is nothing to choose.
    pub sheets: Vec<String>,
    /// Files of a folder that are no text files and are left out.
    pub other_files: u32,
    /// Its columns with the proposed roles.
    pub columns: Vec<ColumnPreview>,
    /// Its first rows.
    pub rows: Vec<Vec<String>>,
    /// Rows read for the columns' figures.
    pub rows_read: u32,
    /// Whether the file goes on after them.
    pub more: bool,
    /// Rows that would be put aside, among those read.
    pub problems: Vec<RowProblem>,
    /// Rows that are not written in the file's encoding, among those read.
    pub mixed: Vec<data::MixedEncoding>,
    /// What seems to stand between several labels of a cell.
    pub label_separator: Option<String>,
}

impl Preview {
    /// The preview in a language.
    pub fn told(preview: data::Preview, language: Language) -> Self {
        Preview {
            path: preview.path,
            file_name: preview.file_name,
            bytes: preview.bytes,
            dialect: preview.dialect,
            sheets: preview.sheets,
            other_files: preview.other_files,
            columns: preview.columns,
            rows: preview.rows,
            rows_read: preview.rows_read,
            more: preview.more,
            label_separator: preview.label_separator,
            mixed: preview.mixed,
            problems: preview
                .problems
                .into_iter()
                .map(|problem| RowProblem::told(problem, language))
                .collect(),
        }
    }
}

/// The current split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SplitSummary {
    /// Counted from 1.
    pub version: u32,
    /// What it was drawn with.
    pub seed: u32,
    /// Train, validation, test.
    pub percent: Vec<u32>,
    /// The classes in use.
    pub labels: Vec<String>,
    /// The parts.
    pub parts: Vec<PartCount>,
    /// Whether rows have groups.
    pub grouped: bool,
    /// Whether the file decided.
    pub from_file: bool,
    /// Visible rows without a label, in no part.
    pub unlabelled: u32,
    /// What is worth knowing, in sentences.
    pub notes: Vec<String>,
    /// What the test part shares with the rest; `None` in what splits of earlier versions left.
    pub leaks: Option<data::Leaks>,
    /// By what the rows were divided.
    pub way: data::SplitWay,
    /// Whether rows have dates.
    pub dated: bool,
    /// Labelled rows in no part: they were labelled or brought in later.
    pub unplaced: u32,
    /// Whether a model was judged on its test part.
    pub lock: Option<data::TestLock>,
}

/// A cleaning step in a sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct StepTold {
    /// Its id.
    pub id: u32,
    /// What it did.
    pub text: String,
}

impl SplitSummary {
    /// The split in a language.
    pub fn told(split: data::SplitSummary, language: Language) -> Self {
        SplitSummary {
            version: split.version,
            seed: split.seed,
            percent: split.percent,
            labels: split.labels,
            parts: split.parts,
            grouped: split.grouped,
            from_file: split.from_file,
            unlabelled: split.unlabelled,
            notes: split
                .notes
                .iter()
                .map(|note| words::note(note, language))
                .chain(split.leaks.and_then(|leaks| words::near_leak(&leaks, language)))
                .collect(),
            leaks: split.leaks,
            way: split.way.unwrap_or_default(),
            dated: split.dated.unwrap_or_default(),
            unplaced: split.unplaced.unwrap_or_default(),
            lock: split.lock,
        }
    }

    /// The rows of a part.
    pub fn rows(&self, part: Part) -> u32 {
        self.parts
            .iter()
            .filter(|count| count.part == part)
            .map(|count| count.rows)
            .sum()
    }
}

/// Texts that are longer than the chosen model reads at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LongTexts {
    /// How many, as near as the lengths in characters tell.
    pub rows: u32,
    /// What the model reads at once, in characters of these texts: about, to two digits.
    pub characters: u32,
}

/// What a training would be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TrainPlan {
    /// The settings, proposed or as asked.
    pub settings: TrainSettings,
    /// Rows to learn from.
    pub train_rows: u32,
    /// Rows to compare rounds by.
    pub validation_rows: u32,
    /// Rows to judge the result by.
    pub test_rows: u32,
    /// Classes.
    pub labels: u32,
    /// Steps in all.
    pub steps: u32,
    /// Share of the training texts longer than the model is to read, 0 to 1 (from a sample of them).
    pub truncated: f64,
    /// Tokens that are read of a longer text.
    pub tokens_read: u32,
    /// Seconds that it will take, judged by earlier runs of this project; `None` before the first.
    pub seconds: Option<f64>,
    /// Megabytes of memory that it will need; `None` while something stands in the way, and on a graphics card.
    pub memory_mb: Option<f64>,
    /// Megabytes that programs can still get.
    pub memory_free_mb: f64,
    /// What the preset chose, and why; without the settings that were changed since.
    pub choices: Vec<ChosenSetting>,
    /// What stands in the way.
    pub blockers: Vec<UserError>,
}

/// A setting that a preset chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ChosenSetting {
    /// The setting's name.
    pub setting: String,
    /// Its value.
    pub value: String,
    /// Why, in a sentence.
    pub why: String,
}

/// One of several folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Fold {
    /// Which, from 1.
    pub number: u32,
    /// Of how many.
    pub of: u32,
}

/// A run at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunSummary {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: RunStatus,
    /// The model it started from.
    pub model: String,
    /// When, UTC.
    pub created_at: String,
    /// Seconds of training, once finished.
    pub seconds: Option<f64>,
    /// Rounds asked for.
    pub epochs: u32,
    /// Rounds done.
    pub epochs_done: u32,
    /// The rounds whose models are in the kept one.
    pub kept_epochs: Vec<u32>,
    /// How much of what was learned is in the kept model, once finished (1: all of it).
    pub trained_share: Option<f32>,
    /// Of the model that was kept.
    pub validation_macro_f1: Option<f64>,
    /// On the test part.
    pub test_accuracy: Option<f64>,
    /// On the test part, where a text may have several labels.
    pub test_micro_f1: Option<f64>,
    /// On the test part.
    pub test_macro_f1: Option<f64>,
    /// Where it was judged on a fold: such a model has learned from other rows than the present division's.
    pub fold: Option<Fold>,
    /// Whether it can go on from where it stopped.
    pub resumable: bool,
    /// Why it stopped, when it did not finish.
    pub reason: Option<UserError>,
}

/// How a fold's model did on the rows that it had not seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FoldScore {
    /// Which fold, from 1.
    pub number: u32,
    /// Its run.
    pub run: String,
    /// Rows judged.
    pub rows: u32,
    /// Share of them that were right.
    pub accuracy: f64,
    /// Macro F1.
    pub macro_f1: f64,
    /// Micro F1, where a text may have several labels.
    pub micro_f1: Option<f64>,
}

/// What the folds that are done say together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CrossValidation {
    /// How many there are to be.
    pub folds: u32,
    /// Those that are done.
    pub scores: Vec<FoldScore>,
    /// Over them, as the next two; `None` for fewer than two folds.
    pub accuracy: Option<MeanScore>,
    /// Macro F1.
    pub macro_f1: Option<MeanScore>,
    /// Micro F1, where a text may have several labels.
    pub micro_f1: Option<MeanScore>,
}

/// A run's curves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunHistory {
    /// The run.
    pub run: RunSummary,
    /// How it trains.
    pub settings: TrainSettings,
    /// Steps in all.
    pub steps: u32,
    /// Steps of the curves below.
    pub step: Vec<u32>,
    /// Mean training loss since the point before.
    pub loss: Vec<f64>,
    /// Learning rate.
    pub learning_rate: Vec<f64>,
    /// The finished rounds.
    pub epochs: Vec<EpochScores>,
}

/// What a finished run achieved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RunResults {
    /// Its curves.
    pub history: RunHistory,
    /// Its classes.
    pub labels: Vec<String>,
    /// Scores of the kept round on validation.
    pub validation: Scores,
    /// Scores on test; `None` when there is no test part.
    pub test: Option<Scores>,
    /// What it means, in sentences, the most important first.
    pub sentences: Vec<String>,
    /// The report's file in the window's language, once written.
    pub report: Option<String>,
    /// Seconds of training.
    pub seconds_training: f64,
    /// Training texts a second.
    pub samples_per_second: f64,
    /// The most memory used, MiB; `None` where the system does not tell.
    pub peak_memory_mb: Option<f64>,
}

/// Which wrong answers to show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct WrongFilter {
    /// A label of the expert's that the model did not give.
    pub gold: Option<String>,
    /// A label of the model's that the expert did not give.
    pub predicted: Option<String>,
    /// A group of texts: by what, and [`WrongGroup::value`].
    pub group: Option<(GroupBy, String)>,
}

/// What texts are grouped by, to see where wrong answers lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// How long they are: quarters.
    Length,
    /// Their language.
    Language,
    /// The file that they came from.
    Source,
    /// When they were labelled.
    Labelled,
    /// Whether their label is probably wrong itself.
    Doubt,
}

/// A group of texts of a test part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct WrongGroup {
    /// Which: of lengths "shortest-longest" in characters; a language's code, empty where it is not known; a file's name;
    /// of times a day or month (ISO 8601), empty where labels came with a file; whether labels are in doubt, "yes" or "no".
    pub value: String,
    /// Its texts.
    pub texts: u32,
    /// Wrong answers among them.
    pub wrong: u32,
    /// 95 % interval of their share.
    pub interval: Interval,
}

/// A page of wrong answers as columns, the most confident first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct WrongPage {
    /// How many pass the filter.
    pub total: u32,
    /// Row ids.
    pub id: Vec<u32>,
    /// Texts, cut at 300 characters.
    pub text: Vec<String>,
    /// The expert's labels of each row.
    pub gold: Vec<Vec<String>>,
    /// The model's labels of each row.
    pub predicted: Vec<Vec<String>>,
    /// How certain the model was.
    pub confidence: Vec<f64>,
}

/// A class with its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelProbability {
    /// The class.
    pub label: String,
    /// 0 to 1.
    pub probability: f64,
}

/// The answer to one text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Prediction {
    /// The labels given: the most probable one, or where a text may have several all that reach their threshold.
    pub labels: Vec<String>,
    /// The probability that this is right; where a text may have several labels, of the least certain decision.
    pub confidence: f64,
    /// All classes, the most probable first.
    pub scores: Vec<LabelProbability>,
    /// Whether a text may have several labels: their probabilities then stand each for itself.
    pub several: bool,
    /// Tokens read.
    pub tokens: u32,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
    /// Whether the model is too unsure to stand by it: a person should look.
    pub unsure: bool,
    /// Whether the text is unlike those that the model learned from, however sure the answer: a person should look.
    pub unfamiliar: bool,
    /// Time it took.
    pub milliseconds: f64,
}

/// News of a job, in the window's language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "event", rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum WorkerEvent {
    Started {
        pid: u32,
    },
    Progress(Progress),
    Fold {
        number: u32,
        of: u32,
        run: String,
    },
    Step {
        step: u32,
        steps: u32,
        loss: f64,
        learning_rate: f64,
    },
    Epoch {
        scores: EpochScores,
    },
    Log {
        message: String,
    },
    Listening {
        address: String,
        token: String,
    },
    Served {
        texts: u32,
    },
    Finished {
        path: Option<String>,
        left_out: u32,
        cut_cells: u32,
    },
    Cancelled,
    Failed {
        error: UserError,
    },
    Interrupted {
        error: UserError,
    },
}

impl WorkerEvent {
    /// The event in a language; `None` for those that the window does not see.
    pub fn told(event: Event, language: Language) -> Option<Self> {
        Some(match event {
            Event::Started { pid } => WorkerEvent::Started { pid },
            Event::Progress(progress) => WorkerEvent::Progress(progress),
            Event::Fold { number, of, run } => WorkerEvent::Fold { number, of, run },
            Event::Step {
                step,
                steps,
                loss,
                learning_rate,
            } => WorkerEvent::Step {
                step,
                steps,
                loss,
                learning_rate,
            },
            Event::Epoch { scores } => WorkerEvent::Epoch { scores },
            Event::Log { message } => WorkerEvent::Log { message },
            Event::Listening { address, token } => WorkerEvent::Listening { address, token },
            Event::Served { texts } => WorkerEvent::Served { texts },
            Event::Answer { .. } | Event::Explained { .. } | Event::Vector { .. } => return None,
            Event::Finished {
                path,
                left_out,
                cut_cells,
            } => WorkerEvent::Finished {
                path: path.map(|path| path.display().to_string()),
                left_out,
                cut_cells,
            },
            Event::Cancelled => WorkerEvent::Cancelled,
            Event::Failed { problem } => WorkerEvent::Failed {
                error: problem.told(language).clone(),
            },
            Event::Interrupted { problem } => WorkerEvent::Interrupted {
                error: problem.told(language).clone(),
            },
        })
    }
}
