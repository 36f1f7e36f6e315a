//! Where a model is much worse than elsewhere: kinds of texts and their wrong answers in, the kinds that stand out by more
//! than chance out.

use serde::{Deserialize, Serialize};

use crate::interval::{Interval, wilson};

/// How a model does on one kind of texts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct SliceScore {
    /// Texts of the kind.
    pub texts: u32,
    /// Wrong answers among them.
    pub wrong: u32,
    /// Share of wrong answers.
    pub error_rate: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Share of wrong answers among all other texts.
    pub elsewhere: f64,
    /// How likely so many errors are by chance (Fisher's exact test, one-sided).
    pub p_value: f64,
}

/// Kinds with fewer texts say nothing.
const FEWEST: usize = 8;
/// Among the kinds that are told, at most so many are expected to be chance (Benjamini and Hochberg 1995).
const FALSE_DISCOVERIES: f64 = 0.1;

/// Which kinds stand out, the worst first, as indexes into `slices` with their scores. `wrong[i]` tells of text i; each
/// slice is a list of texts, without repeats.
pub fn worst_slices(wrong: &[bool], slices: &[Vec<usize>]) -> Vec<(usize, SliceScore)> {
    let all_wrong = wrong.iter().filter(|wrong| **wrong).count();
    let logs = log_factorials(wrong.len());
    let mut found: Vec<(usize, SliceScore)> = slices
        .iter()
        .enumerate()
        .filter(|(_, texts)| texts.len() >= FEWEST && texts.len() < wrong.len())
        .map(|(slice, texts)| {
            let within = texts.iter().filter(|text| wrong[**text]).count();
            let elsewhere = (all_wrong - within) as f64 / (wrong.len() - texts.len()) as f64;
            let score = SliceScore {
                texts: texts.len() as u32,
                wrong: within as u32,
                error_rate: within as f64 / texts.len() as f64,
                interval: wilson(within, texts.len()),
                elsewhere,
                p_value: at_least(&logs, wrong.len(), all_wrong, texts.len(), within),
            };
            (slice, score)
        })
        .collect();
    found.sort_by(|a, b| a.1.p_value.total_cmp(&b.1.p_value).then(a.0.cmp(&b.0)));
    let tested = found.len() as f64;
    let last = (0..found.len())
        .rev()
        .find(|&i| found[i].1.p_value <= FALSE_DISCOVERIES * (i + 1) as f64 / tested);
    found.truncate(last.map_or(0, |last| last + 1));
    found
}

/// ln 0!, ln 1!, … ln n!.
fn log_factorials(n: usize) -> Vec<f64> {
    let mut logs = vec![0.0; n + 1];
    for i in 1..=n {
        logs[i] = logs[i - 1] + (i as f64).ln();
    }
    logs
}

/// The chance that `drawn` of `all` texts, of which `marked` are marked, hold at least `found` marked ones.
fn at_least(logs: &[f64], all: usize, marked: usize, drawn: usize, found: usize) -> f64 {
    let choose = |n: usize, k: usize| logs[n] - logs[k] - logs[n - k];
    let most = marked.min(drawn);
    let least = found.max((marked + drawn).saturating_sub(all));
    (least..=most)
        .map(|k| (choose(marked, k) + choose(all - marked, drawn - k) - choose(all, drawn)).exp())
        .sum::<f64>()
        .min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_agrees_with_scipy() {
        // scipy.stats.hypergeom.sf(found - 1, all, marked, drawn)
        let logs = log_factorials(200);
        assert!(
            (at_least(&logs, 200, 30, 40, 12) - 0.005_017_999_300_852).abs() < 1e-12,
            "{}",
            at_least(&logs, 200, 30, 40, 12)
        );
        assert_eq!(at_least(&logs, 200, 30, 40, 0), 1.0);
    }

    #[test]
    fn the_kind_that_the_model_fails_at_is_found_and_the_others_are_not() {
        let wrong: Vec<bool> = (0..300).map(|i| i % 10 == 0 || (i < 30 && i % 2 == 0)).collect();
        let slices = vec![
            (0..30).collect(),
            (100..200).collect(),
            (0..5).collect(),
            (0..300).collect(),
        ];
        let found = worst_slices(&wrong, &slices);
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!((found[0].0, found[0].1.wrong, found[0].1.texts), (0, 15, 30));
        assert!(found[0].1.interval.low > found[0].1.elsewhere);
    }

    #[test]
    fn chance_among_many_kinds_is_not_taken_for_a_finding() {
        let stream = crate::random::Stream::new(4, 0);
        let wrong: Vec<bool> = (0..400).map(|i| stream.below(i, 10) == 0).collect();
        let slices: Vec<Vec<usize>> = (0..300)
            .map(|s| (0..400).filter(|t| (t * 31 + s * 17) % 23 == s % 23).collect())
            .collect();
        assert!(worst_slices(&wrong, &slices).len() <= 2);
        assert!(worst_slices(&[], &[vec![]]).is_empty());
    }
}
