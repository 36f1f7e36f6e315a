//! What a classifier's answer owes to each token: the embeddings' gradient on the way from other words to a text's own.
//!
//! One step of integrated gradients (Sundararajan et al. 2017, <https://arxiv.org/abs/1703.01365>); how many steps, and
//! where they stand, is the caller's business. The way goes through the *word* embeddings, before position and segment
//! are added and the sum is normalised: from there on the model is a differentiable function of them, whatever the
//! architecture, so that the parts add up to the whole difference.

use crate::batch::PackedBatch;
use crate::classifier::SequenceClassifier;
use crate::config::ProblemType;
use crate::error::{NnError, Result};
use crate::kernels::matmul::Precision;
use crate::parameters::{Gradients, Table};
use crate::random::Key;
use crate::tape::{Interpolation, Mode, Tape};

/// Above so many tokens layers are computed again on the way back: a third more work for a fraction of the memory.
const TOKENS_KEPT: usize = 2048;

/// A pass at one place, or several, on the way between words.
#[derive(Debug, Clone, PartialEq)]
pub struct WayPoint {
    /// Scores of every class, `[texts, classes]` row-major.
    pub logits: Vec<f32>,
    /// The log-odds of the class, one a text.
    pub log_odds: Vec<f64>,
    /// What each token's step from the first words to its own adds to them at this place: gradient times difference
    /// of the embeddings, one a token.
    pub slopes: Vec<f64>,
}

/// The log-odds of a class by a text's logits, `ln(p / (1 - p))`, and their gradient with respect to the logits. Where
/// a text may have several labels a logit is just that; else it is weighed against all others.
pub fn log_odds(problem_type: ProblemType, logits: &[f32], class: usize, gradient: &mut [f32]) -> f64 {
    let own = f64::from(logits[class]);
    gradient.fill(0.0);
    gradient[class] = 1.0;
    if problem_type == ProblemType::MultiLabel || logits.len() < 2 {
        return own;
    }
    let others = || logits.iter().enumerate().filter(|(i, _)| *i != class);
    let largest = others().fold(f64::NEG_INFINITY, |a, (_, &b)| a.max(f64::from(b)));
    let total: f64 = others().map(|(_, &x)| (f64::from(x) - largest).exp()).sum();
    for (i, &x) in others() {
        gradient[i] = -((f64::from(x) - largest).exp() / total) as f32;
    }
    own - largest - total.ln()
}

impl SequenceClassifier {
    /// What each token adds to the log-odds of a class at the places of `interpolation` between other words and the
    /// batch's own; `class` says which by the logits there. Products are computed in numbers of `precision`, whatever
    /// answers are computed in. `gradients` is room for work, to be used again.
    ///
    /// # Errors
    /// [`NnError::Batch`].
    pub fn way_point(
        &self,
        batch: &PackedBatch,
        interpolation: Interpolation,
        class: impl FnOnce(&[f32]) -> usize,
        precision: Precision,
        gradients: &mut Gradients,
    ) -> Result<WayPoint> {
        let classes = self.labels().len();
        let fits = |what, value, limit| match value < limit {
            true => Ok(()),
            false => Err(NnError::Batch { what, value, limit }),
        };
        for length in [interpolation.from.len(), interpolation.shares.len()] {
            fits("places on the way", length.abs_diff(batch.tokens()), 1)?;
        }
        let highest = interpolation.from.iter().copied().max().unwrap_or_default();
        fits("token id", highest as usize, self.vocabulary())?;
        let from = interpolation.from.clone();
        let mode = Mode::Training {
            key: Key::new(0),
            dropout: false,
        };
        let mut tape = Tape::new(&self.parameters, &self.pool, mode)
            .with_precision(precision)
            .with_recompute(batch.tokens() > TOKENS_KEPT)
            .with_interpolation(interpolation);
        let logits = self.forward(&mut tape, batch)?;
        let class = class(logits.values());
        fits("class", class, classes)?;
        let mut gradient = vec![0.0; logits.values().len()];
        let rows = logits.values().chunks_exact(classes);
        let log_odds = rows
            .zip(gradient.chunks_exact_mut(classes))
            .map(|(logits, gradient)| log_odds(self.problem_type(), logits, class, gradient))
            .collect();
        gradients.clear();
        let (gradient, words) = tape.backward_to_embeddings(&logits, gradient, gradients)?;
        Ok(WayPoint {
            logits: logits.values().to_vec(),
            log_odds,
            slopes: slopes(self.parameters.table_of(words), &batch.ids, &from, &gradient),
        })
    }

    /// Leaves every parameter as it is from now on: a way back computes no gradients of matrices then.
    pub fn freeze_parameters(&mut self) {
        self.parameters.freeze(|_| true);
    }
}

/// The product of each token's gradient with the difference of its two words' embeddings.
fn slopes(words: &Table, ids: &[u32], from: &[u32], gradient: &[f32]) -> Vec<f64> {
    let columns = words.columns;
    let row = |id: u32| &words.values[id as usize * columns..][..columns];
    let pairs = ids.iter().zip(from).zip(gradient.chunks_exact(columns));
    pairs
        .map(|((&own, &from), gradient)| {
            let differences = row(own).iter().zip(row(from)).map(|(own, from)| own - from);
            let products = differences
                .zip(gradient)
                .map(|(a, b)| f64::from(a) * f64::from(*b));
            products.sum()
        })
        .collect()
}
