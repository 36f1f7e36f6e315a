//! DeBERTa-v2 and -v3 (He et al. 2021, <https://arxiv.org/abs/2006.03654>, <https://arxiv.org/abs/2111.09543>): BERT's
//! layers with attention that also scores content against relative positions, in both directions.
//!
//! Names as in Transformers' `DebertaV2Model`. The convolution of v2's largest models is not supported.

mod onnx;

use std::sync::Arc;

use super::Facts;
use super::layers::{BranchEnd, Builder, Linear, activation, heads, initial};
use super::post_norm::longest;
use crate::batch::PackedBatch;
use crate::config::{Config, invalid};
use crate::error::Result;
use crate::kernels::elementwise::Activation;
use crate::ops::{
    AttentionShape, EmbeddingTables, LayerNorm, RelativePositions, dropout, embed, layer_norm, linear,
    relative_attention, rows,
};
use crate::parameters::{Dense, Parameters};
use crate::tape::{Tape, Var};

/// What stands before the encoder's names.
pub const PREFIX: &str = "deberta.";

/// The encoder.
#[derive(Debug, Clone)]
pub struct Deberta {
    words: EmbeddingTables,
    projection: Option<Linear>,
    embedding_norm: LayerNorm,
    distances: Dense,
    distance_norm: Option<LayerNorm>,
    buckets: Buckets,
    layers: Vec<Layer>,
    hidden_size: usize,
    vocabulary: usize,
    max_length: usize,
    dropout: f32,
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
}

/// How distances share embeddings.
#[derive(Debug, Clone, Copy)]
struct Buckets {
    /// Half of the number of embeddings.
    span: isize,
    /// Half of the distances that have an embedding each; `None` when all have.
    exact: Option<isize>,
    /// The largest distance that is told from others.
    farthest: isize,
}

impl Buckets {
    fn place(&self, distance: isize) -> usize {
        let bucket = match self.exact {
            Some(exact) if distance.abs() > exact => {
                // In single precision, as the checkpoints were trained with.
                let share = (distance.unsigned_abs() as f32 / exact as f32).ln()
                    / ((self.farthest - 1) as f32 / exact as f32).ln();
                let far = (share * (exact - 1) as f32).ceil() as isize + exact;
                far * distance.signum()
            }
            _ => distance,
        };
        (bucket + self.span).clamp(0, 2 * self.span - 1) as usize
    }
}

