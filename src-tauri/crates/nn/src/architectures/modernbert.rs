//! ModernBERT (Warner et al. 2024, <https://arxiv.org/abs/2412.13663>): pre-normalised layers with rotary position
//! embeddings and GeGLU; most layers see a window around each token only.
//!
//! Names as in Transformers' `ModernBertModel`.

mod onnx;

use std::sync::Arc;

use super::Facts;
use super::layers::{Builder, Linear, activation, heads, initial};
use crate::batch::PackedBatch;
use crate::config::{Config, invalid};
use crate::error::Result;
use crate::kernels::elementwise::Activation;
use crate::ops::{
    AttentionShape, EmbeddingTables, LayerNorm, Rotary, add, attention, dropout, embed, gated, layer_norm,
    linear,
};
use crate::parameters::Parameters;
use crate::tape::{Tape, Var};

/// What stands before the encoder's names.
pub const PREFIX: &str = "model.";

/// More than any encoder reads; the turns of every position are computed beforehand.
const MOST_POSITIONS: usize = 1 << 17;

/// The encoder.
#[derive(Debug, Clone)]
pub struct ModernBert {
    words: EmbeddingTables,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
    final_norm: LayerNorm,
    hidden_size: usize,
    vocabulary: usize,
    max_length: usize,
    embedding_dropout: f32,
    frozen_depth: usize,
}

#[derive(Debug, Clone)]
struct Layer {
    /// The first layer has none: the embeddings are normalised already.
    attention_norm: Option<LayerNorm>,
    qkv: Linear,
    attention: AttentionShape,
    attention_output: Linear,
    feed_forward_norm: LayerNorm,
    inner: Linear,
    activation: Activation,
    outer: Linear,
    dropout: f32,
}

/// Refuses layers that look elsewhere than every `global_every`-th at all tokens and the others at their neighbours.
fn check_layer_types(config: &Config, layers: usize, global_every: usize) -> Result<()> {
    let told = config.words("layer_types")?;
    let kind = |i: usize| match i % global_every {
        0 => "full_attention",
        _ => "sliding_attention",
    };
    match told.is_empty() || (0..layers).map(kind).eq(told.iter().map(String::as_str)) {
        true => Ok(()),
        false => Err(invalid("layer_types", "other than in turn is not supported")),
    }
}

impl ModernBert {
    /// Declares the parameters.
    ///
    /// # Errors
    /// [`crate::NnError::Config`] for a configuration that this implementation cannot honour.
    pub fn new(config: &Config, parameters: &mut Parameters) -> Result<Self> {
        let hidden = config.count("hidden_size", Some(768))?;
        let heads = heads(config, "num_attention_heads", hidden)?;
        let intermediate = config.count("intermediate_size", Some(1152))?;
        let vocabulary = config.count("vocab_size", None)?;
        let max_length = config.count("max_position_embeddings", Some(8192))?;
        let window = config.size("local_attention", Some(128))? / 2;
        let global_every = config.size("global_attn_every_n_layers", Some(3))?.max(1);
        let layers = config.count("num_hidden_layers", Some(22))?;
        if max_length > MOST_POSITIONS {
            return Err(invalid(
                "max_position_embeddings",
                format!("{max_length} is too large"),
            ));
        }
        if !(hidden / heads).is_multiple_of(2) {
            return Err(invalid(
                "num_attention_heads",
                format!("{heads} heads of {hidden} numbers cannot be turned in pairs"),
            ));
        }
        check_layer_types(config, layers, global_every)?;
        // Where only names are asked for, nothing is turned.
        let positions = if parameters.has_numbers() { max_length } else { 0 };
        let rotary = |theta| Arc::new(Rotary::new(positions, hidden / heads, theta));
        let thetas = [
            theta(config, "full_attention", "global_rope_theta", 160_000.0)?,
            theta(config, "sliding_attention", "local_rope_theta", 10_000.0)?,
        ];
        let [global, local] = thetas.map(rotary);
        let attention_bias = config.flag("attention_bias", false)?;
        if attention_bias || config.flag("mlp_bias", false)? || config.flag("norm_bias", false)? {
            return Err(invalid("norm_bias", "biases are not supported"));
        }
        let init = initial(config)?;
        let mut b = Builder {
            parameters,
            init,
            epsilon: config.number("norm_eps", 1e-5)? as f32,
            prefix: PREFIX,
        };
        let word_table = b.name("embeddings.tok_embeddings.weight");
        let words = EmbeddingTables {
            words: b.parameters.table(&word_table, vocabulary, hidden, init),
            others: Vec::new(),
        };
        let embedding_norm = b.norm_without_shift("embeddings.norm", hidden);
        let activation = activation(config, "hidden_activation", "gelu")?;
        if !matches!(activation, Activation::Gelu | Activation::GeluTanh) {
            return Err(invalid("hidden_activation", "only GELU is supported"));
        }
        let attention_dropout = config.number("attention_dropout", 0.0)? as f32;
        let dropout = config.number("mlp_dropout", 0.0)? as f32;
        let layers = (0..layers)
            .map(|i| {
                b.parameters.set_depth(i + 1);
                let name = |n: &str| format!("layers.{i}.{n}");
                let is_global = i % global_every == 0;
                Layer {
                    attention_norm: (i > 0).then(|| b.norm_without_shift(&name("attn_norm"), hidden)),
                    qkv: b.linear_without_bias(&name("attn.Wqkv"), hidden, 3 * hidden),
                    attention: AttentionShape {
                        heads,
                        bias: None,
                        dropout: attention_dropout,
                        window: (!is_global).then_some(window),
                        rotary: Some(if is_global { global.clone() } else { local.clone() }),
                    },
                    attention_output: b.linear_without_bias(&name("attn.Wo"), hidden, hidden),
                    feed_forward_norm: b.norm_without_shift(&name("mlp_norm"), hidden),
                    inner: b.linear_without_bias(&name("mlp.Wi"), hidden, 2 * intermediate),
                    activation,
                    outer: b.linear_without_bias(&name("mlp.Wo"), intermediate, hidden),
                    dropout,
                }
            })
            .collect();
        let final_norm = b.norm_without_shift("final_norm", hidden);
        Ok(ModernBert {
            words,
            embedding_norm,
            layers,
            final_norm,
            hidden_size: hidden,
            vocabulary,
            max_length,
            embedding_dropout: config.number("embedding_dropout", 0.0)? as f32,
            frozen_depth: 0,
        })
    }

