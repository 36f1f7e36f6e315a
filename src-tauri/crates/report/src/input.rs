//! Everything a report tells, as plain data. The engine fills it; nothing here is computed.

use serde::{Deserialize, Serialize};
use understudy_eval::{Calibration, EpochScores, RiskPoint, Scores};

/// One finished run, its data and its machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportInput {
    /// The project's name.
    pub project: String,
    /// Who made the model, where the user has said so.
    #[serde(default)]
    pub author: Option<String>,
    /// When the run was made, RFC 3339.
    pub created_at: String,
    /// Version of the app.
    pub app_version: String,
    /// The machine in a line: system, processor, memory.
    pub machine: String,
    /// The pretrained model that learning began from.
    pub model: ModelFacts,
    /// SHA-256 of the fine-tuned weights, hexadecimal.
    pub model_sha256: String,
    /// ISO 639 codes of the languages of the texts, where they can be told.
    #[serde(default)]
    pub languages: Vec<String>,
    /// The settings of the training, in the order to show them.
    pub settings: Vec<Setting>,
    /// The labels, in the order of all lists by label.
    pub labels: Vec<String>,
    /// Scores on the validation part, of the round that was kept.
    pub validation: Scores,
    /// Scores on the locked test part; none until it was opened.
    pub test: Option<Scores>,
    /// Share of right answers on the judged part when words are only counted, where that is known.
    #[serde(default)]
    pub bag_of_words_accuracy: Option<f64>,
    /// The same as micro F1, where a text may have several labels.
    #[serde(default)]
    pub bag_of_words_micro_f1: Option<f64>,
    /// How sure the judged part's answers say to be beside how often they are right, where that is known.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// Which answers go to a person, and what came of it on the judged part; none: every answer is given.
    #[serde(default)]
    pub review: Option<ReviewFacts>,
    /// The rounds in their order.
    pub epochs: Vec<EpochScores>,
    /// Number of the round whose model was kept, or of the best of those.
    pub best_epoch: u32,
    /// The rounds whose models the kept one is the mean of, where there are several.
    #[serde(default)]
    pub kept_epochs: Vec<u32>,
    /// How much of what was learned is in the kept model; the rest is the model that the run began with.
    #[serde(default = "whole")]
    pub trained_share: f64,
    /// Training loss by step; the last step ends the last round.
    pub loss_curve: LossCurve,
    /// Rows of each part.
    pub parts: Vec<PartCount>,
    /// Seed of the split.
    pub seed: u64,
    /// Rows left out before the split because they repeated another; told where `cleaning` tells nothing.
    pub duplicates_removed: u32,
    /// What cleaning did, sentences in the report's language, in the order in which it was done.
    pub cleaning: Vec<String>,
    /// Remarks on the data and the split, sentences in the report's language.
    pub notes: Vec<String>,
    /// Wrong answers of the part that [`ReportInput::judged`] names.
    pub wrong: Vec<WrongAnswer>,
    /// Texts of the judged part that are unlike those learned from; none where that is not known.
    pub unfamiliar: Option<UnfamiliarFacts>,
    /// What the explanations of its answers came to; none where nobody asked for them.
    pub explanations: Option<ExplanationFacts>,
    /// Texts longer than `tokens_read`: their share of the training rows, 0..=1.
    pub truncated: f64,
    /// Tokens that the model reads at once.
    pub max_length: u32,
    /// Tokens that are read of a long text, in one window or several.
    pub tokens_read: u32,
    /// Whether of a longer text the end is among them.
    pub reads_the_end: bool,
    /// Duration of the training.
    pub seconds_training: f64,
    /// Training throughput.
    pub samples_per_second: f64,
    /// Peak memory of the training in MiB; none where the system does not tell.
    pub peak_memory_mb: Option<f64>,
    /// Processor threads that the training had; none where an earlier version did not note it.
    pub threads: Option<u32>,
    /// The imported files.
    pub data_hashes: Vec<FileHash>,
    /// Entries of the project's history when the report was made.
    pub history_entries: u32,
    /// SHA-256 of the last of them, which covers all before; none where the history was changed.
    pub history_head: Option<String>,
}

/// What earlier versions kept of what was learned.
fn whole() -> f64 {
    1.0
}

