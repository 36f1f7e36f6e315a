//! The differentiable operations. One a file: the function that computes and records, the struct that holds what the
//! way back needs, and its backward.
//!
//! Each is checked twice: here against finite differences, and as part of whole models against PyTorch's gradients
//! (`tests/golden.rs`). Candle's own fused operations record no backward pass, which is why these exist.

mod activation;
mod add;
mod attend_rows;
mod attention;
mod binary_cross_entropy;
mod cross_entropy;
mod dropout;
mod embedding;
mod gated;
mod layer_norm;
mod linear;
mod objective;
mod rows;
mod select;

pub use activation::bias_activation;
pub use add::add;
pub use attend_rows::attend_rows;
pub(crate) use attention::mask_starts;
pub use attention::{
    AttentionShape, RelativePositions, Rotary, attention, first_token_attention, relative_attention,
};
pub use dropout::dropout;
pub use embedding::{EmbeddingTables, embed};
pub use gated::gated;
pub use layer_norm::{LayerNorm, add_layer_norm, layer_norm};
pub use linear::linear;
pub use objective::Objective;
pub use rows::rows;
pub use select::{first_tokens, max_rows, mean_tokens};

use binary_cross_entropy::binary_cross_entropy;
use cross_entropy::cross_entropy;

#[cfg(test)]
mod check;