impl Deberta {
    /// Declares the parameters.
    ///
    /// # Errors
    /// [`crate::NnError::Config`] for a configuration that this implementation cannot honour.
    pub fn new(config: &Config, parameters: &mut Parameters) -> Result<Self> {
        refuse_variants(config)?;
        let hidden = config.count("hidden_size", None)?;
        let embedding = config.count("embedding_size", Some(hidden))?;
        let heads = heads(config, "num_attention_heads", hidden)?;
        let intermediate = config.count("intermediate_size", None)?;
        let vocabulary = config.count("vocab_size", None)?;
        let max_length = config.count("max_position_embeddings", Some(512))?;
        let farthest = config.size("max_relative_positions", Some(0)).unwrap_or(0);
        let farthest = if farthest == 0 { max_length } else { farthest };
        let buckets = config.size("position_buckets", Some(0)).unwrap_or(0);
        let span = if buckets > 0 { buckets } else { farthest };
        // Beyond the exact half, buckets must rise with the distance.
        if buckets > 0 && max_length > buckets / 2 + 1 && (buckets < 2 || farthest < buckets / 2 + 2) {
            return Err(invalid(
                "position_buckets",
                format!("{buckets} do not tell {farthest} distances apart"),
            ));
        }
        let init = initial(config)?;
        let mut b = Builder {
            parameters,
            init,
            epsilon: config.number("layer_norm_eps", 1e-7)? as f32,
            prefix: PREFIX,
        };
        let word_table = b.name("embeddings.word_embeddings.weight");
        let words = EmbeddingTables {
            words: b.parameters.table(&word_table, vocabulary, embedding, init),
            others: Vec::new(),
        };
        let projection =
            (embedding != hidden).then(|| b.linear_without_bias("embeddings.embed_proj", embedding, hidden));
        let embedding_norm = b.norm("embeddings.LayerNorm", hidden);
        let distance_table = b.name("encoder.rel_embeddings.weight");
        let distances = b.parameters.matrix(&distance_table, 2 * span, hidden, init);
        let normalised = config.word("norm_rel_ebd", "none")?.contains("layer_norm");
        let distance_norm = normalised.then(|| b.norm("encoder.LayerNorm", hidden));
        let activation = activation(config, "hidden_act", "gelu")?;
        let dropout = config.number("hidden_dropout_prob", 0.1)? as f32;
        let attention_dropout = config.number("attention_probs_dropout_prob", 0.1)? as f32;
        let layers = (0..config.count("num_hidden_layers", None)?)
            .map(|i| {
                b.parameters.set_depth(i + 1);
                let name = |n: &str| format!("encoder.layer.{i}.{n}");
                let names = ["query", "key", "value"].map(|n| name(&format!("attention.self.{n}_proj")));
                let qkv = b.query_key_value(names, hidden);
                Layer {
                    qkv: qkv.weight,
                    attention: AttentionShape {
                        heads,
                        bias: qkv.bias,
                        dropout: attention_dropout,
                        window: None,
                        rotary: None,
                    },
                    attention_output: b.branch_end(
                        &name("attention.output"),
                        ["dense", "LayerNorm"],
                        hidden,
                        hidden,
                    ),
                    intermediate: b.linear(&name("intermediate.dense"), hidden, intermediate),
                    activation,
                    output: b.branch_end(&name("output"), ["dense", "LayerNorm"], intermediate, hidden),
                }
            })
            .collect();
        Ok(Deberta {
            words,
            projection,
            embedding_norm,
            distances,
            distance_norm,
            buckets: Buckets {
                span: span as isize,
                exact: (buckets > 0).then_some(buckets as isize / 2),
                farthest: farthest as isize,
            },
            layers,
            hidden_size: hidden,
            vocabulary,
            max_length,
            dropout,
            frozen_depth: 0,
        })
    }

    /// What others must know of the encoder.
    pub(super) fn facts(&self) -> Facts {
        let hidden = self.hidden_size;
        let inner = self
            .layers
            .first()
            .map_or(0, |layer| layer.intermediate.weight.rows());
        // As in the BERT family; projected distances come on top, but they are few.
        let kept_per_token = 8 * hidden + 2 * inner;
        Facts {
            hidden_size: hidden,
            vocabulary: self.vocabulary,
            max_length: self.max_length,
            layers: self.layers.len(),
            own_layers: self.layers.len(),
            kept_per_token,
            last_kept_per_token: kept_per_token,
            passing_per_token: 4 * hidden + inner,
        }
    }

    /// The matrices of every layer.
    pub(super) fn matrices(&self) -> Vec<super::Matrices> {
        let of_layer = |layer: &Layer| {
            [
                ("attention", layer.qkv),
                ("attention_output", layer.attention_output.weight()),
                ("intermediate", layer.intermediate.weight),
                ("output", layer.output.weight()),
            ]
        };
        self.layers.iter().map(of_layer).collect()
    }

    /// As [`super::post_norm::PostNorm::freeze`].
    pub fn freeze(&mut self, depth: usize) {
        self.frozen_depth = depth;
    }

    /// Sets the probability of dropout everywhere.
    pub fn set_dropout(&mut self, probability: f32) {
        self.dropout = probability;
        for layer in &mut self.layers {
            layer.attention.dropout = probability;
        }
    }

