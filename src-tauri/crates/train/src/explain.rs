//! What an answer owes to each word of the text.
//!
//! Two ways. *Integrated gradients* (Sundararajan et al. 2017, <https://arxiv.org/abs/1703.01365>): from the text with all
//! its words hidden to the text itself, what each word adds to the log-odds of a class; the parts add up to the whole,
//! and [`Explanation::gap`] says how nearly. *Occlusion*: by how much the log-odds fall when the word is left out.
//! Neither says why the model holds a word for telling, nor that it is right to.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use understudy_nn::{Gradients, Interpolation, PackedBatch, log_odds};

use crate::control::Control;
use crate::error::Result;
use crate::predictor::{Predictor, decide};
use crate::tokenizer::Placed;
use crate::words::{word_of, words};

/// Numbers of steps of integrated gradients, tried until the gap is small enough.
const STEPS: [usize; 3] = [8, 16, 64];

/// Share of the whole difference that the parts may miss before more steps are taken.
const GAP: f64 = 0.1;

/// Tokens of a pass there and back: bounds the memory.
const TOKENS_PER_PASS: usize = 1024;

/// Tokens of a pass there only.
const TOKENS_PER_BATCH: usize = 2048;

/// How words are weighed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ExplanationMethod {
    /// Integrated gradients: fast, and the parts add up.
    #[default]
    Gradients,
    /// Every word is left out once: slower, and easy to say.
    Occlusion,
}

/// What a word adds to the log-odds of the class.
#[derive(Debug, Clone, PartialEq)]
pub struct WordScore {
    /// Where it stands in the text, in bytes.
    pub place: Range<usize>,
    /// Above zero it speaks for the class, below against it.
    pub score: f64,
}

/// Why a text was given its answer, or could have been given another.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The class that is explained.
    pub class: usize,
    /// Classes given to the text, as [`crate::Predicted::labels`].
    pub labels: Vec<usize>,
    /// Probability of every class.
    pub probabilities: Vec<f32>,
    /// Words, numbers and signs in the order of the text, as far as it was read.
    pub words: Vec<WordScore>,
    /// Log-odds of the class.
    pub log_odds: f64,
    /// The same of the text with all words hidden; with [`ExplanationMethod::Gradients`] only.
    pub hidden_log_odds: Option<f64>,
    /// Share of the difference of both that the scores miss; with [`ExplanationMethod::Gradients`] only.
    pub gap: Option<f64>,
    /// Places on the way that were looked at.
    pub steps: usize,
    /// Tokens read.
    pub tokens: usize,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
}

impl Predictor {
    /// What each word of a text adds to a class: to the one that is given, or if several are or none to the most
    /// probable, unless `class` says which.
    ///
    /// # Errors
    /// [`crate::TrainError::Model`], [`crate::TrainError::Tokenizer`], [`crate::TrainError::Cancelled`].
    pub fn explain(
        &self,
        text: &str,
        class: Option<usize>,
        method: ExplanationMethod,
        control: &Control,
    ) -> Result<Explanation> {
        let read = self.tokenizer.encode_with_places(text)?;
        let logits = self.model.logits(&packed(std::slice::from_ref(&read.windows)))?;
        let mut probabilities = vec![0.0; logits.len()];
        self.model.probabilities(&logits, &mut probabilities);
        let class = class.unwrap_or_else(|| understudy_eval::most_probable(&probabilities));
        let own = self.log_odds(&logits, class);
        let mut places: Vec<Range<usize>> = read.places.iter().flatten().flatten().cloned().collect();
        places.sort_by_key(|place| (place.start, place.end));
        let words = words(text, &places);
        let mut explanation = Explanation {
            class,
            labels: decide(&probabilities, self.thresholds.as_deref()),
            probabilities,
            words: Vec::new(),
            log_odds: own,
            hidden_log_odds: None,
            gap: None,
            steps: 0,
            tokens: read.windows.iter().map(Vec::len).sum(),
            truncated: read.truncated,
        };
        let scores = match method {
            ExplanationMethod::Gradients => self.gradients(&read, &words, &mut explanation, control)?,
            ExplanationMethod::Occlusion => self.occlusion(&read, &words, &explanation, control)?,
        };
        let scored = words.into_iter().zip(scores);
        explanation.words = scored.map(|(place, score)| WordScore { place, score }).collect();
        Ok(explanation)
    }

    fn log_odds(&self, logits: &[f32], class: usize) -> f64 {
        log_odds(
            self.model.problem_type(),
            logits,
            class,
            &mut vec![0.0; logits.len()],
        )
    }

    /// Integrated gradients of each word, with as many steps as the gap asks for.
    fn gradients(
        &self,
        read: &Placed,
        words: &[Range<usize>],
        found: &mut Explanation,
        control: &Control,
    ) -> Result<Vec<f64>> {
        let neutral = self.tokenizer.neutral_token();
        let hide = |(ids, places): (&Vec<u32>, &Vec<Option<Range<usize>>>)| -> Vec<u32> {
            let pairs = ids.iter().zip(places);
            pairs
                .map(|(&id, place)| if place.is_some() { neutral } else { id })
                .collect()
        };
        let hidden: Vec<Vec<u32>> = read.windows.iter().zip(&read.places).map(hide).collect();
        let logits = self.model.logits(&packed(std::slice::from_ref(&hidden)))?;
        let hidden_log_odds = self.log_odds(&logits, found.class);
        let whole = found.log_odds - hidden_log_odds;
        found.hidden_log_odds = Some(hidden_log_odds);
        let mut parts = Vec::new();
        for steps in STEPS {
            parts = self.integrated(&read.windows, &hidden, found.class, steps, control)?;
            let gap = (parts.iter().sum::<f64>() - whole).abs() / whole.abs().max(f64::MIN_POSITIVE);
            found.gap = Some(gap);
            found.steps += steps;
            if gap < GAP {
                break;
            }
        }
        let mut scores = vec![0.0; words.len()];
        for (place, part) in read.places.iter().flatten().zip(parts) {
            if let Some(word) = place.as_ref().and_then(|place| word_of(words, place)) {
                scores[word] += part;
            }
        }
        Ok(scores)
    }

