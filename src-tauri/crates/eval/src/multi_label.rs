//! Judging where a text may have several labels: sets of gold labels and a probability for each label in, thresholds
//! and [`Scores`] out. Every figure has scikit-learn's name and its definition for label indicators, with
//! `zero_division=0`.

use serde::{Deserialize, Serialize};

use crate::{
    EvalError,
    interval::{Interval, around, percentile, wilson},
    random::Stream,
    scores::{ClassScore, Scores, check_gold, check_probabilities, ratio},
};

/// What is only told where a text may have several labels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MultiLabelScores {
    /// Share of all decisions (label by label) that are wrong.
    pub hamming_loss: f64,
    /// Share of the given labels that are right.
    pub micro_precision: f64,
    /// Share of the labels to be given that were given.
    pub micro_recall: f64,
    /// Percentile bootstrap (95 %, 1,000 resamples of the examples) of the micro F1.
    pub micro_f1_interval: Interval,
    /// Micro F1 of always giving the commonest label and no other.
    pub majority_micro_f1: f64,
    /// The probability from which on each label is given, in the order of the classes.
    pub thresholds: Vec<f64>,
}

/// The labels given: those whose probability reaches its threshold.
pub fn given(probabilities: &[f32], thresholds: &[f32]) -> Vec<usize> {
    let reached = probabilities.iter().zip(thresholds).enumerate();
    reached
        .filter(|(_, (probability, threshold))| probability >= threshold)
        .map(|(label, _)| label)
        .collect()
}

/// A label's own threshold counts as much as that of all labels together when it has this many examples: found on few
/// examples, the best threshold is mostly chance.
const TRUST: f64 = 40.0;

/// From which probability on each label is to be given, by these examples (`probabilities` are `[examples, labels]`,
/// row-major): the threshold with the label's largest F1, drawn towards the one that is best for all labels together
/// (micro F1), on the scale of log-odds, the more the fewer examples carry the label.
pub fn thresholds(gold: &[&[usize]], probabilities: &[f32], labels: usize) -> Vec<f32> {
    let mut decisions: Vec<Vec<(f32, bool)>> = vec![Vec::with_capacity(gold.len()); labels];
    for (gold, row) in gold.iter().zip(probabilities.chunks_exact(labels)) {
        for (label, &probability) in row.iter().enumerate() {
            decisions[label].push((probability, gold.contains(&label)));
        }
    }
    let shared = log_odds(best_threshold(&mut decisions.concat()));
    decisions
        .iter_mut()
        .map(|decisions| {
            let carried = decisions.iter().filter(|(_, carried)| *carried).count() as f64;
            let weight = carried / (carried + TRUST);
            let mixed = weight * log_odds(best_threshold(decisions)) + (1.0 - weight) * shared;
            (1.0 / (1.0 + (-mixed).exp())) as f32
        })
        .collect()
}

fn log_odds(probability: f32) -> f64 {
    let p = f64::from(probability).clamp(1e-7, 1.0 - 1e-7);
    (p / (1.0 - p)).ln()
}

/// The threshold with the largest F1, in the middle between the probabilities that it parts; of equals the one nearest to
/// a half.
fn best_threshold(decisions: &mut [(f32, bool)]) -> f32 {
    decisions.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let carried = decisions.iter().filter(|(_, carried)| *carried).count();
    let (mut best, mut found) = (0.0, 0.5);
    let mut right = 0;
    for (given, pair) in (1..).zip(decisions.windows(2)) {
        right += usize::from(pair[0].1);
        // Equal probabilities cannot be parted.
        if pair[0].0 == pair[1].0 {
            continue;
        }
        let f1 = 2.0 * right as f64 / (given + carried) as f64;
        let threshold = pair[1].0 + (pair[0].0 - pair[1].0) / 2.0;
        let nearer = |a: f32, b: f32| (a - 0.5).abs() < (b - 0.5).abs();
        if f1 > best || (f1 == best && f1 > 0.0 && nearer(threshold, found)) {
            (best, found) = (f1, threshold);
        }
    }
    found
}

