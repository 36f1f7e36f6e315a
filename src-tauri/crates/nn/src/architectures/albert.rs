//! ALBERT (Lan et al. 2020, <https://arxiv.org/abs/1909.11942>): BERT's encoder whose layers share their parameters and
//! whose embeddings are smaller than its hidden states.

use super::bert::options;
use super::post_norm::{BERT_NAMES, Names, Options};
use crate::config::{Config, invalid};
use crate::error::Result;

const NAMES: Names = Names {
    prefix: "albert.",
    projection: "encoder.embedding_hidden_mapping_in",
    layer: "encoder.albert_layer_groups.",
    query_key_value: [
        "albert_layers.0.attention.query",
        "albert_layers.0.attention.key",
        "albert_layers.0.attention.value",
    ],
    attention_output: "albert_layers.0.attention.dense",
    attention_norm: "albert_layers.0.attention.LayerNorm",
    intermediate: "albert_layers.0.ffn",
    output: "albert_layers.0.ffn_output",
    output_norm: "albert_layers.0.full_layer_layer_norm",
    ..BERT_NAMES
};

/// What a `config.json` of ALBERT says.
///
/// # Errors
/// [`crate::NnError::Config`] for a configuration that this implementation cannot honour.
pub fn albert(config: &Config) -> Result<Options> {
    let inner = config.size("inner_group_num", Some(1))?;
    if inner != 1 {
        return Err(invalid("inner_group_num", format!("{inner} is not supported")));
    }
    let shared = options(config, NAMES)?;
    let groups = config.count("num_hidden_groups", Some(1))?;
    if !shared.layers.is_multiple_of(groups) {
        return Err(invalid(
            "num_hidden_groups",
            format!("{groups} does not divide the {} layers", shared.layers),
        ));
    }
    Ok(Options {
        embedding_size: config.count("embedding_size", Some(128))?,
        groups,
        dropout_of_branches: [true, false],
        activation: super::layers::activation(config, "hidden_act", "gelu_new")?,
        ..shared
    })
}
