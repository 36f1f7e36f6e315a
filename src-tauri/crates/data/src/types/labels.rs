//! Labels, what they mean, and what people note about texts.

use serde::{Deserialize, Serialize};

use super::project::ProblemType;

/// A class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Label {
    /// Its id.
    pub id: u32,
    /// Its name, distinct in the project.
    pub name: String,
    /// What it means, in the expert's words; may be empty, as the next three.
    pub description: String,
    /// Texts that it fits.
    pub examples: String,
    /// Texts that it seems to fit but does not.
    pub counter_examples: String,
    /// The group that it is shown in.
    pub group: String,
    /// No longer given; rows that carry it keep it.
    pub retired: bool,
    /// The number of its colour, counted from 0; the palette is the window's.
    pub colour: u32,
    /// The key that gives it: `1`…`9`, `0`, then `a`…`z`; empty when all are taken.
    pub key: String,
    /// Visible rows that carry it.
    pub count: u32,
}

/// The labels and how far labelling has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelState {
    /// How many labels a row may carry.
    pub problem_type: ProblemType,
    /// All labels, in the order chosen, else of their ids.
    pub labels: Vec<Label>,
    /// Visible rows.
    pub rows: u32,
    /// Of them labelled; where a row may carry several labels, also with none of them.
    pub labelled: u32,
    /// Whether there is something to undo.
    pub can_undo: bool,
    /// Whether there is something to redo.
    pub can_redo: bool,
    /// The row that the last undo or redo touched, when this is its answer.
    pub example: Option<u32>,
}

/// Rows among which something is looked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(tag = "which", rename_all = "snake_case")]
pub enum Among {
    /// All visible ones.
    #[default]
    All,
    /// Those without a label.
    Unlabelled,
    /// Those with one.
    Labelled,
    /// Those that carry this one.
    Label {
        /// The label.
        id: u32,
    },
}

/// What becomes of some of the rows that carry a label which is divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelPart {
    /// The label that they carry in its place; made where there is none of that name.
    pub name: String,
    /// The rows.
    pub examples: Vec<u32>,
}

/// A label to be changed; what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelChange {
    /// Its name, distinct in the project.
    pub name: Option<String>,
    /// The number of its colour.
    pub colour: Option<u32>,
    /// Its key; whoever had it before gets this label's. Empty = none.
    pub key: Option<String>,
    /// What it means.
    pub description: Option<String>,
    /// Texts that it fits.
    pub examples: Option<String>,
    /// Texts that it seems to fit but does not.
    pub counter_examples: Option<String>,
    /// The group that it is shown in.
    pub group: Option<String>,
    /// No longer given.
    pub retired: Option<bool>,
}

/// What the expert wrote down for labelling.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelNotes {
    /// What holds for all labels.
    pub guidelines: String,
    /// Words that are marked in the texts, one a line.
    pub keywords: String,
    /// How many texts are to be labelled.
    pub goal: Option<u32>,
}

/// The scheme as it is handed on to others: no texts of the project, no counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheme {
    /// How many labels a text may carry.
    pub problem_type: ProblemType,
    /// What holds for all labels, in the expert's words.
    #[serde(default)]
    pub guidelines: String,
    /// Words that are marked in the texts, one a line.
    #[serde(default)]
    pub keywords: String,
    /// The labels in their order.
    pub labels: Vec<SchemeLabel>,
}

/// A label of a [`Scheme`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SchemeLabel {
    /// Its name.
    pub name: String,
    /// The number of its colour.
    #[serde(default)]
    pub colour: Option<u32>,
    /// Its key.
    #[serde(default)]
    pub key: Option<String>,
    /// What it means.
    #[serde(default)]
    pub description: String,
    /// Texts that it fits.
    #[serde(default)]
    pub examples: String,
    /// Texts that it seems to fit but does not.
    #[serde(default)]
    pub counter_examples: String,
    /// The group that it is shown in.
    #[serde(default)]
    pub group: String,
    /// No longer given.
    #[serde(default)]
    pub retired: bool,
}

/// What is known about how a label came about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Circumstances {
    /// What the helper suggested on screen; `None` = nothing was to be seen.
    pub suggested: Option<Vec<u32>>,
    /// How many seconds the text stood on screen.
    pub seconds: Option<f64>,
}

/// What can be noted about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum MarkKind {
    /// Whoever labelled it is not sure.
    Unsure,
    /// To come back to.
    Flag,
    /// Words about it.
    Comment,
}

/// What somebody noted about a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Mark {
    /// What kind of note.
    pub kind: MarkKind,
    /// The words of a comment; empty otherwise.
    pub value: String,
}

/// Somebody who labels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Person {
    /// Their name.
    pub name: String,
    /// Texts that they answered about.
    pub texts: u32,
}

/// What somebody said about a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vote {
    /// The row.
    pub example: u32,
    /// Who.
    pub who: String,
    /// Ids of the labels, ascending.
    pub labels: Vec<u32>,
}

/// One person's answer about a text at hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Answer {
    /// Who.
    pub who: String,
    /// Ids of the labels.
    pub labels: Vec<u32>,
}

/// A text about which people disagree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Disagreement {
    /// The row.
    pub example: u32,
    /// Its text, cut at 2,000 characters.
    pub text: String,
    /// The labels that count at present.
    pub labels: Option<Vec<u32>>,
    /// Everybody's answer, by name.
    pub answers: Vec<Answer>,
}

/// A page of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DisagreementPage {
    /// How many there are.
    pub total: u32,
    /// Those of this page.
    pub texts: Vec<Disagreement>,
}

/// An answer as it travels: the text is told by its hash only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentAnswer {
    /// Hash of the text, hexadecimal.
    pub text: String,
    /// Names of the labels.
    pub labels: Vec<String>,
    /// When, UTC, ISO 8601.
    pub at: String,
}

/// What came of somebody else's answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MergeSummary {
    /// Whose.
    pub who: String,
    /// Answers in the file.
    pub answers: u32,
    /// Rows that had no label and got theirs.
    pub new: u32,
    /// Rows whose label is the same.
    pub agreed: u32,
    /// Rows whose label is another one: theirs stands beside it until somebody decides.
    pub differing: u32,
    /// Rows about which a newer answer of theirs was there.
    pub kept: u32,
    /// Answers about texts that are not in this project, or that do not fit it.
    pub unknown: u32,
}
