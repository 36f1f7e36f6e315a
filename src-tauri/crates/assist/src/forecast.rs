//! What more labels would bring.
//!
//! Heads learn from a part of the labelled texts, larger and larger, and are judged on others. The error falls with the
//! number of texts m about as `a + b m^-c` (Hestness et al. 2017, “Deep Learning Scaling is Predictable, Empirically”);
//! the curve is fitted and followed beyond what there is. How far off it may be is told by fitting it to resampled parts
//! and judged texts (percentile bootstrap).

use std::ops::Range;

use serde::{Deserialize, Serialize};
use understudy_eval::random::Stream;
use understudy_eval::{Interval, given, most_probable};

use crate::head::{Gold, Head};
use crate::vectors::Vectors;

/// Fewer labelled texts say nothing about more.
pub const LEAST: usize = 30;
/// More are not needed to see where the curve goes.
const MOST: usize = 3_000;
/// The labelled texts are divided so often; every part is judged once.
const PARTS: usize = 8;
/// Shares of the rest that heads learn from.
const SHARES: [f64; 3] = [0.4, 0.7, 1.0];
const RESAMPLES: usize = 200;
/// How fast errors usually fall, and how far off this may be: few points cannot tell it.
const USUAL_C: f64 = 0.5;
const SPREAD_OF_C: f64 = 0.25;

/// A learning curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Forecast {
    /// What was measured: so many labelled texts, and the score on others.
    pub measured: Vec<CurvePoint>,
    /// What is expected with all texts that are labelled now.
    pub now: CurvePoint,
    /// What is expected with more, ascending.
    pub then: Vec<CurvePoint>,
    /// How much better the first of these is than now, with 95 % limits.
    pub gain: Gain,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct CurvePoint {
    /// Labelled texts.
    pub texts: u32,
    /// Share of unseen texts that are answered rightly (accuracy); where a text may have several labels the mean F1 of the
    /// texts.
    pub score: f64,
    /// 95 % limits of the score.
    pub interval: Interval,
}

/// A difference of scores.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Gain {
    /// Expected.
    pub expected: f64,
    /// Lower limit.
    pub low: f64,
    /// Upper limit.
    pub high: f64,
}

/// The curve of these labelled texts, followed to `more` further ones (ascending). `None` below [`LEAST`] texts, and when
/// `stop` said so.
pub fn forecast(
    vectors: Vectors,
    gold: Gold,
    groups: &[u64],
    more: &[usize],
    seed: u64,
    stop: &dyn Fn() -> bool,
) -> Option<Forecast> {
    if vectors.len() < LEAST || more.is_empty() {
        return None;
    }
    let measured = Measured::of(vectors, gold, groups, seed, stop)?;
    let all: Vec<usize> = std::iter::once(vectors.len())
        .chain(more.iter().map(|more| vectors.len() + more))
        .collect();
    let expected = |curve: Curve| -> Vec<f64> { all.iter().map(|texts| curve.score(*texts)).collect() };
    let best = expected(measured.curve(None));
    let resampled: Vec<Vec<f64>> = (0..RESAMPLES)
        .map(|resample| expected(measured.curve(Some(Stream::new(seed, 100 + resample as u64)))))
        .collect();
    let limits = |value: &dyn Fn(&[f64]) -> f64| {
        let mut values: Vec<f64> = resampled.iter().map(|scores| value(scores)).collect();
        values.sort_by(f64::total_cmp);
        let own = value(&best);
        // A limit on the wrong side of the estimate would only puzzle its reader.
        (
            values[RESAMPLES / 40].min(own),
            values[RESAMPLES - 1 - RESAMPLES / 40].max(own),
        )
    };
    let point = |place: usize| {
        let (low, high) = limits(&|scores| scores[place]);
        CurvePoint {
            texts: all[place] as u32,
            score: best[place],
            interval: Interval { low, high },
        }
    };
    let (low, high) = limits(&|scores| scores[1] - scores[0]);
    Some(Forecast {
        measured: measured.points(),
        now: point(0),
        then: (1..all.len()).map(point).collect(),
        gain: Gain {
            expected: best[1] - best[0],
            low,
            high,
        },
    })
}

/// How right each text was answered by heads that learnt from so many others.
struct Measured {
    /// Mean number of texts learnt from, a share each.
    sizes: Vec<f64>,
    /// `[share][text]`, 0 to 1.
    right: Vec<Vec<f64>>,
    /// The texts that were judged together, one range a part.
    parts: Vec<Range<usize>>,
}

