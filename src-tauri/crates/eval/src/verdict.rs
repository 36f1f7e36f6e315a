//! The history of a training's rounds in, one [`Verdict`] about it out: a handful of rules over
//! the losses and scores, no statistics. It never says what to do; `report` puts it into words.

use serde::{Deserialize, Serialize};

/// What one round (epoch) of training came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct EpochScores {
    /// Number of the round, from 1.
    pub epoch: u32,
    /// Number of the training that it belongs to, from 1; earlier versions trained once.
    #[serde(default = "first")]
    pub training: u32,
    /// Mean training loss over the round, in nats.
    pub train_loss: f64,
    /// Mean loss on the validation part after the round, in nats.
    pub validation_loss: f64,
    /// Accuracy on the validation part, 0..=1.
    pub validation_accuracy: f64,
    /// Macro F1 on the validation part, 0..=1.
    pub validation_macro_f1: f64,
    /// How long the round took, validation included.
    pub seconds: f64,
}

fn first() -> u32 {
    1
}

/// What the rounds say about a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub enum Verdict {
    /// Too few rounds to see a direction: none or one.
    TooFewRounds {
        /// Rounds done.
        rounds: u32,
    },
    /// A loss stopped being a number.
    Diverged {
        /// The first round in which it did.
        epoch: u32,
    },
    /// The training loss stays where guessing would leave it, and the score does not rise.
    NotLearning {
        /// Training loss of the first round.
        first_loss: f64,
        /// Training loss of the last round.
        last_loss: f64,
    },
    /// The last round is the best so far, by a margin.
    StillImproving {
        /// Rounds done.
        rounds: u32,
        /// Macro F1 gained over the best round before.
        gain: f64,
    },
    /// The training loss falls on while the validation loss rises: examples are being learnt by
    /// heart.
    Memorising {
        /// The first round after the best whose validation loss is above that of the best.
        from_epoch: u32,
        /// The best round.
        best_epoch: u32,
    },
    /// The scores have come to rest.
    Settled {
        /// The best round.
        best_epoch: u32,
        /// Rounds done.
        rounds: u32,
    },
}

/// Macro F1 that counts as a gain: half a point; less is noise on any part of ordinary size.
const GAIN: f64 = 0.005;
/// A validation loss this far above that of the best round counts as risen.
const RISE: f64 = 1.05;
/// A training loss that has not fallen below this share of the first has not moved.
const MOVED: f64 = 0.98;
/// Guessing between two equally common classes costs ln 2 ≈ 0.69 nats, between more classes more.
const NEAR_GUESSING: f64 = 0.5;
/// Where a text may have several labels, saying no to all of them costs little; a score this low says that all the same.
const POOR: f64 = 0.3;

/// Judges the rounds of one training, given in their order; `best_epoch` is the number of the round
/// whose model was kept.
pub fn verdict(history: &[EpochScores], best_epoch: u32) -> Verdict {
    let rounds = history.len() as u32;
    if let Some(round) = history
        .iter()
        .find(|r| !r.train_loss.is_finite() || !r.validation_loss.is_finite())
    {
        return Verdict::Diverged { epoch: round.epoch };
    }
    let [first, .., last] = history else {
        return Verdict::TooFewRounds { rounds };
    };
    let best = history
        .iter()
        .find(|round| round.epoch == best_epoch)
        .unwrap_or(last);
    if not_learning(first, best, last) {
        return Verdict::NotLearning {
            first_loss: first.train_loss,
            last_loss: last.train_loss,
        };
    }
    if let Some(from_epoch) = memorising_from(history, best, last) {
        return Verdict::Memorising {
            from_epoch,
            best_epoch: best.epoch,
        };
    }
    let best_before = history[..history.len() - 1]
        .iter()
        .map(|r| r.validation_macro_f1)
        .fold(0.0, f64::max);
    let gain = last.validation_macro_f1 - best_before;
    if best.epoch == last.epoch && gain >= GAIN {
        return Verdict::StillImproving { rounds, gain };
    }
    Verdict::Settled {
        best_epoch: best.epoch,
        rounds,
    }
}

fn not_learning(first: &EpochScores, best: &EpochScores, last: &EpochScores) -> bool {
    last.train_loss >= MOVED * first.train_loss
        && (last.train_loss > NEAR_GUESSING || best.validation_macro_f1 < POOR)
        && best.validation_macro_f1 < first.validation_macro_f1 + GAIN
}

