//! What an answer owes to each word of the text.
//!
//! Two ways. *Integrated gradients* (Sundararajan et al. 2017, <https://arxiv.org/abs/1703.01365>): from the text with all
//! its words hidden to the text itself, what each word adds to the log-odds of a class; the parts add up to the whole,
//! and [`Explanation::gap`] says how nearly. *Occlusion*: by how much the log-odds fall when the word is left out.
//! Neither says why the model holds a word for telling, nor that it is right to.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use understudy_nn::{Gradients, Interpolation, PackedBatch, Precision, log_odds};

use crate::control::Control;
use crate::error::Result;
use crate::predictor::{Predictor, decide};
use crate::tokenizer::Placed;
use crate::way::{Seen, Way};
use crate::words::{word_of, words};

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
    /// The same of the text with all words hidden, from products of rounded numbers where the processor is faster for them; with [`ExplanationMethod::Gradients`] only.
    pub hidden_log_odds: Option<f64>,
    /// Share of the difference of both that the scores miss; much where they nearly cancel; with [`ExplanationMethod::Gradients`] only.
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
        let mut places: Vec<Range<usize>> = read.places.iter().flatten().flatten().cloned().collect();
        places.sort_by_key(|place| (place.start, place.end));
        let words = words(text, &places);
        let found = match method {
            ExplanationMethod::Gradients => self.gradients(&read, &words, class, control)?,
            ExplanationMethod::Occlusion => self.occlusion(&read, &words, class, control)?,
        };
        let probabilities = self.probabilities(&found.logits);
        let [hidden, gap] = found
            .missed
            .map_or([None; 2], |[hidden, gap]| [Some(hidden), Some(gap)]);
        let scored = words.into_iter().zip(found.scores);
        Ok(Explanation {
            class: found.class,
            labels: decide(&probabilities, self.thresholds.as_deref()),
            probabilities,
            words: scored.map(|(place, score)| WordScore { place, score }).collect(),
            log_odds: self.log_odds(&found.logits, found.class),
            hidden_log_odds: hidden,
            gap,
            steps: found.steps,
            tokens: read.windows.iter().map(Vec::len).sum(),
            truncated: read.truncated,
        })
    }

    fn probabilities(&self, logits: &[f32]) -> Vec<f32> {
        let mut probabilities = vec![0.0; logits.len()];
        self.model.probabilities(logits, &mut probabilities);
        probabilities
    }

    /// The class that is asked about, or the most probable one.
    fn class_of(&self, asked: Option<usize>, logits: &[f32]) -> usize {
        asked.unwrap_or_else(|| understudy_eval::most_probable(&self.probabilities(logits)))
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
        class: Option<usize>,
        control: &Control,
    ) -> Result<Weighed> {
        let neutral = self.tokenizer.neutral_token();
        let hide = |(ids, places): (&Vec<u32>, &Vec<Option<Range<usize>>>)| -> Vec<u32> {
            let pairs = ids.iter().zip(places);
            pairs
                .map(|(&id, place)| if place.is_some() { neutral } else { id })
                .collect()
        };
        let hidden: Vec<Vec<u32>> = read.windows.iter().zip(&read.places).map(hide).collect();
        let mut walker = Walker::new(self, &read.windows, &hidden, class);
        let way = Way::walk(|places| walker.look(places, control))?;
        let parts = way.parts();
        let [hidden, own] = way.ends();
        let whole = own - hidden;
        let gap = (parts.iter().sum::<f64>() - whole).abs() / whole.abs().max(f64::MIN_POSITIVE);
        let mut scores = vec![0.0; words.len()];
        for (place, part) in read.places.iter().flatten().zip(parts) {
            if let Some(word) = place.as_ref().and_then(|place| word_of(words, place)) {
                scores[word] += part;
            }
        }
        Ok(Weighed {
            class: self.class_of(class, &walker.logits),
            scores,
            missed: Some([hidden, gap]),
            steps: way.places(),
            logits: walker.logits,
        })
    }

    /// By how much the log-odds fall without each word.
    fn occlusion(
        &self,
        read: &Placed,
        words: &[Range<usize>],
        class: Option<usize>,
        control: &Control,
    ) -> Result<Weighed> {
        let own = self.model.logits(&packed(std::slice::from_ref(&read.windows)))?;
        let class = self.class_of(class, &own);
        let whole = self.log_odds(&own, class);
        let tokens: usize = read.windows.iter().map(Vec::len).sum();
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
        let mut scores = Vec::with_capacity(words.len());
        let all: Vec<usize> = (0..words.len()).collect();
        for some in all.chunks((TOKENS_PER_BATCH / tokens.max(1)).max(1)) {
            control.check()?;
            let texts: Vec<_> = some.iter().map(|&word| without(word)).collect();
            let logits = self.model.logits(&packed(&texts))?;
            let fall = |logits| whole - self.log_odds(logits, class);
            scores.extend(logits.chunks_exact(own.len()).map(fall));
        }
        Ok(Weighed {
            class,
            logits: own,
            scores,
            missed: None,
            steps: 0,
        })
    }
}

