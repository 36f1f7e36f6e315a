//! The one number that a run is judged by: the share of right answers, or where a text may have several labels the micro
//! F1, which weighs what was given wrongly against what was missed.

use understudy_eval::{Interval, Scores};

/// The number, how sure it is, and what always giving the commonest label reaches.
pub(crate) struct Judgement {
    pub(crate) value: f64,
    pub(crate) interval: Interval,
    pub(crate) majority: f64,
}

impl Judgement {
    pub(crate) fn of(scores: &Scores) -> Self {
        match &scores.multi_label {
            None => Judgement {
                value: scores.accuracy,
                interval: scores.accuracy_interval,
                majority: scores.majority_accuracy,
            },
            Some(several) => Judgement {
                value: scores.micro_f1,
                interval: several.micro_f1_interval,
                majority: several.majority_micro_f1,
            },
        }
    }
}
