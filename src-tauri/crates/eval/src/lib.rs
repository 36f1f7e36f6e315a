//! Judging a trained classifier: gold labels and predicted probabilities in, [`Scores`] with
//! intervals out; the history of a training's rounds in, a [`Verdict`] out.
//!
//! **Architecture Invariant:** plain data in, plain data out. This crate opens no file, knows no
//! tensor, no project and no language: it states facts, and `report` puts them into words.

mod bag_of_words;
mod calibration;
mod compare;
mod error;
mod groups;
mod interval;
mod link;
mod measures;
mod minimise;
mod multi_label;
pub mod random;
mod scores;
mod selective;
mod slices;
mod verdict;

pub use bag_of_words::bag_of_words;
pub use calibration::{
    Calibration, Reliability, ReliabilityBin, answers, calibration, logits, reliability, rescaled,
    temperature,
};
pub use compare::{Comparison, compare};
pub use error::EvalError;
pub use groups::intervals_over_groups;
pub use interval::{Interval, MeanScore, mean_score, wilson};
pub use link::Link;
pub use measures::{ClassRanking, Measures, RankingCurves, TopK, measures, ranking_curves};
pub use minimise::minimise;
pub use multi_label::{MultiLabelScores, given, multi_label_scores, thresholds};
pub use scores::{ClassScore, Scores, most_probable, scores};
pub use selective::{Answer, RiskPoint, risk_at, risk_coverage, threshold_for};
pub use slices::{SliceScore, worst_slices};
pub use verdict::{EpochScores, Verdict, verdict};