/// What a way of weighing words found.
struct Weighed {
    class: usize,
    /// Of the text itself.
    logits: Vec<f32>,
    /// One a word.
    scores: Vec<f64>,
    /// The log-odds of the hidden text and the share of the difference that the scores miss.
    missed: Option<[f64; 2]>,
    steps: usize,
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

/// Looks at places on the way from a text with all words hidden to the text itself.
struct Walker<'p> {
    predictor: &'p Predictor,
    windows: &'p [Vec<u32>],
    from: Vec<u32>,
    class: Option<usize>,
    /// Of the text itself, as soon as it was looked at.
    logits: Vec<f32>,
    gradients: Gradients,
}

impl<'p> Walker<'p> {
    fn new(
        predictor: &'p Predictor,
        windows: &'p [Vec<u32>],
        hidden: &[Vec<u32>],
        class: Option<usize>,
    ) -> Self {
        Walker {
            predictor,
            windows,
            from: hidden.concat(),
            class,
            logits: Vec::new(),
            gradients: Gradients::new(&predictor.model.parameters),
        }
    }

    /// What is seen at these shares of the way: the log-odds, and what each token's step adds to them. The first is the
    /// text itself: what it is taken for is explained where no class was named.
    fn look(&mut self, places: &[f64], control: &Control) -> Result<Vec<Seen>> {
        let tokens = self.from.len();
        let mut seen = Vec::with_capacity(places.len());
        // The answer itself is what is told elsewhere, to the last digit. What is added up over the places beside it is off
        // by far more than rounding is: where the model learned with rounded operands, they are rounded there.
        let rounded = self.predictor.precision == Precision::Bf16;
        let (answer, beside) = places.split_at(usize::from(rounded && self.logits.is_empty()));
        let at_once = (TOKENS_PER_PASS / tokens.max(1)).max(1);
        for shares in answer.chunks(1).chain(beside.chunks(at_once)) {
            control.check()?;
            let batch = packed(&vec![self.windows.to_vec(); shares.len()]);
            let of_tokens = shares.iter().flat_map(|&share| vec![share as f32; tokens]);
            let interpolation = Interpolation {
                from: self.from.repeat(shares.len()),
                shares: of_tokens.collect(),
            };
            let (predictor, asked) = (self.predictor, self.class);
            let class = |logits: &[f32]| predictor.class_of(asked, &logits[..predictor.labels().len()]);
            let precision = match rounded && !self.logits.is_empty() {
                true => Precision::Bf16,
                false => Precision::F32,
            };
            let model = &predictor.model;
            let point = model.way_point(&batch, interpolation, class, precision, &mut self.gradients)?;
            if self.logits.is_empty() {
                self.logits = point.logits[..predictor.labels().len()].to_vec();
                self.class = Some(predictor.class_of(asked, &self.logits));
            }
            let found = point.slopes.chunks_exact(tokens.max(1)).zip(point.log_odds);
            seen.extend(found.map(|(slopes, value)| Seen {
                value,
                slopes: slopes.to_vec(),
            }));
        }
        Ok(seen)
    }
}