/// Judges predictions: `gold[i]` are the labels of example i, row i of `probabilities` (`[examples, labels]`,
/// row-major) what the model thinks of each; it gives the labels that reach their threshold. `majority` is the
/// commonest label of the training part, `seed` that of the bootstrap. `accuracy` is the share of examples whose labels
/// are all right and no other is given; there is no confusion matrix.
///
/// # Errors
/// When the sizes do not fit together, a label is out of range, or a value is not a probability.
pub fn multi_label_scores(
    gold: &[&[usize]],
    probabilities: &[f32],
    labels: &[String],
    thresholds: &[f32],
    majority: usize,
    seed: u64,
) -> Result<Scores, EvalError> {
    check_probabilities(gold.len(), probabilities, labels.len(), majority)?;
    check_gold(gold, labels.len())?;
    if thresholds.len() != labels.len() {
        return Err(EvalError::Shape {
            examples: 1,
            labels: labels.len(),
            values: thresholds.len(),
        });
    }
    let rows: Vec<Row> = gold
        .iter()
        .zip(probabilities.chunks_exact(labels.len()))
        .map(|(gold, row)| Row::new(gold, given(row, thresholds)))
        .collect();
    let examples = rows.len();
    let mut tally = Tally::new(labels.len());
    rows.iter().for_each(|row| tally.add(row));
    let correct = rows.iter().filter(|row| row.is_right()).count();
    let (micro_f1, macro_f1) = (tally.micro_f1(), tally.macro_f1());
    let (micro_f1_interval, macro_f1_interval) = match correct == examples && micro_f1 == 1.0 {
        // Every resample is as perfect, which says nothing of how sure that is.
        true => {
            let low = wilson(examples, examples).low;
            (around(micro_f1, low, 1.0), around(macro_f1, low, 1.0))
        }
        false => bootstrap(&rows, labels.len(), [micro_f1, macro_f1], seed),
    };
    let classes: Vec<ClassScore> = labels
        .iter()
        .enumerate()
        .map(|(label, name)| ClassScore {
            label: name.clone(),
            precision: ratio(tally.right[label], tally.given[label]),
            recall: ratio(tally.right[label], tally.gold[label]),
            f1: tally.f1(label),
            support: tally.gold[label],
            predicted: tally.given[label],
        })
        .collect();
    let (right, to_give, were_given) = (
        tally.right.iter().sum::<u32>(),
        tally.gold.iter().sum::<u32>(),
        tally.given.iter().sum::<u32>(),
    );
    let mean =
        |value: &dyn Fn(&ClassScore) -> f64| classes.iter().map(value).sum::<f64>() / classes.len() as f64;
    let only_majority = rows.iter().filter(|row| row.gold == [majority]).count();
    let with_majority = tally.gold[majority];
    Ok(Scores {
        examples: examples as u32,
        correct: correct as u32,
        loss: loss(gold, probabilities, labels.len()),
        accuracy: correct as f64 / examples as f64,
        accuracy_interval: wilson(correct, examples),
        macro_precision: mean(&|class| class.precision),
        macro_recall: mean(&|class| class.recall),
        macro_f1,
        macro_f1_interval,
        micro_f1,
        weighted_f1: match to_give {
            0 => 0.0,
            _ => {
                classes
                    .iter()
                    .map(|class| class.f1 * f64::from(class.support))
                    .sum::<f64>()
                    / f64::from(to_give)
            }
        },
        majority_label: labels[majority].clone(),
        majority_accuracy: only_majority as f64 / examples as f64,
        classes,
        confusion: Vec::new(),
        groups: None,
        multi_label: Some(MultiLabelScores {
            hamming_loss: f64::from(to_give + were_given - 2 * right) / (examples * labels.len()) as f64,
            micro_precision: ratio(right, were_given),
            micro_recall: ratio(right, to_give),
            micro_f1_interval,
            majority_micro_f1: ratio(2 * with_majority, examples as u32 + to_give),
            thresholds: thresholds.iter().map(|&threshold| f64::from(threshold)).collect(),
        }),
    })
}

/// Mean cross entropy of the decisions in nats; a probability that was rounded to 0 or 1 costs no more than −ln ε.
fn loss(gold: &[&[usize]], probabilities: &[f32], labels: usize) -> f64 {
    let cost = |probability: f64| -probability.clamp(f64::EPSILON, 1.0).ln();
    let mut sum = 0.0;
    for (gold, row) in gold.iter().zip(probabilities.chunks_exact(labels)) {
        for (label, &probability) in row.iter().enumerate() {
            let yes = f64::from(probability);
            sum += cost(if gold.contains(&label) { yes } else { 1.0 - yes });
        }
    }
    sum / probabilities.len() as f64
}

