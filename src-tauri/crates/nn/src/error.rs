//! What can go wrong when a model is read, built, run or written. Facts only; the sentence is made in `engine`.

use std::path::PathBuf;

use crate::device::DeviceKind;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, NnError>;

/// A failure of the learning core.
#[derive(Debug, thiserror::Error)]
pub enum NnError {
    /// A file of the model folder could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// `config.json` lacks a field or holds a value that cannot be used.
    #[error("config.json: {field}: {reason}")]
    Config {
        /// The field's name.
        field: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The model's architecture is not one that this version can train.
    #[error("architecture {found:?} is not supported")]
    UnsupportedArchitecture {
        /// `model_type` of `config.json`.
        found: String,
    },
    /// `model.safetensors` cannot be read: cut short or damaged.
    #[error("{path}: {reason}")]
    Weights {
        /// The weights file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// More of a model has changed than adapters change: it was trained in another way, or from another model.
    #[error("{name} has changed by more than an adapter changes")]
    NotLowRank {
        /// The tensor.
        name: String,
    },
    /// The classifier is larger than an ONNX file can be.
    #[error("an ONNX file of {bytes} bytes; the limit is {limit}")]
    OnnxTooLarge {
        /// Bytes that the file would have.
        bytes: u64,
        /// Bytes that it may have.
        limit: u64,
    },
    /// The weights lack a tensor that the architecture needs.
    #[error("the weights lack {name}")]
    MissingTensor {
        /// The tensor's name in the checkpoint.
        name: String,
    },
    /// The weights have more layers than the configuration says: such a model would answer, but not as it was trained to.
    #[error("{} speaks of fewer layers than the weights have: {name} has no place", path.display())]
    MoreLayers {
        /// The configuration.
        path: PathBuf,
        /// A tensor of the weights that it does not speak of.
        name: String,
    },
    /// A tensor has another shape than the configuration says.
    #[error("{name} has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor's name.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape that the configuration asks for.
        expected: Vec<usize>,
    },
    /// A weight is not a finite number.
    #[error("{name} holds values that are not finite")]
    NotFinite {
        /// The tensor's name.
        name: String,
    },
    /// A batch does not fit the model: a token id beyond the vocabulary, a sequence beyond the positions, a label
    /// beyond the classes, or an empty sequence.
    #[error("batch: {what} {value} is out of range (limit {limit})")]
    Batch {
        /// Which value.
        what: &'static str,
        /// The value found.
        value: usize,
        /// The first value that is too large (or the least allowed for a length).
        limit: usize,
    },
    /// There is no such device.
    #[error("no device of the kind {kind:?}: {reason}")]
    NoDevice {
        /// What was asked for.
        kind: DeviceKind,
        /// What the driver said.
        reason: String,
    },
    /// This program was built without what such a device needs.
    #[error("built without devices of the kind {kind:?}")]
    NotBuiltFor {
        /// What was asked for.
        kind: DeviceKind,
    },
    /// A graphics card's memory is too small for what was asked of it.
    #[error("out of device memory: {reason}")]
    DeviceMemory {
        /// What the driver said.
        reason: String,
    },
    /// A graphics card or its driver failed.
    #[error("device: {reason}")]
    Device {
        /// What the driver said.
        reason: String,
    },
    /// After a backward pass a trainable parameter has no gradient: the graph is cut somewhere.
    #[error("no gradient reached {name}")]
    MissingGradient {
        /// The parameter's name.
        name: String,
    },
}