    /// What each token adds on the whole way from the hidden text to the text.
    fn integrated(
        &self,
        windows: &[Vec<u32>],
        hidden: &[Vec<u32>],
        class: usize,
        steps: usize,
        control: &Control,
    ) -> Result<Vec<f64>> {
        let tokens: usize = windows.iter().map(Vec::len).sum();
        let from = hidden.concat();
        let mut gradients = Gradients::new(&self.model.parameters);
        let mut parts = vec![0.0; tokens];
        for places in gauss_legendre(steps).chunks((TOKENS_PER_PASS / tokens.max(1)).max(1)) {
            control.check()?;
            let batch = packed(&vec![windows.to_vec(); places.len()]);
            let interpolation = Interpolation {
                from: from.repeat(places.len()),
                shares: places
                    .iter()
                    .flat_map(|(at, _)| vec![*at as f32; tokens])
                    .collect(),
            };
            let point = self
                .model
                .way_point(&batch, interpolation, class, &mut gradients)?;
            for (slopes, (_, weight)) in point.slopes.chunks_exact(tokens).zip(places) {
                parts
                    .iter_mut()
                    .zip(slopes)
                    .for_each(|(part, slope)| *part += weight * slope);
            }
        }
        Ok(parts)
    }

    /// By how much the log-odds fall without each word.
    fn occlusion(
        &self,
        read: &Placed,
        words: &[Range<usize>],
        found: &Explanation,
        control: &Control,
    ) -> Result<Vec<f64>> {
        let neutral = self.tokenizer.neutral_token();
        let without = |word: usize| -> Vec<Vec<u32>> {
            let windows = read.windows.iter().zip(&read.places);
            let windows = windows.map(|(ids, places)| {
                let of_word = |place: &Option<Range<usize>>| {
                    place.as_ref().and_then(|place| word_of(words, place)) == Some(word)
                };
                let kept = ids.iter().zip(places).filter(|(_, place)| !of_word(place));
                let kept: Vec<u32> = kept.map(|(&id, _)| id).collect();
                // A model reads something or nothing at all.
                if kept.is_empty() { vec![neutral] } else { kept }
            });
            windows.collect()
        };
        let classes = found.probabilities.len();
        let mut scores = Vec::with_capacity(words.len());
        let all: Vec<usize> = (0..words.len()).collect();
        for some in all.chunks((TOKENS_PER_BATCH / found.tokens.max(1)).max(1)) {
            control.check()?;
            let texts: Vec<_> = some.iter().map(|&word| without(word)).collect();
            let logits = self.model.logits(&packed(&texts))?;
            let fall = |logits| found.log_odds - self.log_odds(logits, found.class);
            scores.extend(logits.chunks_exact(classes).map(fall));
        }
        Ok(scores)
    }
}

/// Texts, each of one window or several, end to end.
fn packed(texts: &[Vec<Vec<u32>>]) -> PackedBatch {
    let mut batch = PackedBatch::from_sequences(texts.iter().flatten().map(Vec::as_slice));
    if texts.iter().any(|windows| windows.len() > 1) {
        let ends = texts.iter().scan(0, |end, windows| {
            *end += windows.len();
            Some(*end)
        });
        batch.texts = Some(std::iter::once(0).chain(ends).collect());
    }
    batch
}

/// Places between 0 and 1 and their weights, with which the mean of a smooth function is exact up to degree
/// `2 · points - 1`: roots of Legendre's polynomial by Newton's method.
fn gauss_legendre(points: usize) -> Vec<(f64, f64)> {
    let n = points as f64;
    let root = |i: usize| {
        let mut x = (std::f64::consts::PI * (i as f64 + 0.75) / (n + 0.5)).cos();
        let mut slope = 1.0;
        for _ in 0..20 {
            let (mut before, mut value) = (1.0, x);
            for k in 2..=points {
                let k = k as f64;
                (before, value) = (value, ((2.0 * k - 1.0) * x * value - (k - 1.0) * before) / k);
            }
            slope = n * (x * value - before) / (x * x - 1.0);
            x -= value / slope;
        }
        ((1.0 - x) / 2.0, 1.0 / ((1.0 - x * x) * slope * slope))
    };
    (0..points).map(root).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_polynomial_is_exact() {
        for points in [2, 8, 64] {
            let rule = gauss_legendre(points);
            assert!((rule.iter().map(|(_, weight)| weight).sum::<f64>() - 1.0).abs() < 1e-12);
            // ∫ x³ = 1/4
            let mean: f64 = rule.iter().map(|(x, weight)| weight * x.powi(3)).sum();
            assert!((mean - 0.25).abs() < 1e-12, "{points}: {mean}");
        }
    }
}
