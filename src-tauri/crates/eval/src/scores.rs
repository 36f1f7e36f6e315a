//! Gold labels and predicted probabilities in, [`Scores`] out. Every figure has scikit-learn's name
//! and definition, with `zero_division=0`.

use serde::{Deserialize, Serialize};

use crate::{
    EvalError,
    interval::{Interval, bootstrap_macro_f1, wilson},
    multi_label::MultiLabelScores,
};

/// How well one class is told from the others.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ClassScore {
    /// Name of the class.
    pub label: String,
    /// Share of the answers with this label that are right; 0 where it was never answered.
    pub precision: f64,
    /// Share of the examples of this class that were found; 0 where there are none.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Examples that carry this label.
    pub support: u32,
    /// Answers with this label.
    pub predicted: u32,
}

/// How well a model does on one set of examples. Shares and scores lie in 0..=1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Scores {
    /// Examples judged, at least one.
    pub examples: u32,
    /// Those whose labels are all right, and no other is given.
    pub correct: u32,
    /// Mean cross entropy in nats; where a text may have several labels, of each decision.
    pub loss: f64,
    /// Share of right answers.
    pub accuracy: f64,
    /// Wilson's 95 % interval of the accuracy.
    pub accuracy_interval: Interval,
    /// Mean precision of the classes that occur in gold or answers.
    pub macro_precision: f64,
    /// Mean recall of the classes that occur in gold or answers.
    pub macro_recall: f64,
    /// Mean F1 of the classes that occur in gold or answers.
    pub macro_f1: f64,
    /// Percentile bootstrap (95 %, 1,000 resamples) of the macro F1.
    pub macro_f1_interval: Interval,
    /// F1 over all labels given together; for one label an example it equals the accuracy.
    pub micro_f1: f64,
    /// Mean F1 of the classes, weighted by their support.
    pub weighted_f1: f64,
    /// All classes, in the order of the labels, also those that do not occur.
    pub classes: Vec<ClassScore>,
    /// `confusion[gold][predicted]`, both in the order of `classes`; empty where a text may have several labels.
    pub confusion: Vec<Vec<u32>>,
    /// The commonest label of the training part.
    pub majority_label: String,
    /// Accuracy of always answering `majority_label`.
    pub majority_accuracy: f64,
    /// Groups of texts over which the intervals were found; none: every text stands for itself.
    pub groups: Option<u32>,
    /// What is only told where a text may have several labels.
    pub multi_label: Option<MultiLabelScores>,
}

/// Judges predictions: `gold[i]` is the label of example i, row i of `probabilities`
/// (`[examples, labels]`, row-major) what the model thinks of it; its answer is the most probable
/// label, the first of equals. `majority` is the commonest label of the training part, `seed` that
/// of the bootstrap.
///
/// Macro scores average over the classes that occur in gold or in the answers, as the functions of
/// `sklearn.metrics` do when called without `labels=`.
///
/// # Errors
/// When the sizes do not fit together, a label is out of range, or a value is not a probability.
pub fn scores(
    gold: &[usize],
    probabilities: &[f32],
    labels: &[String],
    majority: usize,
    seed: u64,
) -> Result<Scores, EvalError> {
    check_probabilities(gold.len(), probabilities, labels.len(), majority)?;
    check_gold(gold.chunks(1), labels.len())?;
    let rows = || gold.iter().copied().zip(probabilities.chunks_exact(labels.len()));
    let mut confusion = vec![vec![0_u32; labels.len()]; labels.len()];
    for (gold, row) in rows() {
        confusion[gold][most_probable(row)] += 1;
    }
    let classes = class_scores(labels, &confusion);
    let examples = gold.len();
    let correct: u32 = (0..labels.len()).map(|class| confusion[class][class]).sum();
    let accuracy = f64::from(correct) / examples as f64;
    let macro_f1 = macro_mean(&classes, |class| class.f1);
    Ok(Scores {
        examples: examples as u32,
        correct,
        loss: rows().map(|(gold, row)| cross_entropy(row[gold])).sum::<f64>() / examples as f64,
        accuracy,
        accuracy_interval: wilson(correct as usize, examples),
        macro_precision: macro_mean(&classes, |class| class.precision),
        macro_recall: macro_mean(&classes, |class| class.recall),
        macro_f1,
        // Without a mistake every resample is perfect, which says nothing of how sure that is.
        macro_f1_interval: match correct as usize == examples {
            true => wilson(examples, examples),
            false => bootstrap_macro_f1(&confusion, macro_f1, seed),
        },
        micro_f1: accuracy,
        weighted_f1: classes
            .iter()
            .map(|class| class.f1 * f64::from(class.support))
            .sum::<f64>()
            / examples as f64,
        majority_label: labels[majority].clone(),
        majority_accuracy: f64::from(classes[majority].support) / examples as f64,
        classes,
        confusion,
        groups: None,
        multi_label: None,
    })
}

