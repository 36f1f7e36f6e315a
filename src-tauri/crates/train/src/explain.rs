//! What an answer owes to each word of the text.
//!
//! Two ways. *Integrated gradients* (Sundararajan et al. 2017, <https://arxiv.org/abs/1703.01365>): from the text with all
//! its words hidden to the text itself, what each word adds to the log-odds of a class; the parts add up to the whole,
//! and [`Explanation::gap`] says how nearly. *Occlusion*: by how much the log-odds fall when the word is left out.
//! Neither says why the model holds a word for telling, nor that it is right to.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use understudy_nn::{Gradients, Interpolation, PackedBatch, SequenceClassifier, log_odds};

use crate::control::Control;
use crate::error::Result;
use crate::predictor::{Predictor, decide};
use crate::tokenizer::Placed;
use crate::words::{word_of, words};

/// The way is looked at in two pieces, `(from, to, intervals)`: most happens soon after the words begin to show (about nine
/// tenths of it before the middle, for clauses and MiniLM), so that places stand closer there.
const PIECES: [(f64, f64, usize); 2] = [(0.0, 0.5, 6), (0.5, 1.0, 2)];

/// How often the intervals may be halved where the parts miss too much; every place serves again.
const MOST_HALVINGS: u32 = 3;

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
        let mut way = Way::new(&self.model, &read.windows, &hidden, found.class);
        let mut halvings = 0;
        let parts = loop {
            let places = places(halvings);
            way.look(&places, control)?;
            let parts = way.parts(&places);
            let [hidden, own] = way.ends;
            let whole = own - hidden;
            let gap = (parts.iter().sum::<f64>() - whole).abs() / whole.abs().max(f64::MIN_POSITIVE);
            (found.hidden_log_odds, found.gap) = (Some(hidden), Some(gap));
            found.steps = places.len();
            if gap < GAP || halvings == MOST_HALVINGS {
                break parts;
            }
            halvings += 1;
        };
        let mut scores = vec![0.0; words.len()];
        for (place, part) in read.places.iter().flatten().zip(parts) {
            if let Some(word) = place.as_ref().and_then(|place| word_of(words, place)) {
                scores[word] += part;
            }
        }
        Ok(scores)
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

/// The way from a text with all words hidden to the text itself, as far as it was looked at.
struct Way<'p> {
    model: &'p SequenceClassifier,
    windows: &'p [Vec<u32>],
    from: Vec<u32>,
    class: usize,
    gradients: Gradients,
    /// What each token's step adds at each place, by [`Place::index`].
    slopes: HashMap<(usize, usize), Vec<f64>>,
    /// The log-odds where all words are hidden, and those of the text.
    ends: [f64; 2],
}

impl<'p> Way<'p> {
    fn new(
        model: &'p SequenceClassifier,
        windows: &'p [Vec<u32>],
        hidden: &[Vec<u32>],
        class: usize,
    ) -> Self {
        Way {
            model,
            windows,
            from: hidden.concat(),
            class,
            gradients: Gradients::new(&model.parameters),
            slopes: HashMap::new(),
            ends: [0.0; 2],
        }
    }

    /// Looks at those places that were not looked at before.
    fn look(&mut self, places: &[Place], control: &Control) -> Result<()> {
        let tokens = self.from.len();
        let unseen = |place: &&Place| !self.slopes.contains_key(&place.index);
        let unseen: Vec<&Place> = places.iter().filter(unseen).collect();
        for places in unseen.chunks((TOKENS_PER_PASS / tokens.max(1)).max(1)) {
            control.check()?;
            let batch = packed(&vec![self.windows.to_vec(); places.len()]);
            let shares = places.iter().flat_map(|place| vec![place.share as f32; tokens]);
            let interpolation = Interpolation {
                from: self.from.repeat(places.len()),
                shares: shares.collect(),
            };
            let point = self
                .model
                .way_point(&batch, interpolation, self.class, &mut self.gradients)?;
            let found = point.slopes.chunks_exact(tokens.max(1)).zip(&point.log_odds);
            for (place, (slopes, log_odds)) in places.iter().zip(found) {
                self.slopes.insert(place.index, slopes.to_vec());
                if place.share == 0.0 {
                    self.ends[0] = *log_odds;
                } else if place.share == 1.0 {
                    self.ends[1] = *log_odds;
                }
            }
        }
        Ok(())
    }

