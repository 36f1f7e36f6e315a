//! RoBERTa (Liu et al. 2019, <https://arxiv.org/abs/1907.11692>), XLM-RoBERTa and CamemBERT, which share its layout, and
//! MPNet (Song et al. 2020, <https://arxiv.org/abs/2004.09297>): BERT's encoder whose positions begin after the padding
//! token's.

use super::bert::options;
use super::post_norm::{BERT_NAMES, Names, Options};
use crate::config::{Config, invalid};
use crate::error::Result;

/// `options` with positions that begin after the padding token's.
fn after_padding(config: &Config, options: Options) -> Result<Options> {
    let first_position = config.size("pad_token_id", Some(1))? + 1;
    match first_position < options.positions {
        true => Ok(Options {
            first_position,
            ..options
        }),
        false => Err(invalid(
            "max_position_embeddings",
            format!("{} leave none after the padding", options.positions),
        )),
    }
}

/// What a `config.json` of RoBERTa, XLM-RoBERTa or CamemBERT says.
///
/// # Errors
/// [`crate::NnError::Config`] for a configuration that this implementation cannot honour.
pub fn roberta(config: &Config) -> Result<Options> {
    let names = Names {
        prefix: "roberta.",
        ..BERT_NAMES
    };
    after_padding(config, options(config, names)?)
}

/// What a `config.json` of MPNet says: no segments, and a bias by distance.
///
/// # Errors
/// As [`roberta`].
pub fn mpnet(config: &Config) -> Result<Options> {
    let names = Names {
        prefix: "mpnet.",
        distances: "encoder.relative_attention_bias.weight",
        query_key_value: ["attention.attn.q", "attention.attn.k", "attention.attn.v"],
        attention_output: "attention.attn.o",
        attention_norm: "attention.LayerNorm",
        ..BERT_NAMES
    };
    let of_mpnet = Options {
        segments: 0,
        distance_buckets: config.count("relative_attention_num_buckets", Some(32))?,
        ..options(config, names)?
    };
    after_padding(config, of_mpnet)
}
