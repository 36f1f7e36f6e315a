//! BERT (Devlin et al. 2019, <https://arxiv.org/abs/1810.04805>) and ELECTRA's discriminator (Clark et al. 2020,
//! <https://arxiv.org/abs/2003.10555>), which is the same encoder with embeddings of their own size.

use super::layers::{activation, heads, initial};
use super::post_norm::{BERT_NAMES, Names, Options};
use crate::config::{Config, invalid};
use crate::error::Result;

/// What a `config.json` of BERT says.
///
/// # Errors
/// [`crate::NnError::Config`] for a configuration that this implementation cannot honour.
pub fn bert(config: &Config) -> Result<Options> {
    options(config, BERT_NAMES)
}

/// What a `config.json` of ELECTRA says.
///
/// # Errors
/// As [`bert`].
pub fn electra(config: &Config) -> Result<Options> {
    Ok(Options {
        embedding_size: config.count("embedding_size", Some(128))?,
        ..options(
            config,
            Names {
                prefix: "electra.",
                ..BERT_NAMES
            },
        )?
    })
}

/// The fields that BERT, RoBERTa, ELECTRA and MPNet share.
pub(super) fn options(config: &Config, names: Names) -> Result<Options> {
    let positions = config.word("position_embedding_type", "absolute")?;
    if positions != "absolute" {
        return Err(invalid(
            "position_embedding_type",
            format!("{positions:?} is not supported"),
        ));
    }
    let hidden_size = config.count("hidden_size", None)?;
    let layers = config.count("num_hidden_layers", None)?;
    Ok(Options {
        vocabulary: config.count("vocab_size", None)?,
        embedding_size: hidden_size,
        hidden_size,
        layers,
        heads: heads(config, "num_attention_heads", hidden_size)?,
        intermediate: config.count("intermediate_size", None)?,
        positions: config.count("max_position_embeddings", None)?,
        first_position: 0,
        segments: config.size("type_vocab_size", Some(2))?,
        activation: activation(config, "hidden_act", "gelu")?,
        epsilon: config.number("layer_norm_eps", 1e-12)? as f32,
        init: initial(config)?,
        dropout: config.number("hidden_dropout_prob", 0.1)? as f32,
        attention_dropout: config.number("attention_probs_dropout_prob", 0.1)? as f32,
        dropout_of_branches: [true, true],
        distance_buckets: 0,
        groups: layers,
        names,
    })
}