/// Labels of an example, ascending.
struct Row {
    gold: Vec<usize>,
    given: Vec<usize>,
}

impl Row {
    fn new(gold: &[usize], given: Vec<usize>) -> Self {
        let mut gold = gold.to_vec();
        gold.sort_unstable();
        gold.dedup();
        Row { gold, given }
    }

    fn is_right(&self) -> bool {
        self.gold == self.given
    }
}

/// What F1 needs, by label.
struct Tally {
    gold: Vec<u32>,
    given: Vec<u32>,
    right: Vec<u32>,
}

impl Tally {
    fn new(labels: usize) -> Self {
        Tally {
            gold: vec![0; labels],
            given: vec![0; labels],
            right: vec![0; labels],
        }
    }

    fn clear(&mut self) {
        self.gold.fill(0);
        self.given.fill(0);
        self.right.fill(0);
    }

    fn add(&mut self, row: &Row) {
        row.gold.iter().for_each(|&label| self.gold[label] += 1);
        for &label in &row.given {
            self.given[label] += 1;
            self.right[label] += u32::from(row.gold.contains(&label));
        }
    }

    fn f1(&self, label: usize) -> f64 {
        ratio(2 * self.right[label], self.gold[label] + self.given[label])
    }

    fn micro_f1(&self) -> f64 {
        let sum = |counts: &[u32]| counts.iter().sum::<u32>();
        ratio(2 * sum(&self.right), sum(&self.gold) + sum(&self.given))
    }

    /// Mean over all labels, as scikit-learn has it for label indicators.
    fn macro_f1(&self) -> f64 {
        (0..self.gold.len()).map(|label| self.f1(label)).sum::<f64>() / self.gold.len() as f64
    }
}

/// Resamples of the bootstrap.
const RESAMPLES: usize = 1_000;

