//! Tensors with gradients: the part of Understudy that computes.
//!
//! In come the weights of a Hugging Face folder and packed batches of token ids; out go logits, a loss and the
//! gradient of every parameter. Nothing here knows what a project, a label name's meaning or a training run is,
//! and no file but `config.json` and `model.safetensors` is ever read or written.
//!
//! How it fits together, from the bottom up:
//!
//! - [`kernels`]: loops over plain `f32` slices, vectorised, deterministic for a given number of threads.
//! - [`tape`]: a forward pass records what its backward pass needs; buffers come from a [`pool`] and go back to it
//!   as soon as nothing needs them.
//! - [`ops`]: the differentiable operations, one a file, each with a hand-written backward.
//! - [`device`]: the same operations on a graphics card.
//! - [`architectures`]: encoders as compositions of operations, named as in their checkpoints.
//! - [`classifier`]: an encoder with a classification head, loaded from and saved to a Hugging Face folder.
//! - [`onnx`]: the same as an ONNX file.
//!
//! Sequences are *packed*: laid end to end as `[tokens, hidden]` with offsets, so no padding is ever computed.

// Indexed loops over slices of one length are what the compiler vectorises best, and what reads like the formula.
#![allow(clippy::needless_range_loop)]

mod adapter;
pub mod architectures;
pub mod batch;
pub mod classifier;
pub mod config;
pub mod convert;
pub mod device;
pub mod error;
mod explanation;
pub mod footprint;
pub mod head;
pub mod kernels;
pub mod memory;
pub mod onnx;
pub mod ops;
pub mod parameters;
pub mod pool;
pub mod random;
pub mod tape;
pub mod weights;

pub use architectures::MODEL_TYPES;
pub use batch::PackedBatch;
pub use classifier::{Input, SequenceClassifier, Step};
pub use config::{Config, ProblemType};
pub use device::DeviceKind;
pub use error::{NnError, Result};
pub use explanation::{WayPoint, log_odds};
pub use footprint::Footprint;
pub use head::WindowPooling;
pub use kernels::matmul::Precision;
pub use onnx::OnnxFile;
pub use ops::Objective;
pub use parameters::{Gradients, Parameters};
pub use tape::Interpolation;