/// Whether `probabilities` are those of so many examples and labels.
pub(crate) fn check_probabilities(
    examples: usize,
    probabilities: &[f32],
    labels: usize,
    majority: usize,
) -> Result<(), EvalError> {
    if labels == 0 {
        return Err(EvalError::NoLabels);
    }
    if examples == 0 {
        return Err(EvalError::NoExamples);
    }
    if probabilities.len() != examples * labels {
        return Err(EvalError::Shape {
            examples,
            labels,
            values: probabilities.len(),
        });
    }
    if majority >= labels {
        return Err(EvalError::MajorityOutOfRange { majority, labels });
    }
    // A softmax in f32 may come out a rounding above 1.
    let is_probability = |p: &f32| (0.0..=1.0 + 1e-4).contains(p);
    match probabilities.iter().position(|p| !is_probability(p)) {
        Some(at) => Err(EvalError::NotAProbability {
            row: at / labels,
            column: at % labels,
            value: probabilities[at],
        }),
        None => Ok(()),
    }
}

/// Whether every gold label is one of so many.
pub(crate) fn check_gold<T: AsRef<[usize]>>(
    gold: impl IntoIterator<Item = T>,
    labels: usize,
) -> Result<(), EvalError> {
    for (row, of_row) in gold.into_iter().enumerate() {
        if let Some(&gold) = of_row.as_ref().iter().find(|label| **label >= labels) {
            return Err(EvalError::GoldOutOfRange { row, gold, labels });
        }
    }
    Ok(())
}

/// Index of the largest probability, the first of equals.
pub fn most_probable(row: &[f32]) -> usize {
    let mut best = 0;
    for (label, &probability) in row.iter().enumerate() {
        if probability > row[best] {
            best = label;
        }
    }
    best
}

/// −ln p. A probability that f32 rounded to 0 costs −ln ε instead of infinity, as in scikit-learn's
/// `log_loss`: one such example must not drown all others.
fn cross_entropy(probability: f32) -> f64 {
    -f64::from(probability).clamp(f64::EPSILON, 1.0).ln()
}

fn class_scores(labels: &[String], confusion: &[Vec<u32>]) -> Vec<ClassScore> {
    labels
        .iter()
        .enumerate()
        .map(|(class, label)| {
            let support: u32 = confusion[class].iter().sum();
            let predicted: u32 = confusion.iter().map(|row| row[class]).sum();
            let correct = confusion[class][class];
            ClassScore {
                label: label.clone(),
                precision: ratio(correct, predicted),
                recall: ratio(correct, support),
                f1: ratio(2 * correct, support + predicted),
                support,
                predicted,
            }
        })
        .collect()
}

/// `part / whole`, and 0 for 0/0 (`zero_division=0`).
pub(crate) fn ratio(part: u32, whole: u32) -> f64 {
    if whole == 0 {
        0.0
    } else {
        f64::from(part) / f64::from(whole)
    }
}

