//! BERT: an encoder of post-normalised transformer layers (Devlin et al. 2019, <https://arxiv.org/abs/1810.04805>).
//!
//! Token ids `[tokens]` → hidden states `[tokens, hidden]` → the pooled first token of each sequence
//! `[sequences, hidden]`. Names as in Transformers' `BertModel`.

use std::sync::Arc;

use crate::batch::PackedBatch;
use crate::config::{Config, invalid};
use crate::error::Result;
use crate::kernels::elementwise::Activation;
use crate::ops::{
    AttentionShape, EmbeddingTables, LayerNorm, add_layer_norm, attention, bias_activation, dropout, embed,
    first_tokens, layer_norm, linear,
};
use crate::parameters::{Dense, Init, Parameters};
use crate::tape::{Tape, Var};

/// What stands before the names in checkpoints of whole models.
pub const PREFIX: &str = "bert.";

/// The encoder: handles of its parameters, and what its configuration says.
#[derive(Debug, Clone)]
pub struct Bert {
    tables: EmbeddingTables,
    embedding_norm: LayerNorm,
    layers: Vec<Layer>,
    pooler: Linear,
    hidden_size: usize,
    vocabulary: usize,
    max_length: usize,
    segments: usize,
    dropout: f32,
}

/// A projection with its bias.
#[derive(Debug, Clone, Copy)]
struct Linear {
    weight: Dense,
    bias: Dense,
}

#[derive(Debug, Clone)]
struct Layer {
    qkv: Dense,
    attention: AttentionShape,
    attention_output: Linear,
    attention_norm: LayerNorm,
    intermediate: Linear,
    activation: Activation,
    output: Linear,
    output_norm: LayerNorm,
}

/// Declares parameters with the initialisation of Transformers' `BertPreTrainedModel`.
struct Builder<'p> {
    parameters: &'p mut Parameters,
    init: Init,
    epsilon: f32,
}

impl Builder<'_> {
    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Linear {
        Linear {
            weight: self
                .parameters
                .matrix(&format!("{name}.weight"), outputs, inputs, self.init),
            bias: self
                .parameters
                .vector(&format!("{name}.bias"), outputs, Init::Zeros),
        }
    }

    fn norm(&mut self, name: &str, size: usize) -> LayerNorm {
        LayerNorm {
            scale: self
                .parameters
                .vector(&format!("{name}.weight"), size, Init::Ones),
            shift: self.parameters.vector(&format!("{name}.bias"), size, Init::Zeros),
            epsilon: self.epsilon,
        }
    }
}

