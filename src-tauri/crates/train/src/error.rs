//! What can go wrong while a model learns or is used. Facts only; the sentence is made in `engine`.

use std::path::PathBuf;

use understudy_nn::NnError;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, TrainError>;

/// A failure of training or prediction.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The model cannot be read, built or run.
    #[error(transparent)]
    Model(#[from] NnError),
    /// The tokenizer's file cannot be read or does not fit.
    #[error("{path}: {reason}")]
    Tokenizer {
        /// The tokenizer's file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// What is noted beside a trained model cannot be understood.
    #[error("{path}: {reason}")]
    Notes {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// The tokenizer knows more tokens than the model has embeddings for.
    #[error("the tokenizer gives the token {token}, the model has {vocabulary}")]
    VocabularyMismatch {
        /// A token id beyond the embeddings.
        token: u32,
        /// Number of embeddings.
        vocabulary: usize,
    },
    /// A file of the run could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A checkpoint is damaged or belongs to another run.
    #[error("checkpoint {path}: {reason}")]
    Checkpoint {
        /// The checkpoint.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// A setting is outside of what makes sense.
    #[error("{setting} = {value} is outside {low}..={high}")]
    Setting {
        /// The setting's name.
        setting: &'static str,
        /// Its value.
        value: f64,
        /// Smallest allowed.
        low: f64,
        /// Largest allowed.
        high: f64,
    },
    /// There is nothing to learn from or to judge by.
    #[error("the {part} part is empty")]
    EmptyPart {
        /// Which part.
        part: &'static str,
    },
    /// The loss is no longer a number: the weights have run away.
    #[error("the loss is {loss} at step {step}")]
    Diverged {
        /// The step.
        step: u32,
        /// The loss found.
        loss: f64,
    },
    /// Judging failed, which means that the data handed over was inconsistent.
    #[error(transparent)]
    Judging(#[from] understudy_eval::EvalError),
    /// The user stopped the work. A checkpoint was written first.
    #[error("cancelled")]
    Cancelled,
}