impl ReportInput {
    /// The scores that count: those of the test part, or of validation until it was opened.
    pub fn judged(&self) -> &Scores {
        self.test.as_ref().unwrap_or(&self.validation)
    }

    /// The rounds whose models are in the kept one: none where that is the model as it began.
    pub fn kept_rounds(&self) -> &[u32] {
        match &*self.kept_epochs {
            _ if self.trained_share <= 0.0 => &[],
            [] => std::slice::from_ref(&self.best_epoch),
            kept => kept,
        }
    }

    /// The rounds of the training that the best kept round belongs to.
    pub fn rounds_of_its_training(&self) -> &[EpochScores] {
        let mut trainings = self.epochs.chunk_by(|a, b| a.training == b.training);
        let its = trainings.find(|rounds| rounds.iter().any(|round| round.epoch == self.best_epoch));
        its.unwrap_or(&self.epochs)
    }

    /// Whether the rounds are of more than one training.
    pub fn has_trainings(&self) -> bool {
        self.epochs.last().is_some_and(|round| round.training > 1)
    }
}

/// Which answers go to a person.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ReviewFacts {
    /// Share of the answers given that may be wrong, as the user decided.
    pub errors_allowed: f64,
    /// What came of it on the judged part.
    pub kept: RiskPoint,
    /// Whether texts unlike those learned from count as going to a person in it; runs of earlier versions do not tell.
    pub unfamiliar_counted: bool,
}

/// Texts unlike those that a model learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnfamiliarFacts {
    /// Texts judged.
    pub texts: u32,
    /// Of them, those that are unfamiliar.
    pub unfamiliar: u32,
    /// Of these, those that were answered wrongly.
    pub wrong: u32,
}

/// What the explanations of many answers came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationFacts {
    /// Whether words were weighed by integrated gradients; else by leaving out one after the other.
    pub by_gradients: bool,
    /// Texts explained.
    pub texts: u32,
    /// Texts that there are.
    pub of: u32,
    /// Whether explanations hold; none where all texts were too short to tell.
    pub check: Option<ExplanationCheck>,
    /// Each label with the words that tell most for it, the most telling first.
    pub words: Vec<(String, Vec<String>)>,
}

/// Whether explanations hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holding {
    /// They do.
    Holds,
    /// They do not.
    Fails,
    /// The texts do not tell.
    Unclear,
}

/// Whether the words that are said to tell do.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExplanationCheck {
    /// What it came to.
    pub holding: Holding,
    /// Texts looked at.
    pub texts: u32,
    /// Share of a text's words that were left out.
    pub share: f64,
    /// By how much the probability fell on average without the most telling words.
    pub telling_drop: f64,
    /// The same without as many words at random.
    pub random_drop: f64,
    /// Texts where the telling words made the larger difference.
    pub held: u32,
}

/// The pretrained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// Its name on the hub or in the library.
    pub id: String,
    /// SPDX name of its licence.
    pub licence: String,
    /// Number of weights.
    pub parameters: u64,
    /// For example "BERT, 6 layers".
    pub architecture: String,
}

/// One setting of the training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setting {
    /// The setting's field name; the catalogue's `setting.KEY` is what the reader sees.
    pub key: String,
    /// Its value as written.
    pub value: String,
}

/// A curve of training losses, equally long lists.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LossCurve {
    /// Steps, rising.
    pub steps: Vec<u32>,
    /// Loss at each of them, in nats.
    pub loss: Vec<f64>,
}

/// A part of the split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the model learns from.
    Train,
    /// What chooses the round to keep.
    Validation,
    /// What is opened once, at the end.
    Test,
}

/// The rows of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartCount {
    /// Which part.
    pub part: Part,
    /// Its rows.
    pub rows: u32,
    /// Its rows by label, in the order of [`ReportInput::labels`].
    pub per_label: Vec<u32>,
}

/// An example that the model got wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WrongAnswer {
    /// The text, of any length.
    pub text: String,
    /// Its labels.
    pub gold: Vec<String>,
    /// The labels that the model gave.
    pub predicted: Vec<String>,
    /// How certain the model was of its answer, 0..=1.
    pub confidence: f64,
}

/// A file and its hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileHash {
    /// The file's name.
    pub file: String,
    /// Hexadecimal.
    pub sha256: String,
}