/// Percentile bootstrap of micro and macro F1 over the examples.
fn bootstrap(rows: &[Row], labels: usize, estimates: [f64; 2], seed: u64) -> (Interval, Interval) {
    let mut tally = Tally::new(labels);
    let mut resampled = [Vec::with_capacity(RESAMPLES), Vec::with_capacity(RESAMPLES)];
    for resample in 0..RESAMPLES {
        let stream = Stream::new(seed, resample as u64);
        tally.clear();
        for counter in 0..rows.len() {
            tally.add(&rows[stream.below(counter as u64, rows.len())]);
        }
        resampled[0].push(tally.micro_f1());
        resampled[1].push(tally.macro_f1());
    }
    let [micro, by_label] = [0, 1].map(|which| {
        let values: &mut Vec<f64> = &mut resampled[which];
        values.sort_by(f64::total_cmp);
        around(
            estimates[which],
            percentile(values, 0.025),
            percentile(values, 0.975),
        )
    });
    (micro, by_label)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|label| format!("L{label}")).collect()
    }

    fn judged(gold: &[&[usize]], probabilities: &[f32], labels: usize) -> Scores {
        multi_label_scores(gold, probabilities, &names(labels), &vec![0.5; labels], 0, 1).unwrap()
    }

    #[test]
    fn labels_are_given_from_their_threshold_on() {
        assert_eq!(given(&[0.5, 0.4, 0.2], &[0.5, 0.5, 0.1]), [0, 2]);
        assert_eq!(given(&[0.1], &[0.5]), [] as [usize; 0]);
    }

    #[test]
    fn a_threshold_parts_what_it_should() {
        let probabilities: Vec<f32> = (0..20).map(|i| i as f32 / 20.0).collect();
        let gold: Vec<&[usize]> = (0..20).map(|i| if i >= 8 { &[0][..] } else { &[] }).collect();
        assert!((thresholds(&gold, &probabilities, 1)[0] - 0.375).abs() < 1e-6);
    }

    #[test]
    fn the_fewer_examples_a_label_has_the_nearer_it_stays_to_the_threshold_of_all() {
        // Label 0 is parted at 0.3 by all its examples, label 1 at 0.6 by one in ten.
        let row = |i: usize| {
            [
                if i.is_multiple_of(2) { 0.4 } else { 0.2 },
                if i.is_multiple_of(20) { 0.8 } else { 0.4 },
            ]
        };
        let judge = |count: usize| {
            let rows: Vec<f32> = (0..count).flat_map(row).collect();
            let carried = |i: usize| match (i % 2, i % 20) {
                (_, 0) => &[0, 1][..],
                (0, _) => &[0],
                _ => &[],
            };
            let gold: Vec<&[usize]> = (0..count).map(carried).collect();
            thresholds(&gold, &rows, 2)
        };
        let (few, many) = (judge(40), judge(40_000));
        assert!(
            (many[0] - 0.3).abs() < 0.01 && (many[1] - 0.6).abs() < 0.01,
            "{many:?}"
        );
        assert!(few[1] < many[1] - 0.1, "two examples say little: {few:?}");
        assert_eq!(thresholds(&[&[]], &[0.2, 0.7], 2), [0.5, 0.5], "nothing to go by");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let two = names(2);
        let judge = |gold: &[&[usize]], probabilities: &[f32], thresholds: &[f32]| {
            multi_label_scores(gold, probabilities, &two, thresholds, 0, 0)
        };
        assert_eq!(judge(&[], &[], &[0.5; 2]), Err(EvalError::NoExamples));
        assert!(judge(&[&[0, 2]], &[0.5; 2], &[0.5; 2]).is_err());
        assert!(judge(&[&[0]], &[0.5; 2], &[0.5]).is_err());
        assert!(judge(&[&[0]], &[0.5, 2.0], &[0.5; 2]).is_err());
    }

    #[test]
    fn nothing_given_and_nothing_to_give_is_right() {
        let scores = judged(&[&[], &[0]], &[0.1, 0.1, 0.9, 0.2], 2);
        assert_eq!((scores.correct, scores.micro_f1), (2, 1.0));
        assert_eq!(scores.classes[1].support, 0);
        assert_eq!(
            scores.macro_f1, 0.5,
            "a label that never comes counts 0, as in scikit-learn"
        );
        let none = judged(&[&[]], &[0.1, 0.1], 2);
        assert_eq!((none.accuracy, none.micro_f1, none.weighted_f1), (1.0, 0.0, 0.0));
    }

    fn judgements() -> impl Strategy<Value = (Vec<Vec<usize>>, Vec<f32>)> {
        let sets = prop::collection::btree_set(0_usize..4, 0..4).prop_map(|set| set.into_iter().collect());
        prop::collection::vec((sets, prop::collection::vec(0.0_f32..1.0, 4)), 1..50).prop_map(|rows| {
            let (gold, probabilities): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
            (gold, probabilities.concat())
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn thresholds_lie_between_no_and_yes_and_the_best_of_all_is_no_worse_than_a_half((gold, probabilities) in judgements()) {
            let gold: Vec<&[usize]> = gold.iter().map(Vec::as_slice).collect();
            prop_assert!(thresholds(&gold, &probabilities, 4).iter().all(|t| (0.0..=1.0).contains(t)));
            let decisions = gold.iter().zip(probabilities.chunks(4));
            let mut all: Vec<(f32, bool)> = decisions
                .flat_map(|(gold, row)| row.iter().enumerate().map(|(label, p)| (*p, gold.contains(&label))))
                .collect();
            let best = best_threshold(&mut all);
            let with = |threshold: f32| multi_label_scores(&gold, &probabilities, &names(4), &[threshold; 4], 0, 1).unwrap().micro_f1;
            // Giving nothing or everything is no choice of the search.
            let parts = |threshold: f32| all.iter().any(|(p, _)| *p >= threshold) && all.iter().any(|(p, _)| *p < threshold);
            prop_assert!(!parts(0.5) || with(best) >= with(0.5));
        }

        #[test]
        fn scores_keep_their_bounds_and_intervals_contain_them((gold, probabilities) in judgements()) {
            let gold: Vec<&[usize]> = gold.iter().map(Vec::as_slice).collect();
            let scores = judged(&gold, &probabilities, 4);
            let several = scores.multi_label.unwrap();
            let all = [scores.accuracy, scores.macro_f1, scores.micro_f1, scores.weighted_f1, several.hamming_loss,
                several.micro_precision, several.micro_recall, several.majority_micro_f1];
            prop_assert!(all.iter().all(|score| (0.0..=1.0).contains(score)), "{all:?}");
            prop_assert!(several.micro_f1_interval.low <= scores.micro_f1 && scores.micro_f1 <= several.micro_f1_interval.high);
            prop_assert!(scores.macro_f1_interval.low <= scores.macro_f1 && scores.macro_f1 <= scores.macro_f1_interval.high);
        }
    }
}