    /// What others must know of the encoder.
    pub(super) fn facts(&self) -> Facts {
        let hidden = self.hidden_size;
        let inner = self
            .layers
            .first()
            .map_or(0, |layer| layer.outer.weight.columns());
        // Input and result of both norms; query, key, value; context; the gate's input and result.
        let kept_per_token = 8 * hidden + 3 * inner;
        Facts {
            hidden_size: hidden,
            vocabulary: self.vocabulary,
            max_length: self.max_length,
            layers: self.layers.len(),
            own_layers: self.layers.len(),
            kept_per_token,
            last_kept_per_token: kept_per_token,
            passing_per_token: 4 * hidden + 2 * inner,
        }
    }

    /// The matrices of every layer.
    pub(super) fn matrices(&self) -> Vec<super::Matrices> {
        let of_layer = |layer: &Layer| {
            [
                ("attention", layer.qkv.weight),
                ("attention_output", layer.attention_output.weight),
                ("intermediate", layer.inner.weight),
                ("output", layer.outer.weight),
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
        self.embedding_dropout = probability;
        for layer in &mut self.layers {
            layer.attention.dropout = probability;
            layer.dropout = probability;
        }
    }

    /// The hidden states after the last normalisation, `[tokens, hidden]`.
    ///
    /// # Errors
    /// [`crate::NnError::Batch`].
    pub fn hidden_states(&self, tape: &mut Tape, batch: &PackedBatch, offsets: &Arc<[usize]>) -> Result<Var> {
        batch.check(self.vocabulary, self.max_length)?;
        tape.set_recording(self.frozen_depth == 0);
        let x = embed(tape, &self.words, &batch.ids, Vec::new());
        let x = layer_norm(tape, x, self.embedding_norm);
        let mut x = dropout(tape, x, self.embedding_dropout);
        for (i, layer) in self.layers.iter().enumerate() {
            tape.set_recording(self.frozen_depth <= i + 1);
            let (layer, offsets) = (layer.clone(), offsets.clone());
            x = tape.block(vec![x], move |tape, x| layer.forward(tape, &x[0], &offsets));
        }
        let x = layer_norm(tape, x, self.final_norm);
        tape.set_recording(true);
        Ok(x)
    }
}

impl Layer {
    fn forward(&self, tape: &mut Tape, x: &Var, offsets: &Arc<[usize]>) -> Var {
        let normalised = match self.attention_norm {
            Some(norm) => layer_norm(tape, x.clone(), norm),
            None => x.clone(),
        };
        let qkv = linear(tape, &normalised, self.qkv.weight);
        let y = attention(tape, &qkv, offsets, &self.attention);
        drop((qkv, normalised));
        let y = linear(tape, &y, self.attention_output.weight);
        let y = dropout(tape, y, self.attention.dropout);
        let x = add(tape, y, x);
        let y = layer_norm(tape, x.clone(), self.feed_forward_norm);
        let y = linear(tape, &y, self.inner.weight);
        let y = gated(tape, &y, self.activation);
        let y = dropout(tape, y, self.dropout);
        let y = linear(tape, &y, self.outer.weight);
        add(tape, y, &x)
    }
}

/// The base of the rotary embeddings' wave lengths: newer configurations keep it by the kind of layer.
fn theta(config: &Config, kind: &str, field: &str, default: f64) -> Result<f64> {
    let nested = config
        .get("rope_parameters")
        .and_then(|parameters| parameters.get(kind)?.get("rope_theta")?.as_f64());
    match nested {
        Some(theta) => Ok(theta),
        None => config.number(field, default),
    }
}
