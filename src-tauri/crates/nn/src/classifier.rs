//! An encoder with a classification head: from and to a Hugging Face folder, logits, loss and gradients.

use std::path::Path;

use crate::architectures::Architecture;
use crate::batch::PackedBatch;
use crate::config::Config;
use crate::error::{NnError, Result};
use crate::architectures::layers::{Builder, initial};
use crate::head::Head;
use crate::kernels::matmul::Precision;
use crate::ops;
use crate::parameters::{Gradients, Parameters};
use crate::pool::Pool;
use crate::random::Key;
use crate::tape::{Mode, Tape, Var};
use crate::weights::{self, LoadReport};

/// Name of the weights file in a model folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// A text classifier: encoder, pooled representation, dropout, one projection to the classes.
#[derive(Debug, Clone)]
pub struct SequenceClassifier {
    /// Every trainable number.
    pub parameters: Parameters,
    config: Config,
    encoder: Architecture,
    head: Head,
    precision: Precision,
    recompute: bool,
    labels: Vec<String>,
    pool: Pool,
}

impl SequenceClassifier {
    /// Reads a pretrained encoder and puts a head for `labels` on it. A head in the folder is used if it has as many
    /// classes; what the folder lacks is initialised from `seed`.
    ///
    /// # Errors
    /// Anything of [`NnError`] about files, configuration and weights.
    pub fn from_pretrained(folder: &Path, labels: &[String], seed: u64) -> Result<(Self, LoadReport)> {
        let mut config = Config::read(folder)?;
        config.set_labels(labels);
        let mut model = Self::declare(config)?;
        let prefix = model.encoder.prefix();
        let report = weights::load(&folder.join(WEIGHTS_FILE), &mut model.parameters, prefix, seed)?;
        Ok((model, report))
    }

    /// Reads a classifier that was trained before, with its labels.
    ///
    /// # Errors
    /// As [`SequenceClassifier::from_pretrained`]; [`NnError::MissingTensor`] when the folder has no head.
    pub fn load(folder: &Path) -> Result<Self> {
        let mut model = Self::declare(Config::read(folder)?)?;
        let prefix = model.encoder.prefix();
        let report = weights::load(&folder.join(WEIGHTS_FILE), &mut model.parameters, prefix, 0)?;
        match report.initialised.into_iter().next() {
            Some(name) => Err(NnError::MissingTensor { name }),
            None => Ok(model),
        }
    }

    fn declare(config: Config) -> Result<Self> {
        let labels = config.labels()?;
        let mut parameters = Parameters::default();
        let encoder = Architecture::new(&config, &mut parameters)?;
        let first = parameters.len();
        parameters.set_depth(encoder.layers() + 1);
        let mut builder = Builder {
            init: initial(&config)?,
            epsilon: config.number("norm_eps", 1e-5)? as f32,
            prefix: "",
            parameters: &mut parameters,
        };
        let head = Head::new(encoder.head(), &mut builder, encoder.hidden_size(), labels.len());
        parameters.mark_optional(first);
        Ok(SequenceClassifier {
            parameters,
            config,
            encoder,
            head,
            precision: Precision::F32,
            recompute: false,
            labels,
            pool: Pool::default(),
        })
    }

    /// Writes `config.json` and `model.safetensors` into `folder`, named so that Transformers loads them as a
    /// sequence classifier. Tokenizer files are the caller's to copy.
    ///
    /// # Errors
    /// [`NnError::File`], [`NnError::Weights`].
    pub fn save(&self, folder: &Path) -> Result<()> {
        let mut config = self.config.clone();
        config.set("architectures", vec![self.encoder.classifier_class()]);
        config.write(folder)?;
        weights::save(&folder.join(WEIGHTS_FILE), &self.parameters)
    }

    /// The class names, in the order of the logits.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Longest sequence in tokens.
    pub fn max_length(&self) -> usize {
        self.encoder.max_length()
    }

    /// Number of token ids that the model knows.
    pub fn vocabulary(&self) -> usize {
        self.encoder.vocabulary()
    }

    /// Number of layers with parameters of their own.
    pub fn layers(&self) -> usize {
        self.encoder.layers()
    }

    /// In what numbers products are computed while training. Results are always computed in 32-bit floats, so that they
    /// are those of the saved model anywhere else.
    pub fn set_training_precision(&mut self, precision: Precision) {
        self.precision = precision;
    }

    /// Trains only what lies at `depth` or above ([`crate::parameters::Parameter::depth`]): 0 is everything, 1 leaves
    /// the embeddings as they are, `i + 1` also the first `i` layers.
    pub fn freeze(&mut self, depth: usize) {
        self.encoder.freeze(depth);
        self.parameters.freeze(|entry| entry.depth < depth);
    }

    /// Whether layers are computed again on the way back instead of kept; see [`Tape::with_recompute`].
    pub fn set_recompute(&mut self, recompute: bool) {
        self.recompute = recompute;
    }

    /// Sets the probability of dropout everywhere.
    pub fn set_dropout(&mut self, probability: f32) {
        self.head.set_dropout(probability);
        self.encoder.set_dropout(probability);
    }

    /// Logits, `[sequences, classes]` row-major.
    ///
    /// # Errors
    /// [`NnError::Batch`].
    pub fn logits(&self, batch: &PackedBatch) -> Result<Vec<f32>> {
        let mut tape = Tape::new(&self.parameters, &self.pool, Mode::Inference);
        Ok(self.forward(&mut tape, batch)?.values().to_vec())
    }

    /// Mean cross entropy of a batch. `gradients` is cleared first and then holds the gradient of every parameter.
    /// `key` decides this step's dropout.
    ///
    /// # Errors
    /// [`NnError::Batch`], [`NnError::MissingGradient`].
    pub fn loss_and_gradients(
        &self,
        batch: &PackedBatch,
        labels: &[usize],
        key: Key,
        gradients: &mut Gradients,
    ) -> Result<f64> {
        self.backward(batch, labels, Mode::Training { key, dropout: true }, gradients)
    }

    /// As [`SequenceClassifier::loss_and_gradients`] without dropout, for comparisons.
    ///
    /// # Errors
    /// As there.
    pub fn loss_and_gradients_without_dropout(
        &self,
        batch: &PackedBatch,
        labels: &[usize],
        gradients: &mut Gradients,
    ) -> Result<f64> {
        self.backward(
            batch,
            labels,
            Mode::Training {
                key: Key::new(0),
                dropout: false,
            },
            gradients,
        )
    }

    fn backward(
        &self,
        batch: &PackedBatch,
        labels: &[usize],
        mode: Mode,
        gradients: &mut Gradients,
    ) -> Result<f64> {
        if labels.len() != batch.sequences() {
            return Err(NnError::Batch {
                what: "labels",
                value: labels.len(),
                limit: batch.sequences(),
            });
        }
        gradients.clear();
        let mut tape = Tape::new(&self.parameters, &self.pool, mode)
            .with_precision(self.precision)
            .with_recompute(self.recompute);
        let logits = self.forward(&mut tape, batch)?;
        let (loss, gradient) = ops::cross_entropy(logits.values(), self.labels.len(), labels)?;
        tape.backward(&logits, gradient, gradients)?;
        Ok(loss)
    }

    fn forward(&self, tape: &mut Tape, batch: &PackedBatch) -> Result<Var> {
        let x = self.encoder.pooled(tape, batch, self.head.pooling())?;
        Ok(self.head.forward(tape, x))
    }
}
