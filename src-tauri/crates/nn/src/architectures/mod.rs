//! Encoders, each a composition of [`crate::ops`] with the names of its checkpoints. Adding one: a file here, a
//! variant below, a fixture for `tests/golden.rs`.

pub mod bert;

use crate::batch::PackedBatch;
use crate::config::Config;
use crate::error::{NnError, Result};
use crate::parameters::Parameters;
use crate::tape::{Tape, Var};

/// The encoders that can be trained, by `model_type` of their configuration.
#[derive(Debug, Clone)]
pub enum Architecture {
    /// Devlin et al. 2019; also MiniLM, BGE, MacBERT, LEGAL-BERT, PubMedBERT, …
    Bert(bert::Bert),
}

impl Architecture {
    /// Declares the parameters of the architecture that `config` asks for.
    ///
    /// # Errors
    /// [`NnError::UnsupportedArchitecture`], [`NnError::Config`].
    pub fn new(config: &Config, parameters: &mut Parameters) -> Result<Self> {
        match config.word("model_type", "")? {
            "bert" => Ok(Architecture::Bert(bert::Bert::new(config, parameters)?)),
            other => Err(NnError::UnsupportedArchitecture {
                found: other.to_owned(),
            }),
        }
    }

    /// What stands before the parameters' names in checkpoints of whole models.
    pub fn prefix(&self) -> &'static str {
        match self {
            Architecture::Bert(_) => bert::PREFIX,
        }
    }

    /// Name of the class that loads a saved classifier in Transformers.
    pub fn classifier_class(&self) -> &'static str {
        match self {
            Architecture::Bert(_) => "BertForSequenceClassification",
        }
    }

    /// Size of a text's representation.
    pub fn hidden_size(&self) -> usize {
        match self {
            Architecture::Bert(bert) => bert.hidden_size(),
        }
    }

    /// Longest sequence in tokens.
    pub fn max_length(&self) -> usize {
        match self {
            Architecture::Bert(bert) => bert.max_length(),
        }
    }

    /// Number of token ids that the model knows.
    pub fn vocabulary(&self) -> usize {
        match self {
            Architecture::Bert(bert) => bert.vocabulary(),
        }
    }

    /// Sets the probability of dropout everywhere in the encoder.
    pub fn set_dropout(&mut self, probability: f32) {
        match self {
            Architecture::Bert(bert) => bert.set_dropout(probability),
        }
    }

    /// One representation a sequence, `[sequences, hidden]`, by the architecture's own convention.
    ///
    /// # Errors
    /// [`NnError::Batch`].
    pub fn pooled(&self, tape: &mut Tape, batch: &PackedBatch) -> Result<Var> {
        match self {
            Architecture::Bert(bert) => bert.pooled(tape, batch),
        }
    }
}
