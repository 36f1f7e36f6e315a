//! 95 % intervals: how far off a score may be because only so many examples were tested.

use serde::{Deserialize, Serialize};

use crate::random::Stream;

/// The 97.5th percentile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;
/// Resamples of the bootstrap; their 25th and 975th decide the interval.
const RESAMPLES: usize = 1_000;

/// A 95 % interval of a score; both ends lie in 0..=1 and the score between them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Wilson's interval for `correct` successes in `examples` > 0 trials. Unlike the textbook's
/// p ± 1.96 s it does not shrink to a point at 0 and 1 and holds for small samples (Brown, Cai,
/// DasGupta 2001).
pub fn wilson(correct: usize, examples: usize) -> Interval {
    let n = examples as f64;
    let p = correct as f64 / n;
    let scale = 1.0 / (1.0 + Z * Z / n);
    let centre = scale * (p + Z * Z / (2.0 * n));
    let half = scale * Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    around(p, centre - half, centre + half)
}

/// Percentile bootstrap of the macro F1 of a confusion matrix (`confusion[gold][predicted]`).
///
/// Resampling draws from the cells of the matrix, not from the examples in their order, so the
/// interval depends on nothing but the matrix and the seed.
pub fn bootstrap_macro_f1(confusion: &[Vec<u32>], estimate: f64, seed: u64) -> Interval {
    let pairs: Vec<(u32, u32)> = pairs(confusion);
    let mut tally = Tally::new(confusion.len());
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .map(|resample| {
            let stream = Stream::new(seed, resample as u64);
            tally.clear();
            for counter in 0..pairs.len() {
                tally.add(pairs[stream.below(counter as u64, pairs.len())]);
            }
            tally.macro_f1()
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    // Resamples that lose a rare class have another mean than the sample; an interval that left
    // out its own estimate would only puzzle its reader.
    around(
        estimate,
        percentile(&resampled, 0.025),
        percentile(&resampled, 0.975),
    )
}

/// The mean of a score over several folds, and how far off it may be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct MeanScore {
    /// The mean.
    pub mean: f64,
    /// Standard deviation of a single fold's score.
    pub standard_deviation: f64,
    /// Of the mean. Folds share most of what they learn from, so that it is rather too narrow (Bengio and Grandvalet 2004).
    pub interval: Interval,
}

/// The 97.5th percentiles of Student's t distribution with 1 to 30 degrees of freedom.
const STUDENT: [f64; 30] = [
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
];

/// The mean of scores, with Student's interval; `None` for fewer than two, which do not tell how they vary.
pub fn mean_score(scores: &[f64]) -> Option<MeanScore> {
    let n = scores.len() as f64;
    if scores.len() < 2 {
        return None;
    }
    let mean = scores.iter().sum::<f64>() / n;
    let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
    // Of a sample: the folds stand for all that could have been drawn.
    let standard_deviation = (squares / (n - 1.0)).sqrt();
    let quantile = STUDENT.get(scores.len() - 2).copied();
    let quantile = quantile.unwrap_or_else(|| many_folds(n - 1.0));
    let half = quantile * standard_deviation / n.sqrt();
    Some(MeanScore {
        mean,
        standard_deviation,
        interval: around(mean, mean - half, mean + half),
    })
}

/// The 97.5th percentile of Student's t for many degrees of freedom: the first terms of Cornish and Fisher's expansion.
fn many_folds(freedom: f64) -> f64 {
    let first = (Z.powi(3) + Z) / 4.0;
    let second = (5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z) / 96.0;
    Z + first / freedom + second / freedom.powi(2)
}

pub(crate) fn around(estimate: f64, low: f64, high: f64) -> Interval {
    Interval {
        low: low.min(estimate).max(0.0),
        high: high.max(estimate).min(1.0),
    }
}

fn pairs(confusion: &[Vec<u32>]) -> Vec<(u32, u32)> {
    let mut pairs = Vec::new();
    for (gold, row) in confusion.iter().enumerate() {
        for (predicted, &count) in row.iter().enumerate() {
            pairs.extend((0..count).map(|_| (gold as u32, predicted as u32)));
        }
    }
    pairs
}

/// Value at the fraction `at` of a sorted, non-empty list, linear between neighbours (NumPy's
/// default).
pub(crate) fn percentile(sorted: &[f64], at: f64) -> f64 {
    let position = at * (sorted.len() - 1) as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

/// The three counts per class that F1 needs.
struct Tally {
    gold: Vec<u32>,
    predicted: Vec<u32>,
    correct: Vec<u32>,
}

impl Tally {
    fn new(classes: usize) -> Self {
        Self {
            gold: vec![0; classes],
            predicted: vec![0; classes],
            correct: vec![0; classes],
        }
    }

    fn clear(&mut self) {
        self.gold.fill(0);
        self.predicted.fill(0);
        self.correct.fill(0);
    }

    fn add(&mut self, (gold, predicted): (u32, u32)) {
        self.gold[gold as usize] += 1;
        self.predicted[predicted as usize] += 1;
        self.correct[gold as usize] += u32::from(gold == predicted);
    }

    /// Mean over the classes that occur in gold or prediction, as everywhere in this crate.
    fn macro_f1(&self) -> f64 {
        let (mut sum, mut classes) = (0.0, 0);
        for ((&gold, &predicted), &correct) in self.gold.iter().zip(&self.predicted).zip(&self.correct) {
            if gold + predicted > 0 {
                sum += 2.0 * f64::from(correct) / f64::from(gold + predicted);
                classes += 1;
            }
        }
        sum / f64::from(classes.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(interval: Interval, low: f64, high: f64, tolerance: f64) -> bool {
        (interval.low - low).abs() < tolerance && (interval.high - high).abs() < tolerance
    }

    #[test]
    fn a_mean_of_folds_has_students_interval() {
        // By hand: 0.84 ± 2.776 × 0.096177 / √5.
        let found = mean_score(&[0.8, 0.9, 0.85, 0.7, 0.95]).unwrap();
        assert!((found.mean - 0.84).abs() < 1e-12);
        assert!((found.standard_deviation - 0.096_177).abs() < 1e-6);
        assert!((found.interval.low - 0.720_58).abs() < 1e-4, "{found:?}");
        assert!((found.interval.high - 0.959_42).abs() < 1e-4, "{found:?}");
        assert_eq!(mean_score(&[0.8]), None);
        assert_eq!(
            mean_score(&[1.0, 0.0]).unwrap().interval,
            Interval { low: 0.0, high: 1.0 }
        );
        let many: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
        let half = mean_score(&many).unwrap().interval.high - 0.5;
        assert!((half - 2.0227 * 0.506_37 / 40_f64.sqrt()).abs() < 1e-4, "{half}");
    }

    #[test]
    fn wilson_agrees_with_scipy() {
        // scipy.stats.binomtest(correct, examples).proportion_ci(0.95, "wilson")
        assert!(close(
            wilson(91, 100),
            0.837_737_871_472_837,
            0.951_927_459_997_435,
            1e-12
        ));
        assert!(close(
            wilson(8, 9),
            0.565_000_294_423_344,
            0.980_109_112_361_455,
            1e-12
        ));
    }

    #[test]
    fn wilson_does_not_shrink_to_a_point_when_all_or_none_are_right() {
        assert!(wilson(10, 10).low < 0.75 && wilson(10, 10).high == 1.0);
        assert!(wilson(0, 10).high > 0.25 && wilson(0, 10).low == 0.0);
    }

    #[test]
    fn the_bootstrap_of_two_balanced_classes_is_close_to_the_normal_interval() {
        // Accuracy and macro F1 of a balanced, symmetric matrix have the same spread to first order.
        let interval = bootstrap_macro_f1(&[vec![900, 100], vec![100, 900]], 0.9, 3);
        let half = Z * (0.9_f64 * 0.1 / 2_000.0).sqrt();
        assert!(close(interval, 0.9 - half, 0.9 + half, 0.002), "{interval:?}");
    }

    #[test]
    fn the_bootstrap_repeats_itself_for_a_seed_and_not_for_another() {
        let confusion = [vec![31, 4, 2], vec![6, 22, 1], vec![0, 3, 9]];
        let interval = |seed| bootstrap_macro_f1(&confusion, 0.78, seed);
        assert_eq!(interval(5), interval(5));
        assert_ne!(interval(5), interval(6));
    }

    #[test]
    fn percentiles_lie_between_neighbours_as_in_numpy() {
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 0.75), 3.0);
        assert_eq!(percentile(&[1.0], 0.975), 1.0);
    }
}
