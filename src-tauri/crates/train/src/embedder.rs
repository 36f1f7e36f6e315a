//! A pretrained encoder as it is, without learning: texts in, one row of numbers a text out.

use std::path::Path;

use understudy_nn::{NnError, SequenceClassifier};

use crate::control::Control;
use crate::error::Result;
use crate::predictor::features;
use crate::tokenizer::Tokenizer;

/// Tokens that are read of a text: its beginning says what it is about, and a long text should not cost more than many
/// short ones.
const MAX_LENGTH: usize = 256;

/// An encoder with its tokenizer.
#[derive(Debug)]
pub struct Embedder {
    model: SequenceClassifier,
    tokenizer: Tokenizer,
}

impl Embedder {
    /// Reads a pretrained model. A text will mean the mean of its tokens where the architecture can say so (sentence
    /// encoders are made for that), else what the architecture's own classifiers read.
    ///
    /// # Errors
    /// [`crate::TrainError::Model`], [`crate::TrainError::Tokenizer`].
    pub fn load(folder: &Path) -> Result<Self> {
        // The head is not used.
        let labels = ["0".to_owned(), "1".to_owned()];
        let model = match SequenceClassifier::from_sentence_encoder(folder, &labels, 0) {
            Ok((model, _)) => model,
            Err(NnError::UnsupportedArchitecture { .. }) => {
                SequenceClassifier::from_pretrained(folder, &labels, 0)?.0
            }
            Err(error) => return Err(error.into()),
        };
        let max_length = model.max_length().min(MAX_LENGTH);
        Ok(Embedder {
            tokenizer: Tokenizer::load(folder, max_length, 1)?,
            model,
        })
    }

    /// Numbers of a text.
    pub fn dimensions(&self) -> usize {
        self.model.hidden_size()
    }

    /// What the encoder makes of texts, in their order: `[texts, dimensions]`, each row of length one.
    ///
    /// # Errors
    /// [`crate::TrainError::Model`], [`crate::TrainError::Tokenizer`], [`crate::TrainError::Cancelled`].
    pub fn embed<T: AsRef<str> + Sync>(&self, texts: &[T], control: &Control) -> Result<Vec<f32>> {
        let encoded = self.tokenizer.encode(texts, control, |_| {})?;
        let mut rows = features(&self.model, &encoded, control, |_| {})?;
        for row in rows.chunks_exact_mut(self.dimensions()) {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|x| *x /= length);
            }
        }
        Ok(rows)
    }
}