    /// What each token adds on the whole way, by these places.
    fn parts(&self, places: &[Place]) -> Vec<f64> {
        let mut parts = vec![0.0; self.from.len()];
        for place in places {
            let slopes = self.slopes.get(&place.index).into_iter().flatten();
            parts
                .iter_mut()
                .zip(slopes)
                .for_each(|(part, slope)| *part += place.weight * slope);
        }
        parts
    }
}

/// A place on the way.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Its piece and its number there among the most places that there may be: the same whatever the intervals.
    index: (usize, usize),
    /// 0 where all words are hidden, 1 at the text.
    share: f64,
    /// Its weight in the mean.
    weight: f64,
}

/// The places of both pieces when their intervals were halved so many times. Where the pieces meet there is one.
fn places(halvings: u32) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for (piece, (from, to, intervals)) in PIECES.into_iter().enumerate() {
        let intervals = intervals << halvings;
        for (number, weight) in clenshaw_curtis(intervals).into_iter().enumerate() {
            let (at, weight) = (share(number, intervals), weight * (to - from));
            match places.last_mut() {
                Some(last) if number == 0 && piece > 0 => last.weight += weight,
                _ => places.push(Place {
                    index: (piece, number << (MOST_HALVINGS - halvings)),
                    share: if at == 1.0 { to } else { from + at * (to - from) },
                    weight,
                }),
            }
        }
    }
    places
}

/// Where between 0 and 1 a place of a rule with so many intervals stands.
fn share(number: usize, intervals: usize) -> f64 {
    if number == intervals {
        return 1.0;
    }
    (1.0 - (std::f64::consts::PI * number as f64 / intervals as f64).cos()) / 2.0
}

/// The weights of the places of an even number of intervals, with which the mean of a polynomial is exact up to that
/// degree (Clenshaw and Curtis 1960). Twice as many intervals have the same places and those between, and the ends of the
/// way, which are needed anyway, are among them; nearly as exact as Gauss's rule for functions like these (Trefethen
/// 2008, <https://doi.org/10.1137/060659831>).
fn clenshaw_curtis(intervals: usize) -> Vec<f64> {
    let n = intervals as f64;
    let weight = |number: usize| {
        let angle = std::f64::consts::PI * number as f64 / n;
        let terms = (1..=intervals / 2).map(|k| {
            let last = 2 * k == intervals;
            let b = if last { 1.0 } else { 2.0 };
            b * (2.0 * k as f64 * angle).cos() / (4.0 * (k * k) as f64 - 1.0)
        });
        let end = number == 0 || number == intervals;
        (1.0 - terms.sum::<f64>()) / n / if end { 2.0 } else { 1.0 }
    };
    (0..=intervals).map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_a_polynomial_is_exact() {
        for halvings in 0..=MOST_HALVINGS {
            let places = places(halvings);
            assert_eq!(places.len(), (8 << halvings) + 1);
            assert!((places.iter().map(|place| place.weight).sum::<f64>() - 1.0).abs() < 1e-12);
            assert_eq!((places[0].share, places.last().unwrap().share), (0.0, 1.0));
            // ∫ x² = 1/3
            let mean: f64 = places
                .iter()
                .map(|place| place.weight * place.share.powi(2))
                .sum();
            assert!((mean - 1.0 / 3.0).abs() < 1e-12, "{halvings}: {mean}");
        }
    }

    #[test]
    fn every_place_serves_again_when_intervals_are_halved() {
        let finer: HashMap<(usize, usize), f64> = places(2)
            .into_iter()
            .map(|place| (place.index, place.share))
            .collect();
        for place in places(1) {
            assert!((finer[&place.index] - place.share).abs() < 1e-15, "{place:?}");
        }
    }
}