/// Only a training whose best round is past memorises: while the scores still rise, a rising
/// validation loss means over-confidence, not lost ground.
fn memorising_from(history: &[EpochScores], best: &EpochScores, last: &EpochScores) -> Option<u32> {
    let memorising = best.epoch < last.epoch
        && last.train_loss < best.train_loss
        && last.validation_loss > RISE * best.validation_loss;
    let rose =
        |round: &&EpochScores| round.epoch > best.epoch && round.validation_loss > best.validation_loss;
    if memorising {
        history.iter().find(rose).map(|round| round.epoch)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds of (training loss, validation loss, macro F1).
    fn rounds(values: &[(f64, f64, f64)]) -> Vec<EpochScores> {
        values
            .iter()
            .zip(1..)
            .map(|(&(train_loss, validation_loss, f1), epoch)| EpochScores {
                epoch,
                training: 1,
                train_loss,
                validation_loss,
                validation_accuracy: f1,
                validation_macro_f1: f1,
                seconds: 1.0,
            })
            .collect()
    }

    #[test]
    fn the_recorded_training_that_memorised_its_reviews_is_told_so() {
        // The public card of sahn/distilbert-base-uncased-finetuned-imdb: the accuracies and the
        // first and last losses are recorded, the losses between are interpolated.
        let history = rounds(&[
            (0.2435, 0.2186, 0.917),
            (0.1409, 0.2150, 0.9294),
            (0.0810, 0.3458, 0.892),
            (0.0466, 0.4352, 0.898),
            (0.0268, 0.5478, 0.900),
        ]);
        assert_eq!(
            verdict(&history, 2),
            Verdict::Memorising {
                from_epoch: 3,
                best_epoch: 2
            }
        );
    }

    #[test]
    fn each_kind_of_history_gets_its_verdict() {
        type Row = (&'static str, &'static [(f64, f64, f64)], u32, Verdict);
        let table: &[Row] = &[
            (
                "nothing happened yet",
                &[],
                0,
                Verdict::TooFewRounds { rounds: 0 },
            ),
            (
                "one round shows no direction",
                &[(0.9, 0.8, 0.7)],
                1,
                Verdict::TooFewRounds { rounds: 1 },
            ),
            (
                "a loss that is no number is the first thing to say",
                &[(0.9, 0.8, 0.7), (f64::NAN, 0.8, 0.1)],
                1,
                Verdict::Diverged { epoch: 2 },
            ),
            (
                "five classes, still guessing",
                &[(1.61, 1.61, 0.07), (1.60, 1.61, 0.07)],
                1,
                Verdict::NotLearning {
                    first_loss: 1.61,
                    last_loss: 1.60,
                },
            ),
            (
                "several labels a text: saying no to all costs little and finds nothing",
                &[(0.12, 0.12, 0.02), (0.119, 0.12, 0.02)],
                1,
                Verdict::NotLearning {
                    first_loss: 0.12,
                    last_loss: 0.119,
                },
            ),
            (
                "a low loss that stays low has nothing left to learn",
                &[(0.02, 0.03, 0.99), (0.02, 0.03, 0.99)],
                1,
                Verdict::Settled {
                    best_epoch: 1,
                    rounds: 2,
                },
            ),
            (
                "the last round gained four points",
                &[(0.9, 0.8, 0.70), (0.5, 0.6, 0.75)],
                2,
                Verdict::StillImproving {
                    rounds: 2,
                    gain: 0.05,
                },
            ),
            (
                "the last round gained next to nothing",
                &[(0.9, 0.8, 0.75), (0.5, 0.6, 0.752)],
                2,
                Verdict::Settled {
                    best_epoch: 2,
                    rounds: 2,
                },
            ),
            (
                "over-confident, but still the better judge",
                &[(0.5, 0.40, 0.80), (0.2, 0.45, 0.84)],
                2,
                Verdict::StillImproving {
                    rounds: 2,
                    gain: 0.04,
                },
            ),
            (
                "the best round is past, but the validation loss has not risen",
                &[(0.9, 0.80, 0.70), (0.5, 0.60, 0.75), (0.4, 0.60, 0.74)],
                2,
                Verdict::Settled {
                    best_epoch: 2,
                    rounds: 3,
                },
            ),
        ];
        for (why, history, best_epoch, expected) in table {
            let found = verdict(&rounds(history), *best_epoch);
            let same = match (found, *expected) {
                (
                    Verdict::StillImproving { rounds: a, gain: x },
                    Verdict::StillImproving { rounds: b, gain: y },
                ) => a == b && (x - y).abs() < 1e-9,
                (found, expected) => found == expected,
            };
            assert!(same, "{why}: {found:?} instead of {expected:?}");
        }
    }

    #[test]
    fn a_verdict_is_written_as_its_kind_and_its_facts() {
        let json = serde_json::to_string(&Verdict::Memorising {
            from_epoch: 3,
            best_epoch: 2,
        })
        .unwrap();
        assert_eq!(json, r#"{"kind":"memorising","from_epoch":3,"best_epoch":2}"#);
    }
}
