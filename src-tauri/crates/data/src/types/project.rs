//! What a project holds: rows, cleaning, labels, parts, runs.

use serde::{Deserialize, Serialize};

use super::cleaning::CleaningStep;
use super::labels::Mark;
use super::reading::MixedEncoding;
use crate::split::{SplitNote, SplitWay};

/// A part of a split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Learned from.
    Train,
    /// Judged on while learning, to choose.
    Validation,
    /// Judged on once, at the end.
    Test,
}

impl Part {
    /// All parts, in the order in which percentages and counts are given.
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    /// Position in [`Part::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Which rows by label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum OnlyRows {
    /// Every row.
    #[default]
    All,
    /// Rows with a label.
    Labelled,
    /// Rows without.
    Unlabelled,
    /// Rows that somebody was not sure about.
    Unsure,
    /// Rows with a flag.
    Flagged,
    /// Rows with a comment.
    Commented,
}

/// Which rows to show; all conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RowFilter {
    /// Words that the text has, each perhaps only begun, and what is no letter or digit literally; empty = no condition.
    pub search: String,
    /// Carries this label.
    pub label: Option<u32>,
    /// Stands in this part of the current split.
    pub part: Option<Part>,
    /// With or without a label.
    pub only: OnlyRows,
}

/// How many labels a row may carry; the field's names, as in a Hugging Face `config.json`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ProblemType {
    /// Exactly one.
    #[default]
    SingleLabel,
    /// Any number; none is an answer, too.
    MultiLabel,
}

/// A page of visible rows as columns: index i of every array is one row.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RowPage {
    /// Rows that pass the filter.
    pub total: u32,
    /// Row ids.
    pub id: Vec<u32>,
    /// Texts, cut at 300 characters.
    pub text: Vec<String>,
    /// Ids of the labels carried, ascending; `None` = not labelled yet, empty = none of the labels applies.
    pub labels: Vec<Option<Vec<u32>>>,
    /// Parts of the current split.
    pub part: Vec<Option<Part>>,
}

/// Where a row stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RowPlace {
    /// Visible rows before it.
    pub place: u32,
    /// Visible rows.
    pub total: u32,
}

/// A cell of a column other than the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ColumnValue {
    /// The column's display name.
    pub name: String,
    /// The cell as it stands in the file.
    pub value: String,
}

/// One entry of a row's label history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct HistoryEntry {
    /// Ids of the labels given; `None` = taken away.
    pub labels: Option<Vec<u32>>,
    /// A person, `import` or a model.
    pub who: String,
    /// When, UTC, ISO 8601.
    pub at: String,
    /// Whether these are the labels that the helper had suggested on screen.
    pub as_suggested: bool,
}

/// A correction of a text by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct EditEntry {
    /// A person.
    pub who: String,
    /// When, UTC, ISO 8601.
    pub at: String,
}

/// Everything about one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExampleDetail {
    /// Its id in the project.
    pub id: u32,
    /// Its row in the file, counted from 1, the header included.
    pub row: u32,
    /// The whole text, as cleaning and corrections left it.
    pub text: String,
    /// The text before the rules in force: what is corrected by hand.
    pub written: String,
    /// The text as it was imported, where it is another one.
    pub imported_text: Option<String>,
    /// Who corrected it by hand last, and when; `None` when nobody did or it was taken back.
    pub edited: Option<EditEntry>,
    /// Ids of its labels, ascending; `None` = not labelled yet.
    pub labels: Option<Vec<u32>>,
    /// Its part of the current split.
    pub part: Option<Part>,
    /// The other columns, in the file's order.
    pub columns: Vec<ColumnValue>,
    /// Its labels so far, the oldest first.
    pub history: Vec<HistoryEntry>,
    /// What people noted about it.
    pub marks: Vec<Mark>,
}

/// A bar of the histogram of text lengths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LengthBin {
    /// Characters, inclusive.
    pub from: u32,
    /// Characters, inclusive.
    pub to: u32,
    /// Visible rows of such a length.
    pub rows: u32,
}

/// An imported file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SourceFile {
    /// Its name without folders.
    pub file_name: String,
    /// Rows imported from it.
    pub rows: u32,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// When, UTC, ISO 8601.
    pub imported_at: String,
    /// Rows that are not written in the file's encoding; what runs of earlier versions kept does not tell.
    pub mixed: Option<Vec<MixedEncoding>>,
}

/// The state of a project's rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DataSummary {
    /// Visible rows: those that cleaning has not hidden. The figures below are about them.
    pub rows: u32,
    /// Rows that cleaning has hidden.
    pub hidden: u32,
    /// Rows put aside at import.
    pub problem_rows: u32,
    /// Rows that dropping duplicates would hide.
    pub duplicate_rows: u32,
    /// Texts that carry more than one label.
    pub conflicting_texts: u32,
    /// Rows without text.
    pub empty_texts: u32,
    /// Mean characters of a text.
    pub length_mean: f64,
    /// Half of the texts are no longer.
    pub length_median: u32,
    /// 95 of 100 texts are no longer.
    pub length_p95: u32,
    /// The longest text.
    pub length_max: u32,
    /// Histogram of lengths; the last bar reaches to the longest text.
    pub lengths: Vec<LengthBin>,
    /// Cleaning steps, the oldest first, undone ones included.
    pub cleaning: Vec<CleaningStep>,
    /// Imported files, the oldest first.
    pub sources: Vec<SourceFile>,
    /// Columns whose name says that they hold personal data.
    pub personal_columns: Vec<PersonalColumn>,
}

