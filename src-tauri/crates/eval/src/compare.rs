//! Two models on the same texts: is one really better, or was it chance? Right and wrong answers in, a [`Comparison`] out.

use serde::{Deserialize, Serialize};

use crate::interval::percentile;
use crate::random::Stream;

/// How two models' answers to the same texts differ. Differences are the second's less the first's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Comparison {
    /// Texts that both answered.
    pub texts: u32,
    /// Wrong with the first, right with the second.
    pub fixed: u32,
    /// Right with the first, wrong with the second.
    pub broken: u32,
    /// Difference of the shares of right answers, −1 to 1.
    pub difference: f64,
    /// Lower end of its 95 % interval (percentile bootstrap over the texts, 1,000 resamples).
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// McNemar's exact test: how likely so uneven a number of fixed and broken texts is when both are equally good.
    pub p_value: f64,
}

impl Comparison {
    /// Whether the difference is more than chance, by the usual 5 %.
    pub fn is_real(&self) -> bool {
        self.p_value < 0.05
    }
}

const RESAMPLES: usize = 1_000;

/// Compares right (`true`) and wrong answers to the same texts; `None` where there are no texts, or unequally many.
pub fn compare(first: &[bool], second: &[bool], seed: u64) -> Option<Comparison> {
    if first.is_empty() || first.len() != second.len() {
        return None;
    }
    let pairs = || first.iter().zip(second);
    let fixed = pairs().filter(|(a, b)| !**a && **b).count();
    let broken = pairs().filter(|(a, b)| **a && !**b).count();
    let changes: Vec<i32> = pairs().map(|(a, b)| i32::from(*b) - i32::from(*a)).collect();
    let texts = changes.len();
    let mut resampled: Vec<f64> = (0..RESAMPLES)
        .map(|resample| {
            let stream = Stream::new(seed, resample as u64);
            let sum: i32 = (0..texts)
                .map(|counter| changes[stream.below(counter as u64, texts)])
                .sum();
            f64::from(sum) / texts as f64
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    Some(Comparison {
        texts: texts as u32,
        fixed: fixed as u32,
        broken: broken as u32,
        difference: (fixed as f64 - broken as f64) / texts as f64,
        low: percentile(&resampled, 0.025),
        high: percentile(&resampled, 0.975),
        p_value: mcnemar(fixed, broken),
    })
}

/// Two-sided exact binomial test of `a` against `b` at equal chances.
fn mcnemar(a: usize, b: usize) -> f64 {
    let (n, least) = (a + b, a.min(b));
    // Sums of binomial coefficients over 2ⁿ, each from the one before, in logarithms: n may be large.
    let mut term = -(n as f64) * std::f64::consts::LN_2;
    let mut tail = term.exp();
    for k in 0..least {
        term += ((n - k) as f64).ln() - ((k + 1) as f64).ln();
        tail += term.exp();
    }
    (2.0 * tail).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_agrees_with_scipy() {
        // scipy.stats.binomtest(min(a, b), a + b, 0.5).pvalue
        for (a, b, expected) in [
            (3, 11, 0.057_373_046_875),
            (10, 2, 0.038_574_218_75),
            (0, 0, 1.0),
            (5, 5, 1.0),
        ] {
            assert!(
                (mcnemar(a, b) - expected).abs() < 1e-12,
                "{a} {b}: {}",
                mcnemar(a, b)
            );
        }
        assert!(
            (mcnemar(480, 560) - 0.014_259_079_095_386).abs() < 1e-12,
            "{}",
            mcnemar(480, 560)
        );
    }

    #[test]
    fn fixed_and_broken_texts_are_told_apart() {
        let first = [true, true, false, false, true];
        let second = [true, false, true, true, true];
        let found = compare(&first, &second, 1).unwrap();
        assert_eq!((found.texts, found.fixed, found.broken), (5, 2, 1));
        assert!((found.difference - 0.2).abs() < 1e-12 && !found.is_real());
        assert!(found.low <= found.difference && found.difference <= found.high);
        let back = compare(&second, &first, 1).unwrap();
        assert_eq!((back.fixed, back.difference), (1, -found.difference));
    }

    #[test]
    fn a_clear_difference_is_real_and_its_interval_leaves_out_zero() {
        let first: Vec<bool> = (0..200).map(|i| i % 4 != 0).collect();
        let second: Vec<bool> = (0..200).map(|i| i % 20 != 1).collect();
        let found = compare(&first, &second, 1).unwrap();
        assert!(found.is_real() && found.low > 0.0, "{found:?}");
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        assert_eq!(compare(&[], &[], 0), None);
        assert_eq!(compare(&[true], &[true, false], 0), None);
    }
}