impl Measured {
    fn of(vectors: Vectors, gold: Gold, groups: &[u64], seed: u64, stop: &dyn Fn() -> bool) -> Option<Self> {
        let stream = Stream::new(seed, 2);
        let mut drawn: Vec<usize> = (0..vectors.len()).collect();
        drawn.sort_by_key(|text| (stream.below(*text as u64, usize::MAX), *text));
        drawn.truncate(MOST);
        // By chance alone: with classes dealt out evenly, what is held out would always have its like among the rest, and
        // rare classes would seem easier than they are.
        let part_of = Stream::new(seed, 3);
        let parts: Vec<usize> = drawn
            .iter()
            .map(|text| part_of.below(groups[*text], PARTS))
            .collect();
        let mut found = Measured {
            sizes: vec![0.0; SHARES.len()],
            right: vec![Vec::new(); SHARES.len()],
            parts: Vec::new(),
        };
        for part in 0..PARTS {
            let chosen = |held: bool| -> Vec<usize> {
                let of_part = (0..drawn.len()).filter(|place| (parts[*place] == part) == held);
                of_part.map(|place| drawn[place]).collect()
            };
            let (held, rest) = (chosen(true), chosen(false));
            if held.is_empty() || rest.is_empty() {
                continue;
            }
            let first = found.right[0].len();
            found.parts.push(first..first + held.len());
            let judged = vectors.select(&held);
            for (share, of_rest) in SHARES.iter().enumerate() {
                let kept = &rest[..((rest.len() as f64 * of_rest).round() as usize).clamp(1, rest.len())];
                let labels: Vec<&[usize]> = kept.iter().map(|text| gold.labels[*text]).collect();
                let of_kept = vectors.select(kept);
                let gold_kept = Gold {
                    labels: &labels,
                    ..gold
                };
                let head = Head::fit(Vectors::new(&of_kept, vectors.dimensions()), gold_kept, stop)?;
                let answers = head.probabilities(Vectors::new(&judged, vectors.dimensions()));
                let rows = answers.chunks_exact(gold.classes).zip(&held);
                found.right[share]
                    .extend(rows.map(|(row, text)| rightness(row, gold.labels[*text], gold.several)));
                found.sizes[share] += kept.len() as f64;
            }
        }
        // One text, or texts that all repeat each other, cannot be judged by others.
        if found.parts.len() < 2 {
            return None;
        }
        let parts = found.parts.len() as f64;
        found.sizes.iter_mut().for_each(|size| *size /= parts);
        Some(found)
    }

    /// The curve through the mean scores: of all judged texts, or of as many parts, and texts of them, drawn by chance. The
    /// heads of one part are right and wrong together.
    fn curve(&self, drawn: Option<Stream>) -> Curve {
        let mut sums = vec![0.0; SHARES.len()];
        let mut texts = 0_u32;
        for counter in 0..self.parts.len() {
            let part = drawn.map_or(counter, |stream| stream.below(counter as u64, self.parts.len()));
            let judged = self.parts[part].clone();
            for text in judged.clone() {
                let place = (counter * MOST + text) as u64 + PARTS as u64;
                // The same text for every share: what is hard for one is hard for all.
                let text = drawn.map_or(text, |stream| judged.start + stream.below(place, judged.len()));
                sums.iter_mut()
                    .zip(&self.right)
                    .for_each(|(sum, right)| *sum += right[text]);
                texts += 1;
            }
        }
        let errors: Vec<f64> = sums
            .iter()
            .map(|sum| 1.0 - sum / f64::from(texts.max(1)))
            .collect();
        Curve::through(&self.sizes, &errors)
    }

    fn points(&self) -> Vec<CurvePoint> {
        self.sizes
            .iter()
            .zip(&self.right)
            .map(|(size, right)| {
                let sum: f64 = right.iter().sum();
                CurvePoint {
                    texts: size.round() as u32,
                    score: sum / right.len() as f64,
                    interval: understudy_eval::wilson(sum.round() as usize, right.len()),
                }
            })
            .collect()
    }
}

/// 1 for a right answer; where a text may have several labels, the F1 of the answer.
fn rightness(row: &[f32], labels: &[usize], several: bool) -> f64 {
    if !several {
        return f64::from(u8::from(labels.first() == Some(&most_probable(row))));
    }
    let answer = given(row, &vec![0.5; row.len()]);
    let common = answer.iter().filter(|label| labels.contains(label)).count();
    match answer.len() + labels.len() {
        0 => 1.0,
        all => 2.0 * common as f64 / all as f64,
    }
}

/// The error of m texts is `a + b m^-c`.
#[derive(Debug, Clone, Copy)]
struct Curve {
    a: f64,
    b: f64,
    c: f64,
    /// The largest number of texts that was measured.
    largest: f64,
}

impl Curve {
    /// With so many texts. Beyond what was measured the error never falls faster than in inverse proportion to the texts:
    /// a few points that happen to be steep would else promise perfection.
    fn score(self, texts: usize) -> f64 {
        let texts = texts as f64;
        let error = |texts: f64| (self.a + self.b * texts.powf(-self.c)).clamp(0.0, 1.0);
        let slowest = error(self.largest) * (self.largest / texts).min(1.0);
        1.0 - error(texts).max(slowest)
    }

