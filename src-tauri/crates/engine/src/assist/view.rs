//! What the helper tells the window.

use serde::{Deserialize, Serialize};
use understudy_eval::Interval;

/// Why the helper cannot say anything yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// The texts were not read yet.
    Texts,
    /// There are too few labels.
    Labels,
}

/// How far the helper is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct AssistState {
    /// The encoder that reads the texts.
    pub encoder: String,
    /// What it waits for; `None` when it has something to say.
    pub waiting: Option<Waiting>,
    /// Labelled texts that it learnt from.
    pub learnt_from: u32,
    /// Labelled texts that it needs at least.
    pub least: u32,
    /// Share of texts that it would have called rightly without having seen their labels; where a text may have several
    /// labels, of texts of which every label was right.
    pub right: Option<f64>,
    /// 95 % limits of it.
    pub right_interval: Option<Interval>,
    /// Labels that are doubtful.
    pub doubts: u32,
    /// How long learning took.
    pub seconds: f64,
}

/// A label and how probable it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LabelChance {
    /// The label.
    pub label: u32,
    /// 0 to 1.
    pub probability: f64,
}

/// What a text is probably called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Suggestion {
    /// The suggested labels: one, or any number where a text may have several.
    pub labels: Vec<u32>,
    /// The probability that this is right; where a text may have several labels, of its least certain decision.
    pub confidence: f64,
    /// The likeliest labels, the likeliest first.
    pub chances: Vec<LabelChance>,
}

/// By what the next text is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Where the helper is least sure, of different kinds; before it can tell, typical texts of every kind.
    Useful,
    /// That probably carry labels that few texts carry.
    Rare,
    /// By chance.
    Random,
}

/// The text to label next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Next {
    /// The row.
    pub example: u32,
    /// The order that it was really chosen by; `None` when the helper had nothing to say and it is simply the next.
    pub by: Option<Order>,
    /// Whether it was chosen as a typical one, because the helper knows too little yet.
    pub typical: bool,
}

/// A row whose labels are doubtful.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DoubtfulRow {
    /// The row.
    pub example: u32,
    /// Its text, cut at 2,000 characters.
    pub text: String,
    /// Its labels.
    pub labels: Vec<u32>,
    /// The labels that would fit better.
    pub better: Vec<u32>,
    /// Probability of the labels given.
    pub given: f64,
    /// Probability of the better ones.
    pub likelier: f64,
    /// Of the most similar labelled texts so many were looked at,
    pub neighbours: u32,
    /// so many of which are called as it is,
    pub neighbours_as_given: u32,
    /// and so many as would fit better.
    pub neighbours_as_better: u32,
}

/// A page of them, the most doubtful first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct DoubtPage {
    /// How many there are.
    pub total: u32,
    /// Labelled texts that were looked at.
    pub of: u32,
    /// Those of this page.
    pub rows: Vec<DoubtfulRow>,
}

/// A row that means something like what was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct NearbyRow {
    /// The row.
    pub example: u32,
    /// Its text, cut at 300 characters.
    pub text: String,
    /// Its labels; `None` = not labelled yet.
    pub labels: Option<Vec<u32>>,
    /// How near it is: 1 is the same meaning (the cosine of the vectors).
    pub nearness: f64,
}

/// Texts that mean something alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TextGroup {
    /// The rows, the most typical first.
    pub examples: Vec<u32>,
    /// Words that tell it from the other groups, the most telling first; there may be none.
    pub words: Vec<String>,
    /// The first rows, at most 200.
    pub shown: Vec<NearbyRow>,
}

/// Texts in groups by meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TextGroups {
    /// Texts that there are.
    pub all: u32,
    /// Of them looked at: those that were read already, of very many some that are spread over all.
    pub looked_at: u32,
    /// The groups, the largest first.
    pub groups: Vec<TextGroup>,
}

/// Rows that mean something like what was asked for, the nearest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Nearby {
    /// They; empty while the texts were not read yet.
    pub rows: Vec<NearbyRow>,
}