fn macro_mean(classes: &[ClassScore], value: impl Fn(&ClassScore) -> f64) -> f64 {
    let seen = || classes.iter().filter(|class| class.support + class.predicted > 0);
    seen().map(value).sum::<f64>() / seen().count() as f64
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn labels(count: usize) -> Vec<String> {
        (0..count).map(|label| format!("L{label}")).collect()
    }

    /// Probabilities of 0.9 for the given answers.
    fn answers(predicted: &[usize], classes: usize) -> Vec<f32> {
        let rest = 0.1 / (classes - 1) as f32;
        predicted
            .iter()
            .flat_map(|&p| (0..classes).map(move |c| if c == p { 0.9 } else { rest }))
            .collect()
    }

    fn judge(gold: &[usize], predicted: &[usize], classes: usize) -> Scores {
        scores(gold, &answers(predicted, classes), &labels(classes), 0, 1).unwrap()
    }

    #[test]
    fn a_class_that_occurs_nowhere_is_listed_but_not_averaged() {
        let judged = judge(&[0, 0, 1, 1], &[0, 0, 1, 0], 3);
        assert_eq!(judged.classes[2].support + judged.classes[2].predicted, 0);
        assert_eq!(judged.classes[2].f1, 0.0);
        assert_eq!(judged.macro_recall, 0.75);
    }

    #[test]
    fn a_class_that_is_only_answered_counts_as_zero_in_the_average() {
        let judged = judge(&[0, 0, 1, 1], &[0, 0, 1, 2], 3);
        assert_eq!(judged.macro_recall, (1.0 + 0.5 + 0.0) / 3.0);
    }

    #[test]
    fn the_first_of_equally_probable_labels_is_the_answer() {
        let judged = scores(&[0], &[0.5, 0.5], &labels(2), 1, 0).unwrap();
        assert_eq!((judged.correct, judged.majority_accuracy), (1, 0.0));
    }

    #[test]
    fn a_certain_and_wrong_answer_has_a_finite_loss() {
        let judged = scores(&[0], &[0.0, 1.0], &labels(2), 0, 0).unwrap();
        assert_eq!(judged.loss, -f64::EPSILON.ln());
    }

    #[test]
    fn what_does_not_fit_is_refused_with_its_place() {
        let two = labels(2);
        assert_eq!(scores(&[], &[], &two, 0, 0), Err(EvalError::NoExamples));
        assert_eq!(scores(&[0], &[], &[], 0, 0), Err(EvalError::NoLabels));
        assert_eq!(
            scores(&[0], &[1.0], &two, 0, 0),
            Err(EvalError::Shape {
                examples: 1,
                labels: 2,
                values: 1
            })
        );
        assert_eq!(
            scores(&[0, 2], &[0.5; 4], &two, 0, 0),
            Err(EvalError::GoldOutOfRange {
                row: 1,
                gold: 2,
                labels: 2
            })
        );
        assert_eq!(
            scores(&[0], &[0.5; 2], &two, 2, 0),
            Err(EvalError::MajorityOutOfRange {
                majority: 2,
                labels: 2
            })
        );
        let logits = scores(&[0, 1], &[0.5, 0.5, -1.0, 2.0], &two, 0, 0);
        assert_eq!(
            logits,
            Err(EvalError::NotAProbability {
                row: 1,
                column: 0,
                value: -1.0
            })
        );
        assert!(scores(&[0], &[f32::NAN, 0.5], &two, 0, 0).is_err());
    }

    #[test]
    fn ten_thousand_examples_of_77_classes_are_judged_at_once() {
        let gold: Vec<usize> = (0..10_000).map(|i| i % 77).collect();
        let predicted: Vec<usize> = gold.iter().map(|&g| if g % 7 == 0 { 0 } else { g }).collect();
        let probabilities = answers(&predicted, 77);
        let start = std::time::Instant::now();
        scores(&gold, &probabilities, &labels(77), 0, 1).unwrap();
        // A tenth of this is usual; the margin is for a loaded machine.
        assert!(start.elapsed().as_secs_f64() < 1.5, "{:?}", start.elapsed());
    }

    /// Gold labels and answers of up to 60 examples of up to 5 classes.
    fn judgements() -> impl Strategy<Value = (usize, Vec<(usize, usize)>)> {
        (2_usize..=5).prop_flat_map(|classes| {
            (
                Just(classes),
                prop::collection::vec((0..classes, 0..classes), 1..60),
            )
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn every_score_keeps_its_bounds_and_every_interval_contains_its_score((classes, pairs) in judgements()) {
            let (gold, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let judged = judge(&gold, &predicted, classes);
            let all = [judged.accuracy, judged.macro_precision, judged.macro_recall, judged.macro_f1,
                judged.micro_f1, judged.weighted_f1, judged.majority_accuracy];
            prop_assert!(all.iter().all(|s| (0.0..=1.0).contains(s)), "{all:?}");
            for (score, interval) in [(judged.accuracy, judged.accuracy_interval), (judged.macro_f1, judged.macro_f1_interval)] {
                prop_assert!(0.0 <= interval.low && interval.low <= score);
                prop_assert!(score <= interval.high && interval.high <= 1.0);
            }
        }

        #[test]
        fn micro_f1_from_the_counts_is_the_accuracy((classes, pairs) in judgements()) {
            let (gold, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let judged = judge(&gold, &predicted, classes);
            let wrong: u32 = judged.examples - judged.correct;
            // Each wrong answer is one false positive and one false negative.
            let micro = 2.0 * f64::from(judged.correct) / f64::from(2 * judged.correct + 2 * wrong);
            prop_assert_eq!(judged.micro_f1, micro);
        }

        #[test]
        fn the_order_of_the_examples_does_not_matter((classes, pairs) in judgements()) {
            let (gold, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let (gold_back, predicted_back): (Vec<_>, Vec<_>) = pairs.iter().rev().copied().unzip();
            let there = judge(&gold, &predicted, classes);
            let mut back = judge(&gold_back, &predicted_back, classes);
            prop_assert!((there.loss - back.loss).abs() < 1e-12);
            back.loss = there.loss;
            prop_assert_eq!(there, back);
        }

        #[test]
        fn counts_add_up((classes, pairs) in judgements()) {
            let (gold, predicted): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
            let judged = judge(&gold, &predicted, classes);
            prop_assert_eq!(judged.classes.iter().map(|c| c.support).sum::<u32>(), judged.examples);
            prop_assert_eq!(judged.classes.iter().map(|c| c.predicted).sum::<u32>(), judged.examples);
            let seen: BTreeSet<usize> = gold.iter().chain(&predicted).copied().collect();
            prop_assert_eq!(judged.classes.iter().filter(|c| c.support + c.predicted > 0).count(), seen.len());
        }
    }
}
