//! The BERT family: encoders of post-normalised transformer layers (Devlin et al. 2019,
//! <https://arxiv.org/abs/1810.04805>).
//!
//! Token ids `[tokens]` → hidden states `[tokens, hidden]`, or only those of each sequence's first token,
//! `[sequences, hidden]`. BERT, RoBERTa, ELECTRA, DistilBERT, MPNet and ALBERT are this encoder with other names and
//! [`Options`]; the files beside this one say which.

mod onnx;

use std::sync::Arc;

use super::Facts;
use super::layers::{BranchEnd, Builder, Linear};
use crate::batch::PackedBatch;
use crate::error::{NnError, Result};
use crate::head::set_diagonal;
use crate::kernels::elementwise::Activation;
use crate::ops::{
    AttentionShape, EmbeddingTables, LayerNorm, RelativePositions, attention, bias_activation, dropout,
    embed, first_token_attention, first_tokens, layer_norm, linear, relative_attention,
};
use crate::parameters::{Dense, Init, Parameters};
use crate::tape::{Tape, Var};

/// What distinguishes one family member from another, and one model from another.
#[derive(Debug, Clone)]
pub struct Options {
    /// Number of token ids.
    pub vocabulary: usize,
    /// Size of the embeddings; projected where it is not the hidden size.
    pub embedding_size: usize,
    /// Size of the hidden states.
    pub hidden_size: usize,
    /// Number of layers.
    pub layers: usize,
    /// Number of attention heads.
    pub heads: usize,
    /// Size of the feed-forward part.
    pub intermediate: usize,
    /// Rows of the position table.
    pub positions: usize,
    /// Row of the first token's position (RoBERTa keeps the first rows for padding).
    pub first_position: usize,
    /// Rows of the segment table; 0 for none.
    pub segments: usize,
    /// Of the feed-forward part.
    pub activation: Activation,
    /// Added to the variance in normalisations.
    pub epsilon: f32,
    /// How matrices start that no checkpoint gives.
    pub init: Init,
    /// Dropout of embeddings and of the branches below.
    pub dropout: f32,
    /// Dropout of attention probabilities.
    pub attention_dropout: f32,
    /// Whether dropout applies to the attention's output and to the feed-forward part's.
    pub dropout_of_branches: [bool; 2],
    /// Buckets of the learnt bias by distance (MPNet); 0 for none.
    pub distance_buckets: usize,
    /// How many different layers there are; each is used `layers / groups` times in a row (ALBERT has one).
    pub groups: usize,
    /// The checkpoint's names.
    pub names: Names,
}

impl Options {
    fn branch_dropout(&self) -> [f32; 2] {
        self.dropout_of_branches
            .map(|dropped| if dropped { self.dropout } else { 0.0 })
    }
}

/// Names in the checkpoint, without the prefix and `.weight` or `.bias`.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// Stands before the names in checkpoints of whole models.
    pub prefix: &'static str,
    /// From embedding size to hidden size.
    pub projection: &'static str,
    /// Learnt bias by distance.
    pub distances: &'static str,
    /// Name of a layer, before its index.
    pub layer: &'static str,
    /// Query, key, value within a layer.
    pub query_key_value: [&'static str; 3],
    /// Output of the attention.
    pub attention_output: &'static str,
    /// Normalisation after the attention.
    pub attention_norm: &'static str,
    /// First projection of the feed-forward part.
    pub intermediate: &'static str,
    /// Second projection of the feed-forward part.
    pub output: &'static str,
    /// Normalisation after the feed-forward part.
    pub output_norm: &'static str,
}

/// Names of BERT, RoBERTa and ELECTRA.
pub const BERT_NAMES: Names = Names {
    prefix: "bert.",
    projection: "embeddings_project",
    distances: "",
    layer: "encoder.layer.",
    query_key_value: [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
    ],
    attention_output: "attention.output.dense",
    attention_norm: "attention.output.LayerNorm",
    intermediate: "intermediate.dense",
    output: "output.dense",
    output_norm: "output.LayerNorm",
};

