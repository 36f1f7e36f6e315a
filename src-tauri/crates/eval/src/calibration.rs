//! Whether answers are right as often as they say: one temperature that makes them so, and how far off they are before
//! and after. Probabilities and gold labels in, plain numbers out.

use serde::{Deserialize, Serialize};

use crate::Link;

/// How far the logarithm of a temperature is from 0 before anything is known; few texts say little about it.
const SPREAD: f64 = 0.7;

/// The temperature by which `scores` (logits, `[texts, classes]`, row-major) are to be divided so that the gold labels are
/// most likely (Guo et al. 2017), held near one by a normal prior on its logarithm. The loss is convex in the inverse; a
/// golden section search finds it.
pub fn temperature(scores: &[f32], gold: &[&[usize]], classes: usize, link: Link) -> f32 {
    const STEPS: usize = 32;
    let mut row = vec![0.0; classes];
    let mut loss = |logarithm: f64| {
        let inverse = (-logarithm).exp() as f32;
        let of_texts: f64 = scores
            .chunks_exact(classes)
            .zip(gold)
            .map(|(scores, labels)| {
                row.iter_mut()
                    .zip(scores)
                    .for_each(|(row, score)| *row = score * inverse);
                link.loss_and_slope(&mut row, labels)
            })
            .sum();
        of_texts + logarithm * logarithm / (2.0 * SPREAD * SPREAD)
    };
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (-3.0, 3.0);
    for _ in 0..STEPS {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if loss(left) < loss(right) {
            high = right;
        } else {
            low = left;
        }
    }
    (0.5_f64 * (low + high)).exp() as f32
}

/// Logits that have these probabilities, up to a constant for each text where a text has one label.
pub fn logits(probabilities: &[f32], link: Link) -> Vec<f32> {
    // The smallest positive number of f32 and its distance from 1 bound what a probability can tell.
    let bounded =
        |p: f32| f64::from(p).clamp(f64::from(f32::MIN_POSITIVE), 1.0 - f64::from(f32::EPSILON) / 4.0);
    let of = |&p: &f32| match link {
        Link::Softmax => f64::from(p.max(f32::MIN_POSITIVE)).ln() as f32,
        Link::Sigmoid => (bounded(p) / (1.0 - bounded(p))).ln() as f32,
    };
    probabilities.iter().map(of).collect()
}

/// The probabilities of logits that are multiplied by `factor`.
pub fn rescaled(probabilities: &[f32], classes: usize, factor: f32, link: Link) -> Vec<f32> {
    let mut scores = logits(probabilities, link);
    for row in scores.chunks_exact_mut(classes) {
        row.iter_mut().for_each(|score| *score *= factor);
        link.probabilities(row);
    }
    scores
}

/// Answers that say about the same probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ReliabilityBin {
    /// How many they are, at least one.
    pub count: u32,
    /// The probability that they say, on average.
    pub confidence: f64,
    /// The share of them that is right.
    pub accuracy: f64,
}

/// How often answers are right beside how often they say so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Reliability {
    /// Expected calibration error: how far the two are apart, on average over the answers, in ten bins of equal width
    /// (Naeini et al. 2015).
    pub ece: f64,
    /// The bins that are not empty, by rising confidence.
    pub bins: Vec<ReliabilityBin>,
}

const BINS: usize = 10;

/// How reliable answers are: for each its probability, and whether it was right. There must be at least one.
pub fn reliability(answers: impl Iterator<Item = (f64, bool)>) -> Reliability {
    let mut sums = [(0_u32, 0.0_f64, 0_u32); BINS];
    for (confidence, right) in answers {
        // The first bin takes 0, each its upper end, as in Guo et al.
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        let (count, sum, correct) = &mut sums[bin];
        *count += 1;
        *sum += confidence;
        *correct += u32::from(right);
    }
    let total: u32 = sums.iter().map(|(count, _, _)| count).sum();
    let bins: Vec<ReliabilityBin> = sums
        .iter()
        .filter(|(count, _, _)| *count > 0)
        .map(|&(count, sum, correct)| ReliabilityBin {
            count,
            confidence: sum / f64::from(count),
            accuracy: f64::from(correct) / f64::from(count),
        })
        .collect();
    let apart = |bin: &ReliabilityBin| f64::from(bin.count) * (bin.accuracy - bin.confidence).abs();
    Reliability {
        ece: bins.iter().map(apart).sum::<f64>() / f64::from(total.max(1)),
        bins,
    }
}

/// The answers that [`reliability`] judges: of one label a text the most probable; of several each label's own decision.
pub fn answers<'a>(
    gold: &'a [&'a [usize]],
    probabilities: &'a [f32],
    classes: usize,
    link: Link,
) -> Box<dyn Iterator<Item = (f64, bool)> + 'a> {
    let rows = gold.iter().zip(probabilities.chunks_exact(classes));
    match link {
        Link::Softmax => Box::new(rows.map(|(gold, row)| {
            let answer = crate::most_probable(row);
            (f64::from(row[answer]), gold.contains(&answer))
        })),
        Link::Sigmoid => Box::new(rows.flat_map(|(gold, row)| {
            row.iter()
                .enumerate()
                .map(|(class, &p)| (f64::from(p), gold.contains(&class)))
        })),
    }
}

