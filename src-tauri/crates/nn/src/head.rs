//! What stands on an encoder to classify texts: one representation a text → logits `[sequences, classes]`.
//!
//! Every architecture of Transformers has its own convention (which representation, what in between, which names), so
//! that a saved model is read back there; [`HeadShape`] says which.

mod onnx;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::architectures::layers::{Builder, Linear};
use crate::kernels::elementwise::Activation;
use crate::ops::{self, LayerNorm};
use crate::parameters::{Dense, Parameters};
use crate::tape::{Tape, Var};

/// Which row stands for a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pooling {
    /// That of the first token.
    First,
    /// The mean of all tokens.
    Mean,
}

/// How the windows of a long text become one representation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum WindowPooling {
    /// Their mean: every part of the text counts alike.
    #[default]
    Mean,
    /// The largest of each number: one telling part is enough.
    Max,
    /// Their sum by weights that are learned: which parts tell is learned with the rest.
    Attention,
}

/// Windows to texts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Gathering {
    Mean,
    Max,
    /// With the query that is learned.
    Attention(Dense),
}

impl Gathering {
    /// One row a text out of one row a window; `texts` as in [`crate::PackedBatch`], `None` where each window is a text.
    pub(crate) fn apply(self, tape: &mut Tape, x: Var, texts: Option<&Arc<[usize]>>) -> Var {
        match (self, texts) {
            (Gathering::Mean, Some(texts)) => ops::mean_tokens(tape, &x, texts),
            (Gathering::Max, Some(texts)) => ops::max_rows(tape, &x, texts),
            (Gathering::Attention(query), Some(texts)) => ops::attend_rows(tape, &x, query, texts),
            // Texts of one window teach the query nothing, but a parameter without any gradient would be a mistake.
            (Gathering::Attention(query), None) if tape.training() => {
                let alone = (0..=x.rows()).collect();
                ops::attend_rows(tape, &x, query, &alone)
            }
            (_, None) => x,
        }
    }
}

/// An architecture's convention.
#[derive(Debug, Clone, Copy)]
pub struct HeadShape {
    /// Which row stands for a text.
    pub pooling: Pooling,
    /// Name of the projection between representation and classes.
    pub dense: &'static str,
    /// Whether that projection has a bias.
    pub dense_bias: bool,
    /// Follows the projection.
    pub activation: Activation,
    /// Name of the normalisation that follows, where one does.
    pub norm: Option<&'static str>,
    /// Name of the projection to the classes.
    pub out: &'static str,
    /// Whether dropout also stands before the first projection.
    pub dropout_first: bool,
    /// Probability of dropout.
    pub dropout: f32,
}

/// A classification head.
#[derive(Debug, Clone)]
pub struct Head {
    shape: HeadShape,
    dense: Linear,
    norm: Option<LayerNorm>,
    out: Linear,
}

impl Head {
    /// Declares the parameters; `b.prefix` must be empty.
    pub fn new(shape: HeadShape, b: &mut Builder, hidden: usize, classes: usize) -> Self {
        let dense = match shape.dense_bias {
            true => b.linear(shape.dense, hidden, hidden),
            false => b.linear_without_bias(shape.dense, hidden, hidden),
        };
        Head {
            dense,
            norm: shape.norm.map(|name| b.norm_without_shift(name, hidden)),
            out: b.linear(shape.out, hidden, classes),
            shape,
        }
    }

    /// Which row stands for a text.
    pub fn pooling(&self) -> Pooling {
        self.shape.pooling
    }

    /// Sets the probability of dropout.
    pub fn set_dropout(&mut self, probability: f32) {
        self.shape.dropout = probability;
    }

    /// Lets the representation pass through the projection to the classes' projection nearly unchanged: for one that
    /// means something already.
    pub fn set_passing(&self, parameters: &mut Parameters) {
        // Small enough to stay where the activation is nearly linear.
        const FACTOR: f32 = 0.5;
        set_diagonal(parameters, self.dense.weight, FACTOR);
        if let Some(bias) = self.dense.bias {
            parameters.get_mut(bias).fill(0.0);
        }
    }

    /// Multiplies the logits by a factor, for good: by the numbers of the projection to the classes.
    pub fn scale_logits(&self, parameters: &mut Parameters, factor: f32) {
        for numbers in [Some(self.out.weight), self.out.bias].into_iter().flatten() {
            parameters
                .get_mut(numbers)
                .iter_mut()
                .for_each(|number| *number *= factor);
        }
    }

    /// `[sequences, hidden]` → logits.
    pub fn forward(&self, tape: &mut Tape, x: Var) -> Var {
        let shape = &self.shape;
        let x = match shape.dropout_first {
            true => ops::dropout(tape, x, shape.dropout),
            false => x,
        };
        let mut x = self.dense.forward(tape, &x, shape.activation);
        if let Some(norm) = self.norm {
            x = ops::layer_norm(tape, x, norm);
        }
        let x = ops::dropout(tape, x, shape.dropout);
        self.out.forward(tape, &x, Activation::Identity)
    }
}

/// Makes a square matrix a multiple of the identity.
pub fn set_diagonal(parameters: &mut Parameters, matrix: Dense, factor: f32) {
    let columns = matrix.columns();
    for (row, numbers) in parameters.get_mut(matrix).chunks_exact_mut(columns).enumerate() {
        numbers.fill(0.0);
        numbers[row] = factor;
    }
}

/// One row a sequence out of the hidden states of all tokens.
pub fn pool(tape: &mut Tape, x: &Var, offsets: &Arc<[usize]>, pooling: Pooling) -> Var {
    match pooling {
        Pooling::First => ops::first_tokens(tape, x, offsets),
        Pooling::Mean => ops::mean_tokens(tape, x, offsets),
    }
}