    /// Least squares; for each c the best a and b. What was learnt from more texts counts more: it lies nearer to what is
    /// asked. Below zero a stands for a curve that is still steep; the score ends at one all the same.
    fn through(sizes: &[f64], errors: &[f64]) -> Curve {
        let largest = sizes.iter().copied().fold(1.0, f64::max);
        let weights: Vec<f64> = sizes.iter().map(|size| size / largest).collect();
        let total: f64 = weights.iter().sum();
        let mean = |values: &[f64]| values.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() / total;
        let mut best = (
            f64::INFINITY,
            Curve {
                a: 0.0,
                b: 0.0,
                c: 1.0,
                largest,
            },
        );
        for step in 1..=30 {
            let c = f64::from(step) * 0.05;
            let z: Vec<f64> = sizes.iter().map(|m| m.powf(-c)).collect();
            let (mean_z, mean_e) = (mean(&z), mean(errors));
            let off = |f: &dyn Fn(usize) -> f64| (0..z.len()).map(|i| weights[i] * f(i)).sum::<f64>();
            let covariance = off(&|i| (z[i] - mean_z) * (errors[i] - mean_e));
            let variance = off(&|i| (z[i] - mean_z).powi(2));
            // More texts never make it worse.
            let b = (covariance / variance.max(1e-12)).max(0.0);
            let a = mean_e - b * mean_z;
            let apart = off(&|i| (a + b * z[i] - errors[i]).powi(2));
            // Half a percent off, at each point, is as bad as one spread of c.
            let unusual = ((c - USUAL_C) / SPREAD_OF_C).powi(2) * total * 2.5e-5;
            if apart + unusual < best.0 {
                best = (apart + unusual, Curve { a, b, c, largest });
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Blobs, each};

    #[test]
    fn a_curve_that_falls_by_the_law_is_found_again() {
        let law = Curve {
            a: 0.1,
            b: 1.5,
            c: 0.5,
            largest: 120.0,
        };
        let sizes = [30.0, 60.0, 90.0, 120.0];
        let errors = sizes.map(|m| 1.0 - law.score(m as usize));
        let found = Curve::through(&sizes, &errors);
        assert!((found.score(400) - law.score(400)).abs() < 0.01, "{found:?}");
        let flat = Curve::through(&sizes, &[0.2; 4]);
        assert!((flat.score(1_000) - 0.8).abs() < 1e-9);
        let rising = Curve::through(&sizes, &[0.1, 0.15, 0.2, 0.25]);
        assert!(
            (rising.score(10) - rising.score(1_000)).abs() < 1e-9,
            "more texts never make it worse"
        );
    }

    #[test]
    fn what_is_foretold_comes_true_within_its_limits() {
        let judge = Blobs::new(2_000, 6, 1.2, 99);
        let mut inside = 0;
        for seed in 0..10 {
            let blobs = Blobs::new(250, 6, 1.2, seed);
            let labels = each(&blobs.labels);
            let gold = |count: usize| Gold {
                labels: &labels[..count],
                classes: 6,
                several: false,
            };
            let first: Vec<usize> = (0..100).collect();
            let few = blobs.vectors().select(&first);
            let groups: Vec<u64> = (0..100).collect();
            let few = Vectors::new(&few, Blobs::DIMENSIONS);
            let told = forecast(few, gold(100), &groups, &[150], seed, &|| false).unwrap();
            let head = Head::fit(blobs.vectors(), gold(250), &|| false).unwrap();
            let answers = head.probabilities(judge.vectors());
            let right = answers
                .chunks_exact(6)
                .zip(&judge.labels)
                .filter(|(row, label)| most_probable(row) == **label)
                .count();
            let (score, then) = (right as f64 / 2_000.0, told.then[0]);
            inside += u32::from((then.interval.low..=then.interval.high).contains(&score));
            assert!(told.gain.low <= told.gain.expected && told.gain.expected <= told.gain.high);
            assert!(then.score >= told.now.score && then.texts == 250);
        }
        assert!(inside >= 8, "{inside} of 10");
    }

    #[test]
    fn texts_that_are_all_one_foretell_nothing() {
        let blobs = Blobs::new(40, 2, 0.5, 1);
        let labels = each(&blobs.labels);
        let gold = Gold {
            labels: &labels,
            classes: 2,
            several: false,
        };
        assert_eq!(
            forecast(blobs.vectors(), gold, &[7; 40], &[50], 0, &|| false),
            None
        );
    }

    #[test]
    fn too_few_texts_foretell_nothing() {
        let blobs = Blobs::new(20, 2, 0.5, 1);
        let labels = each(&blobs.labels);
        let gold = Gold {
            labels: &labels,
            classes: 2,
            several: false,
        };
        let groups: Vec<u64> = (0..20).collect();
        assert_eq!(
            forecast(blobs.vectors(), gold, &groups, &[50], 0, &|| false),
            None
        );
    }

    #[test]
    fn an_answer_of_several_labels_is_as_right_as_its_f1() {
        assert_eq!(rightness(&[0.9, 0.2, 0.6], &[0, 1], true), 0.5);
        assert_eq!(rightness(&[0.1, 0.2, 0.3], &[], true), 1.0);
        assert_eq!(rightness(&[0.1, 0.2, 0.3], &[2], false), 1.0);
    }
}