impl Bert {
    /// Declares the parameters.
    ///
    /// # Errors
    /// [`crate::NnError::Config`] for a configuration that this implementation cannot honour.
    pub fn new(config: &Config, parameters: &mut Parameters) -> Result<Self> {
        let hidden = config.size("hidden_size", None)?;
        let heads = config.size("num_attention_heads", None)?;
        let intermediate = config.size("intermediate_size", None)?;
        if heads == 0 || hidden % heads != 0 {
            return Err(invalid(
                "num_attention_heads",
                format!("{heads} does not divide hidden_size {hidden}"),
            ));
        }
        let positions = config.word("position_embedding_type", "absolute")?;
        if positions != "absolute" {
            return Err(invalid(
                "position_embedding_type",
                format!("{positions:?} is not supported"),
            ));
        }
        let activation = match config.word("hidden_act", "gelu")? {
            "gelu" => Activation::Gelu,
            "relu" => Activation::Relu,
            other => return Err(invalid("hidden_act", format!("{other:?} is not supported"))),
        };
        let vocabulary = config.size("vocab_size", None)?;
        let max_length = config.size("max_position_embeddings", None)?;
        let segments = config.size("type_vocab_size", Some(2))?;
        let init = Init::Normal(config.number("initializer_range", 0.02)? as f32);
        let mut b = Builder {
            parameters,
            init,
            epsilon: config.number("layer_norm_eps", 1e-12)? as f32,
        };
        let words = b
            .parameters
            .table("embeddings.word_embeddings.weight", vocabulary, hidden, init);
        let others = [("position", max_length), ("token_type", segments)]
            .map(|(name, rows)| {
                b.parameters.matrix(
                    &format!("embeddings.{name}_embeddings.weight"),
                    rows,
                    hidden,
                    init,
                )
            })
            .to_vec();
        let embedding_norm = b.norm("embeddings.LayerNorm", hidden);
        let attention_dropout = config.number("attention_probs_dropout_prob", 0.1)? as f32;
        let layers = (0..config.size("num_hidden_layers", None)?)
            .map(|i| {
                let name = format!("encoder.layer.{i}");
                let parts = |what: &str| {
                    ["query", "key", "value"].map(|p| format!("{name}.attention.self.{p}.{what}"))
                };
                Layer {
                    qkv: b.parameters.matrices(&parts("weight"), hidden, hidden, init),
                    attention: AttentionShape {
                        heads,
                        bias: b.parameters.vectors(&parts("bias"), hidden, Init::Zeros),
                        dropout: attention_dropout,
                    },
                    attention_output: b.linear(&format!("{name}.attention.output.dense"), hidden, hidden),
                    attention_norm: b.norm(&format!("{name}.attention.output.LayerNorm"), hidden),
                    intermediate: b.linear(&format!("{name}.intermediate.dense"), hidden, intermediate),
                    activation,
                    output: b.linear(&format!("{name}.output.dense"), intermediate, hidden),
                    output_norm: b.norm(&format!("{name}.output.LayerNorm"), hidden),
                }
            })
            .collect();
        // Some encoders are published without their pooler; it is then trained anew with the head.
        let first = b.parameters.len();
        let pooler = b.linear("pooler.dense", hidden, hidden);
        b.parameters.mark_optional(first);
        Ok(Bert {
            tables: EmbeddingTables { words, others },
            embedding_norm,
            layers,
            pooler,
            hidden_size: hidden,
            vocabulary,
            max_length,
            segments,
            dropout: config.number("hidden_dropout_prob", 0.1)? as f32,
        })
    }

    /// Size of the hidden states.
    pub fn hidden_size(&self) -> usize {
        self.hidden_size
    }

    /// Longest sequence in tokens.
    pub fn max_length(&self) -> usize {
        self.max_length
    }

    /// Number of token ids that the model knows.
    pub fn vocabulary(&self) -> usize {
        self.vocabulary
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
        if let Some(&segment) = batch.types.iter().find(|&&t| t as usize >= self.segments) {
            let value = segment as usize;
            return Err(crate::NnError::Batch {
                what: "segment",
                value,
                limit: self.segments,
            });
        }
        let positions = offsets
            .windows(2)
            .flat_map(|pair| 0..(pair[1] - pair[0]) as u32)
            .collect();
        let x = embed(
            tape,
            &self.tables,
            &batch.ids,
            vec![positions, batch.types.clone()],
        );
        let x = layer_norm(tape, x, self.embedding_norm);
        let mut x = dropout(tape, x, self.dropout);
        for layer in &self.layers {
            x = layer.forward(tape, x, offsets, self.dropout);
        }
        Ok(x)
    }

    /// tanh of a projection of each sequence's first token, `[sequences, hidden]`.
    ///
    /// # Errors
    /// [`crate::NnError::Batch`].
    pub fn pooled(&self, tape: &mut Tape, batch: &PackedBatch) -> Result<Var> {
        let offsets: Arc<[usize]> = Arc::from(batch.offsets.as_slice());
        let x = self.hidden_states(tape, batch, &offsets)?;
        let x = first_tokens(tape, &x, &offsets);
        let x = linear(tape, &x, self.pooler.weight);
        Ok(bias_activation(tape, x, self.pooler.bias, Activation::Tanh))
    }
}

impl Layer {
    fn forward(&self, tape: &mut Tape, x: Var, offsets: &Arc<[usize]>, dropout: f32) -> Var {
        let qkv = linear(tape, &x, self.qkv);
        let context = attention(tape, &qkv, offsets, &self.attention);
        drop(qkv);
        let y = linear(tape, &context, self.attention_output.weight);
        drop(context);
        let x = add_layer_norm(
            tape,
            y,
            self.attention_output.bias,
            &x,
            dropout,
            self.attention_norm,
        );
        let y = linear(tape, &x, self.intermediate.weight);
        let y = bias_activation(tape, y, self.intermediate.bias, self.activation);
        let y = linear(tape, &y, self.output.weight);
        add_layer_norm(tape, y, self.output.bias, &x, dropout, self.output_norm)
    }
}