/// A column whose name says that it holds personal data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PersonalColumn {
    /// Its name.
    pub name: String,
    /// Whether its cells are in the texts, which the model reads; else they are only kept beside them.
    pub in_text: bool,
}

/// Labels that are probably one and the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SpellingGroup {
    /// Their ids, ascending.
    pub labels: Vec<u32>,
    /// The one that most rows carry.
    pub keep: u32,
}

/// A row of a text that carries different labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ConflictRow {
    /// Its id.
    pub id: u32,
    /// Ids of its labels.
    pub labels: Option<Vec<u32>>,
    /// The file it came from.
    pub file_name: String,
    /// Its row there.
    pub row: u32,
    /// Its part of the current split.
    pub part: Option<Part>,
}

/// A text that carries different labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ConflictingText {
    /// It, cut at 2,000 characters.
    pub text: String,
    /// The different sets of labels that its visible rows carry.
    pub answers: Vec<Vec<u32>>,
    /// Its visible rows.
    pub total: u32,
    /// The first 50 of them.
    pub rows: Vec<ConflictRow>,
}

/// A page of texts that carry different labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ConflictPage {
    /// How many there are in all.
    pub total: u32,
    /// Those of this page.
    pub texts: Vec<ConflictingText>,
}

/// A row of a cluster of near-duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct NearRow {
    /// Its id.
    pub id: u32,
    /// Its text, cut at 300 characters.
    pub text: String,
    /// Ids of its labels.
    pub labels: Option<Vec<u32>>,
    /// Its part of the current split.
    pub part: Option<Part>,
}

/// Rows whose texts share most of their wording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct NearCluster {
    /// Its number: that of one of its rows.
    pub id: u32,
    /// Its visible rows.
    pub rows: u32,
    /// The first of them.
    pub shown: Vec<NearRow>,
}

/// A page of clusters of near-duplicates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct NearPage {
    /// Clusters in all.
    pub total: u32,
    /// Rows in all of them.
    pub rows: u32,
    /// Those of this page, the largest first.
    pub clusters: Vec<NearCluster>,
}

/// Rows to learn from (training and validation) that the test part gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Leaks {
    /// Whose text also stands in the test part.
    pub exact: u32,
    /// Whose text shares most of its wording with one of the test part; `None` until that was looked for.
    pub near: Option<u32>,
    /// Whose group (patient, case …) also has rows in the test part.
    pub group: u32,
    /// Whose day is later than the first one of the test part; `None` without dates. Only a split by date keeps this low.
    pub date: Option<u32>,
    /// Rows of the training part whose text or group also stands in the validation part, by which the round and the limits
    /// are chosen. Earlier versions did not count them.
    #[serde(default)]
    pub validation: u32,
}

/// A test part that a model was judged on already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TestLock {
    /// Finished runs that were judged on it.
    pub runs: u32,
    /// Whether the user opened it: the rows may be divided anew, which is written down.
    pub open: bool,
}

/// The rows of one part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct PartCount {
    /// The part.
    pub part: Part,
    /// Its labelled, visible rows.
    pub rows: u32,
    /// The same by label, in the order of [`SplitSummary::labels`].
    pub per_label: Vec<u32>,
}

/// The current split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SplitSummary {
    /// Counted from 1.
    pub version: u32,
    /// The seed it was drawn with.
    pub seed: u32,
    /// Train, validation, test: as asked for, or as found where the file decided.
    pub percent: Vec<u32>,
    /// The classes in use.
    pub labels: Vec<String>,
    /// The parts, in the order of [`Part::ALL`].
    pub parts: Vec<PartCount>,
    /// Whether rows have groups.
    pub grouped: bool,
    /// Whether it was made at import from the file's own split column.
    pub from_file: bool,
    /// Visible rows without a label, in no part.
    pub unlabelled: u32,
    /// What is worth knowing about it.
    pub notes: Vec<SplitNote>,
    /// What the test part shares with the rest, as of now; splits of earlier versions do not tell.
    pub leaks: Option<Leaks>,
    /// By what the rows were divided; runs of earlier versions do not tell.
    pub way: Option<SplitWay>,
    /// Whether rows have dates.
    pub dated: Option<bool>,
    /// Labelled, visible rows in no part: they were labelled or brought in later. Runs of earlier versions do not tell.
    pub unplaced: Option<u32>,
    /// Whether a model was judged on its test part; `None` = not yet.
    pub lock: Option<TestLock>,
}

/// A row to learn from or to judge on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelledText {
    /// The row's id.
    pub example: u32,
    /// The whole text.
    pub text: String,
    /// Indexes into the project's label names, ascending: exactly one in a single-label project.
    pub labels: Vec<usize>,
}

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Not started.
    Queued,
    /// At work.
    Running,
    /// Done.
    Finished,
    /// Stopped by the user.
    Cancelled,
    /// Its worker died.
    Interrupted,
    /// It met an error.
    Failed,
}