/// What one temperature did to a part's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Calibration {
    /// By what the logits were divided; above one where the model was too sure of itself.
    pub temperature: f64,
    /// As the model was trained.
    pub before: Reliability,
    /// As it answers.
    pub after: Reliability,
}

/// Tells what the temperature did, by the probabilities of the model that answers by it.
pub fn calibration(
    gold: &[&[usize]],
    after: &[f32],
    classes: usize,
    temperature: f32,
    link: Link,
) -> Calibration {
    let before = rescaled(after, classes, temperature, link);
    Calibration {
        temperature: f64::from(temperature),
        before: reliability(answers(gold, &before, classes, link)),
        after: reliability(answers(gold, after, classes, link)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    /// Texts of two classes whose true probabilities are those of logits that a model then says twice as loudly.
    fn loud(texts: usize) -> (Vec<usize>, Vec<f32>) {
        let stream = Stream::new(3, 0);
        let uniform = |counter: u64| stream.below(counter, 1_000_000) as f32 / 1_000_000.0;
        (0..texts)
            .map(|i| {
                let logit = 4.0 * uniform(2 * i as u64) - 2.0;
                let gold = usize::from(uniform(2 * i as u64 + 1) < 1.0 / (1.0 + (-logit).exp()));
                (gold, [0.0, 2.0 * logit])
            })
            .fold(
                (Vec::new(), Vec::new()),
                |(mut gold, mut scores), (label, row)| {
                    gold.push(label);
                    scores.extend(row);
                    (gold, scores)
                },
            )
    }

    #[test]
    fn a_model_that_is_twice_as_sure_as_it_should_be_gets_temperature_two() {
        let (gold, scores) = loud(20_000);
        let gold: Vec<&[usize]> = gold.iter().map(std::slice::from_ref).collect();
        let found = temperature(&scores, &gold, 2, Link::Softmax);
        assert!((found - 2.0).abs() < 0.1, "{found}");
        let mut after: Vec<f32> = scores.iter().map(|score| score / found).collect();
        after
            .chunks_exact_mut(2)
            .for_each(|row| Link::Softmax.probabilities(row));
        let told = calibration(&gold, &after, 2, found, Link::Softmax);
        assert!(told.before.ece > 0.08 && told.after.ece < 0.02, "{told:?}");
        // Each label for itself: the same logits through the other link.
        let single: Vec<f32> = scores.iter().skip(1).step_by(2).copied().collect();
        let carried: Vec<&[usize]> = gold
            .iter()
            .map(|gold| if gold[0] == 1 { &[0][..] } else { &[] })
            .collect();
        let found = temperature(&single, &carried, 1, Link::Sigmoid);
        assert!((found - 2.0).abs() < 0.1, "{found}");
    }

    #[test]
    fn few_texts_without_a_mistake_do_not_make_a_model_certain() {
        let scores = [0.0, 2.0].repeat(5);
        let gold: Vec<&[usize]> = vec![&[1]; 5];
        let found = temperature(&scores, &gold, 2, Link::Softmax);
        assert!((0.4..1.0).contains(&found), "{found}");
    }

    #[test]
    fn rescaling_back_gives_the_probabilities_again() {
        for link in [Link::Softmax, Link::Sigmoid] {
            let before = match link {
                Link::Softmax => vec![0.7, 0.2, 0.1, 0.01, 0.01, 0.98],
                Link::Sigmoid => vec![0.7, 0.2, 0.9, 0.01, 0.5, 0.98],
            };
            let there = rescaled(&before, 3, 0.5, link);
            assert_ne!(there, before);
            let back = rescaled(&there, 3, 2.0, link);
            assert!(
                back.iter().zip(&before).all(|(a, b)| (a - b).abs() < 1e-6),
                "{back:?}"
            );
        }
        let certain = rescaled(&[0.0, 1.0], 2, 0.5, Link::Softmax);
        assert!(certain.iter().all(|p| p.is_finite()), "{certain:?}");
        assert!(
            rescaled(&[0.0, 1.0], 1, 0.5, Link::Sigmoid)
                .iter()
                .all(|p| p.is_finite())
        );
    }

    #[test]
    fn the_error_is_the_mean_distance_of_saying_and_being_right() {
        // Four answers say 0.75 and half are right; one says 0.25 and is right: (4 × 0.25 + 0.75) / 5.
        let answers = [
            (0.75, true),
            (0.75, false),
            (0.75, true),
            (0.75, false),
            (0.25, true),
        ];
        let told = reliability(answers.into_iter());
        assert!((told.ece - 0.35).abs() < 1e-12);
        assert_eq!(
            (told.bins.len(), told.bins[0].count, told.bins[1].accuracy),
            (2, 1, 0.5)
        );
        assert_eq!(reliability([(1.0, true), (0.0, false)].into_iter()).bins.len(), 2);
    }
}
