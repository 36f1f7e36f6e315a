//! Judging a trained classifier: gold labels and predicted probabilities in, [`Scores`] with
//! intervals out; the history of a training's rounds in, a [`Verdict`] out.
//!
//! **Architecture Invariant:** plain data in, plain data out. This crate opens no file, knows no
//! tensor, no project and no language: it states facts, and `report` puts them into words.

mod bag_of_words;
mod error;
mod interval;
mod link;
mod minimise;
mod multi_label;
pub mod random;
mod scores;
mod verdict;

pub use bag_of_words::bag_of_words;
pub use error::EvalError;
pub use interval::{Interval, MeanScore, mean_score, wilson};
pub use link::Link;
pub use minimise::minimise;
pub use multi_label::{MultiLabelScores, given, multi_label_scores, thresholds};
pub use scores::{ClassScore, Scores, most_probable, scores};
pub use verdict::{EpochScores, Verdict, verdict};