    /// The hidden states of the last layer, `[tokens, hidden]`.
    ///
    /// # Errors
    /// [`crate::NnError::Batch`].
    pub fn hidden_states(&self, tape: &mut Tape, batch: &PackedBatch, offsets: &Arc<[usize]>) -> Result<Var> {
        batch.check(self.vocabulary, self.max_length)?;
        tape.set_recording(self.frozen_depth == 0);
        let mut x = embed(tape, &self.words, &batch.ids, Vec::new());
        if let Some(projection) = &self.projection {
            x = projection.forward(tape, &x, Activation::Identity);
        }
        let x = layer_norm(tape, x, self.embedding_norm);
        let mut x = dropout(tape, x, self.dropout);
        let (distances, places) = self.distances(tape, longest(offsets));
        for (i, layer) in self.layers.iter().enumerate() {
            tape.set_recording(self.frozen_depth <= i + 1);
            let (layer, offsets, places) = (layer.clone(), offsets.clone(), places.clone());
            let probability = self.dropout;
            x = tape.block(vec![x, distances.clone()], move |tape, inputs| {
                layer.forward(tape, &inputs[0], &inputs[1], &places, &offsets, probability)
            });
        }
        tape.set_recording(true);
        Ok(x)
    }

    /// The embeddings of the distances that occur in sequences up to `length`, and the row of each distance.
    fn distances(&self, tape: &mut Tape, length: usize) -> (Var, Arc<[u32]>) {
        let length = length.max(1) as isize;
        let first = self.buckets.place(1 - length);
        let last = self.buckets.place(length - 1);
        let x = rows(tape, self.distances, first..last + 1);
        let x = match self.distance_norm {
            Some(norm) => layer_norm(tape, x, norm),
            None => x,
        };
        let place = |distance| (self.buckets.place(distance) - first) as u32;
        (x, (1 - length..length).map(place).collect())
    }
}

impl Layer {
    fn forward(
        &self,
        tape: &mut Tape,
        x: &Var,
        distances: &Var,
        places: &Arc<[u32]>,
        offsets: &Arc<[usize]>,
        probability: f32,
    ) -> Var {
        let hidden = x.columns();
        let distances = dropout(tape, distances.clone(), probability);
        let positions = RelativePositions::Disentangled {
            rows: linear(tape, &distances, self.qkv.part(0..2 * hidden)),
            places: places.clone(),
        };
        let qkv = linear(tape, x, self.qkv);
        let context = relative_attention(tape, &qkv, offsets, &self.attention, &positions);
        drop((qkv, positions));
        let x = self.attention_output.forward(tape, &context, x, probability);
        let y = self.intermediate.forward(tape, &x, self.activation);
        self.output.forward(tape, &y, &x, probability)
    }
}

/// Published models of the second and third version agree in these.
fn refuse_variants(config: &Config) -> Result<()> {
    let needed = [
        ("relative_attention", true),
        ("share_att_key", true),
        ("position_biased_input", false),
    ];
    for (field, expected) in needed {
        if config.flag(field, !expected)? != expected {
            return Err(invalid(field, format!("only {expected} is supported")));
        }
    }
    for field in ["conv_kernel_size", "type_vocab_size"] {
        let value = config.size(field, Some(0))?;
        if value != 0 {
            return Err(invalid(field, format!("{value} is not supported")));
        }
    }
    let kinds = config.words("pos_att_type")?;
    match kinds.iter().any(|k| k == "c2p") && kinds.iter().any(|k| k == "p2c") {
        true => Ok(()),
        false => Err(invalid("pos_att_type", "only c2p with p2c is supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_share_embeddings_as_in_transformers() {
        let buckets = Buckets {
            span: 256,
            exact: Some(128),
            farthest: 512,
        };
        // make_log_bucket_position(d, 256, 512) + 256
        for (distance, place) in [
            (0, 256),
            (-5, 251),
            (128, 384),
            (129, 385),
            (300, 463),
            (511, 511),
            (-511, 1),
        ] {
            assert_eq!(buckets.place(distance), place, "{distance}");
        }
    }
}