/// The encoder: handles of its parameters, and its options.
#[derive(Debug, Clone)]
pub struct PostNorm {
    options: Options,
    tables: EmbeddingTables,
    embedding_norm: LayerNorm,
    projection: Option<Linear>,
    distances: Option<Dense>,
    layers: Vec<Layer>,
    frozen_depth: usize,
}

#[derive(Debug, Clone)]
struct Layer {
    qkv: Dense,
    attention: AttentionShape,
    attention_output: BranchEnd,
    intermediate: Linear,
    activation: Activation,
    output: BranchEnd,
    /// Dropout of the attention's output and of the feed-forward part's.
    dropout: [f32; 2],
}

impl PostNorm {
    /// Declares the parameters.
    pub fn new(options: Options, parameters: &mut Parameters) -> Self {
        let names = options.names;
        let (hidden, embedding) = (options.hidden_size, options.embedding_size);
        let mut b = Builder {
            parameters,
            init: options.init,
            epsilon: options.epsilon,
            prefix: names.prefix,
        };
        let word_table = b.name("embeddings.word_embeddings.weight");
        let words = b
            .parameters
            .table(&word_table, options.vocabulary, embedding, options.init);
        let others = [("position", options.positions), ("token_type", options.segments)]
            .into_iter()
            .filter(|(_, rows)| *rows > 0)
            .map(|(name, rows)| {
                let name = b.name(&format!("embeddings.{name}_embeddings.weight"));
                b.parameters.matrix(&name, rows, embedding, options.init)
            })
            .collect();
        let embedding_norm = b.norm("embeddings.LayerNorm", embedding);
        let projection = (embedding != hidden).then(|| b.linear(names.projection, embedding, hidden));
        let distances = (options.distance_buckets > 0).then(|| {
            let name = b.name(names.distances);
            b.parameters
                .matrix(&name, options.distance_buckets, options.heads, options.init)
        });
        let own: Vec<Layer> = (0..options.groups)
            .map(|i| {
                b.parameters.set_depth(i + 1);
                Layer::new(&mut b, &format!("{}{i}", names.layer), &options)
            })
            .collect();
        let layers = (0..options.layers).map(|i| own[i * options.groups / options.layers].clone());
        PostNorm {
            tables: EmbeddingTables { words, others },
            embedding_norm,
            projection,
            distances,
            layers: layers.collect(),
            frozen_depth: 0,
            options,
        }
    }

    /// The encoder's options.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The matrices of every layer that has parameters of its own.
    pub(super) fn matrices(&self) -> Vec<super::Matrices> {
        let uses = self.options.layers / self.options.groups;
        let own = self.layers.iter().step_by(uses);
        own.map(|layer| {
            [
                ("attention", layer.qkv),
                ("attention_output", layer.attention_output.weight()),
                ("intermediate", layer.intermediate.weight),
                ("output", layer.output.weight()),
            ]
        })
        .collect()
    }

    /// What others must know of the encoder.
    pub(super) fn facts(&self) -> Facts {
        let options = &self.options;
        let (hidden, inner) = (options.hidden_size, options.intermediate);
        // Query, key, value; context; the sum and the norm after the attention; derivative and value of the activation;
        // the sum and the norm after it.
        let kept_per_token = 8 * hidden + 2 * inner;
        Facts {
            hidden_size: hidden,
            vocabulary: options.vocabulary,
            max_length: self.max_length(),
            layers: options.layers,
            own_layers: options.groups,
            kept_per_token,
            // Of the last layer only keys and values are computed for all tokens.
            last_kept_per_token: if self.distances.is_none() {
                2 * hidden
            } else {
                kept_per_token
            },
            passing_per_token: 4 * hidden + inner,
        }
    }

    /// Longest sequence in tokens.
    fn max_length(&self) -> usize {
        self.options.positions - self.options.first_position
    }

    /// Whether every layer has parameters of its own and first tokens may stand for texts.
    pub fn has_own_layers(&self) -> bool {
        self.options.groups == self.options.layers && self.distances.is_none()
    }

