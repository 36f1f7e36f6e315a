//! DistilBERT (Sanh et al. 2019, <https://arxiv.org/abs/1910.01108>): BERT's encoder under names of its own, without
//! segments and without dropout after the attention.

use super::layers::{activation, heads, initial};
use super::post_norm::{BERT_NAMES, Names, Options};
use crate::config::Config;
use crate::error::Result;

const NAMES: Names = Names {
    prefix: "distilbert.",
    layer: "transformer.layer.",
    query_key_value: ["attention.q_lin", "attention.k_lin", "attention.v_lin"],
    attention_output: "attention.out_lin",
    attention_norm: "sa_layer_norm",
    intermediate: "ffn.lin1",
    output: "ffn.lin2",
    output_norm: "output_layer_norm",
    ..BERT_NAMES
};

/// What a `config.json` of DistilBERT says.
///
/// # Errors
/// [`crate::NnError::Config`] for a configuration that this implementation cannot honour.
pub fn distilbert(config: &Config) -> Result<Options> {
    let hidden_size = config.count("dim", Some(768))?;
    let layers = config.count("n_layers", Some(6))?;
    Ok(Options {
        vocabulary: config.count("vocab_size", None)?,
        embedding_size: hidden_size,
        hidden_size,
        layers,
        heads: heads(config, "n_heads", hidden_size)?,
        intermediate: config.count("hidden_dim", Some(4 * hidden_size))?,
        positions: config.count("max_position_embeddings", Some(512))?,
        first_position: 0,
        segments: 0,
        activation: activation(config, "activation", "gelu")?,
        epsilon: 1e-12,
        init: initial(config)?,
        dropout: config.number("dropout", 0.1)? as f32,
        attention_dropout: config.number("attention_dropout", 0.1)? as f32,
        dropout_of_branches: [false, true],
        distance_buckets: 0,
        groups: layers,
        names: NAMES,
    })
}
