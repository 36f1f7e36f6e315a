//! The differentiable operations. One a file: the function that computes and records, the struct that holds what the
//! way back needs, and its backward.
//!
//! Each is checked twice: here against finite differences, and as part of whole models against PyTorch's gradients
//! (`tests/golden.rs`). Candle's own fused operations record no backward pass, which is why these exist.

mod activation;
mod attention;
mod cross_entropy;
mod dropout;
mod embedding;
mod layer_norm;
mod linear;
mod select;

pub use activation::bias_activation;
pub use attention::{AttentionShape, attention};
pub use cross_entropy::cross_entropy;
pub use dropout::dropout;
pub use embedding::{EmbeddingTables, embed};
pub use layer_norm::{LayerNorm, add_layer_norm, layer_norm};
pub use linear::linear;
pub use select::first_tokens;

#[cfg(test)]
mod check;