    /// Makes the last layer one in which every token gathers the mean of all: attention to all alike, values as they
    /// are, many times as strong as what the token was before; a feed-forward part that adds nothing.
    pub fn set_pooling_layer(&self, parameters: &mut Parameters) {
        const STRENGTH: f32 = 10.0;
        let Some(layer) = self.layers.last() else { return };
        let hidden = self.options.hidden_size;
        // Keys stay random: with queries and keys of zero neither would ever get a gradient.
        parameters.get_mut(layer.qkv.part(0..hidden)).fill(0.0);
        set_diagonal(parameters, layer.qkv.part(2 * hidden..3 * hidden), 1.0);
        layer.attention_output.set_projection(parameters, Some(STRENGTH));
        layer.output.set_projection(parameters, None);
    }

    /// Leaves the embeddings (depth 1) and the first `depth - 1` layers as they are: nothing of them is kept for a
    /// backward pass.
    pub fn freeze(&mut self, depth: usize) {
        self.frozen_depth = depth;
    }

    /// Sets the probability of dropout everywhere.
    pub fn set_dropout(&mut self, probability: f32) {
        self.options.dropout = probability;
        for layer in &mut self.layers {
            layer.attention.dropout = probability;
            layer.dropout = self.options.branch_dropout();
        }
    }

    /// The hidden states of the last layer, `[tokens, hidden]`.
    ///
    /// # Errors
    /// [`NnError::Batch`].
    pub fn hidden_states(&self, tape: &mut Tape, batch: &PackedBatch, offsets: &Arc<[usize]>) -> Result<Var> {
        self.run(tape, batch, offsets, &self.layers)
    }

    /// The hidden state of each sequence's first token, `[sequences, hidden]`. Of the last layer nothing else is
    /// computed.
    ///
    /// # Errors
    /// [`NnError::Batch`].
    pub fn first(&self, tape: &mut Tape, batch: &PackedBatch, offsets: &Arc<[usize]>) -> Result<Var> {
        match self.layers.split_last() {
            Some((last, others)) if self.distances.is_none() => {
                let x = self.run(tape, batch, offsets, others)?;
                tape.set_recording(self.frozen_depth <= self.layers.len());
                let x = last.first(tape, &x, offsets);
                tape.set_recording(true);
                Ok(x)
            }
            _ => {
                let x = self.hidden_states(tape, batch, offsets)?;
                Ok(first_tokens(tape, &x, offsets))
            }
        }
    }

    /// Embeddings and some layers.
    fn run(
        &self,
        tape: &mut Tape,
        batch: &PackedBatch,
        offsets: &Arc<[usize]>,
        layers: &[Layer],
    ) -> Result<Var> {
        tape.set_recording(self.frozen_depth == 0);
        let embedded = self.embeddings(tape, batch, offsets);
        tape.set_recording(true);
        let (mut x, positions) = embedded?;
        for (i, layer) in layers.iter().enumerate() {
            tape.set_recording(self.frozen_depth <= i + 1);
            let (layer, offsets, positions) = (layer.clone(), offsets.clone(), positions.clone());
            x = tape.block(vec![x], move |tape, x| {
                layer.forward(tape, &x[0], &offsets, positions.as_ref())
            });
        }
        tape.set_recording(true);
        Ok(x)
    }

    fn embeddings(
        &self,
        tape: &mut Tape,
        batch: &PackedBatch,
        offsets: &Arc<[usize]>,
    ) -> Result<(Var, Option<RelativePositions>)> {
        let options = &self.options;
        batch.check(options.vocabulary, self.max_length())?;
        let first = options.first_position as u32;
        let positions = offsets
            .windows(2)
            .flat_map(|pair| first..first + (pair[1] - pair[0]) as u32)
            .collect();
        let mut indices = vec![positions];
        if options.segments > 0 {
            let beyond = |&&segment: &&u32| segment as usize >= options.segments;
            if let Some(&segment) = batch.types.iter().find(beyond) {
                return Err(NnError::Batch {
                    what: "segment",
                    value: segment as usize,
                    limit: options.segments,
                });
            }
            indices.push(batch.types.clone());
        }
        let x = embed(tape, &self.tables, &batch.ids, indices);
        let x = layer_norm(tape, x, self.embedding_norm);
        let mut x = dropout(tape, x, options.dropout);
        if let Some(projection) = &self.projection {
            x = projection.forward(tape, &x, Activation::Identity);
        }
        let positions = self.distances.map(|table| RelativePositions::Bias {
            table,
            buckets: buckets(longest(offsets), options.distance_buckets),
        });
        Ok((x, positions))
    }
}

impl Layer {
    fn new(b: &mut Builder, name: &str, options: &Options) -> Self {
        let (names, hidden) = (options.names, options.hidden_size);
        let qkv = b.query_key_value(names.query_key_value.map(|n| format!("{name}.{n}")), hidden);
        let attention_output = [names.attention_output, names.attention_norm];
        let attention_output = b.branch_end(name, attention_output, hidden, hidden);
        let output = [names.output, names.output_norm];
        let output = b.branch_end(name, output, options.intermediate, hidden);
        Layer {
            qkv: qkv.weight,
            attention: AttentionShape {
                heads: options.heads,
                bias: qkv.bias,
                dropout: options.attention_dropout,
                window: None,
                rotary: None,
            },
            attention_output,
            intermediate: b.linear(
                &format!("{name}.{}", names.intermediate),
                hidden,
                options.intermediate,
            ),
            activation: options.activation,
            output,
            dropout: options.branch_dropout(),
        }
    }

    /// The layer for all tokens.
    fn forward(
        &self,
        tape: &mut Tape,
        x: &Var,
        offsets: &Arc<[usize]>,
        positions: Option<&RelativePositions>,
    ) -> Var {
        let qkv = linear(tape, x, self.qkv);
        let context = match positions {
            None => attention(tape, &qkv, offsets, &self.attention),
            Some(positions) => relative_attention(tape, &qkv, offsets, &self.attention, positions),
        };
        drop(qkv);
        self.rest(tape, &context, x)
    }

    /// The layer for each sequence's first token.
    fn first(&self, tape: &mut Tape, x: &Var, offsets: &Arc<[usize]>) -> Var {
        let hidden = x.columns();
        let first = first_tokens(tape, x, offsets);
        let query = linear(tape, &first, self.qkv.part(0..hidden));
        let kv = linear(tape, x, self.qkv.part(hidden..3 * hidden));
        let context = first_token_attention(tape, &query, &kv, offsets, &self.attention);
        drop((query, kv));
        self.rest(tape, &context, &first)
    }

    /// What follows the attention.
    fn rest(&self, tape: &mut Tape, context: &Var, x: &Var) -> Var {
        let [of_attention, of_output] = self.dropout;
        let x = self.attention_output.forward(tape, context, x, of_attention);
        let y = linear(tape, &x, self.intermediate.weight);
        let y = bias_activation(tape, y, self.intermediate.bias, self.activation);
        self.output.forward(tape, &y, &x, of_output)
    }
}

/// Length of the longest sequence.
pub fn longest(offsets: &[usize]) -> usize {
    offsets
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .max()
        .unwrap_or_default()
}

/// T5's buckets of distances (Raffel et al. 2020) for sequences up to `length`: half of them for keys before the query
/// and half for keys after it, the near ones one distance each, the far ones up to 128 on a logarithmic scale.
/// `[key - query + length - 1]`.
fn buckets(length: usize, buckets: usize) -> Arc<[u32]> {
    const FARTHEST: f64 = 128.0;
    let half = buckets / 2;
    let exact = half / 2;
    let bucket = |distance: isize| {
        let after = if distance > 0 { half } else { 0 };
        let far = distance.unsigned_abs();
        let place = if far < exact {
            far
        } else {
            // In single precision, as the checkpoints were trained with.
            let share = (far as f32 / exact as f32).ln() / (FARTHEST / exact as f64).ln() as f32;
            (exact + (share * (half - exact) as f32) as usize).min(half - 1)
        };
        (after + place) as u32
    };
    let length = length.max(1) as isize;
    (1 - length..length).map(bucket).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_distances_have_a_bucket_each_and_far_ones_share() {
        let found = buckets(300, 32);
        let at = |distance: isize| found[(distance + 299) as usize];
        assert_eq!((at(0), at(-1), at(-7), at(1), at(7)), (0, 1, 7, 17, 23));
        assert_eq!(at(-8), 8);
        assert_eq!(at(-128), 15);
        assert_eq!(at(299), 31);
    }
}
