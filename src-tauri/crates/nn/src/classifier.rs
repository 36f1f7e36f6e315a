//! An encoder with a classification head: from and to a Hugging Face folder, logits, loss and gradients.

mod onnx;

use std::collections::HashSet;
use std::path::Path;

use crate::architectures::Architecture;
use crate::architectures::layers::{Builder, initial};
use crate::batch::PackedBatch;
use crate::config::{CONFIG_FILE, Config, ProblemType};
use crate::device::{Device, Mirror};
use crate::error::{NnError, Result};
use crate::head::{Gathering, Head, WindowPooling};
use crate::kernels::matmul::Precision;
use crate::ops::Objective;
use crate::parameters::{Dense, Gradients, Init, Parameters};
use crate::pool::Pool;
use crate::random::Key;
use crate::tape::{Mode, Tape, Var};
use crate::weights::{self, LoadReport};

/// Name of the weights file in a model folder.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// A text classifier: encoder, pooled representation, dropout, one projection to the classes.
#[derive(Debug)]
pub struct SequenceClassifier {
    /// Every trainable number. Behind what a device holds until [`SequenceClassifier::fetch`].
    pub parameters: Parameters,
    /// The numbers on the device that the model runs on, if not on the processor.
    mirror: Option<Mirror>,
    config: Config,
    encoder: Architecture,
    head: Head,
    gathering: Gathering,
    precision: Precision,
    recompute: bool,
    labels: Vec<String>,
    pub(crate) pool: Pool,
}

/// The query by which windows are gathered, where that is learned: its name in the weights, and the configuration's word for it.
pub(crate) const WINDOW_QUERY: &str = "window_attention.weight";
const WINDOW_POOLING: &str = "window_pooling";
const BY_ATTENTION: &str = "attention";

/// Factor of adapters' products: `alpha / rank` of Hu et al. with `alpha` twice the rank.
const ADAPTER_SCALE: f32 = 2.0;

/// What a step learns from.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// Texts, through encoder and head.
    Texts(&'a PackedBatch),
    /// Rows of [`SequenceClassifier::features`], through the head: the encoder must be frozen.
    Features(&'a [f32]),
}

/// A step of training, or a part of one.
#[derive(Debug, Clone, Copy)]
pub struct Step<'a> {
    /// Classes of each text.
    pub labels: &'a [&'a [usize]],
    /// How answers are judged.
    pub objective: &'a Objective,
    /// [`Objective::total_weight`] of the whole step.
    pub total_weight: f64,
    /// Decides what is dropped out; nothing is without.
    pub dropout: Option<Key>,
}

impl SequenceClassifier {
    /// Reads a pretrained encoder and puts a head for `labels` on it. A head in the folder is used if it has as many
    /// classes; what the folder lacks is initialised from `seed`.
    ///
    /// # Errors
    /// Anything of [`NnError`] about files, configuration and weights.
    pub fn from_pretrained(folder: &Path, labels: &[String], seed: u64) -> Result<(Self, LoadReport)> {
        Self::read(folder, &Self::base_config(folder, labels)?, seed, |_| Ok(()))
    }

    /// The configuration of a model to go on from: how its texts' windows were gathered is chosen anew.
    fn base_config(folder: &Path, labels: &[String]) -> Result<Config> {
        let mut config = Config::read(folder)?;
        config.set_labels(labels);
        config.remove(WINDOW_POOLING);
        Ok(config)
    }

    /// As [`SequenceClassifier::from_pretrained`] for an encoder whose meaning of a text is the mean of its tokens
    /// (sentence encoders). Transformers' classifiers of the BERT family read the first token only, so a layer is put
    /// on the encoder that lets the first token gather the mean of all: a classifier like any other, which can be
    /// trained further and loads unchanged elsewhere.
    ///
    /// # Errors
    /// As there; [`NnError::UnsupportedArchitecture`] outside of the BERT family.
    pub fn from_sentence_encoder(folder: &Path, labels: &[String], seed: u64) -> Result<(Self, LoadReport)> {
        let mut config = Self::base_config(folder, labels)?;
        config.set("num_hidden_layers", config.size("num_hidden_layers", None)? + 1);
        let (mut model, report) = Self::read(folder, &config, seed, |model| {
            model.encoder.expect_pooling_layer(&mut model.parameters)
        })?;
        model.encoder.set_pooling_layer(&mut model.parameters);
        model.head.set_passing(&mut model.parameters);
        Ok((model, report))
    }

    /// The classifier of this configuration with the folder's weights; `expect` marks what they may lack. Names and shapes are
    /// held against the file before memory is taken for any: a configuration comes from anywhere.
    fn read(
        folder: &Path,
        config: &Config,
        seed: u64,
        expect: impl Fn(&mut Self) -> Result<()>,
    ) -> Result<(Self, LoadReport)> {
        let file = folder.join(WEIGHTS_FILE);
        let declared = |parameters| -> Result<Self> {
            let mut model = Self::declare(config.clone(), parameters)?;
            expect(&mut model)?;
            Ok(model)
        };
        let outline = declared(Parameters::without_numbers())?;
        weights::check(&file, &outline.parameters, outline.prefix())?;
        let mut model = declared(Parameters::default())?;
        let prefix = model.prefix();
        let report = weights::load(&file, &mut model.parameters, prefix, seed)?;
        Ok((model, report))
    }

    /// A classifier of random numbers: for tests and measurements.
    ///
    /// # Errors
    /// [`NnError::Config`], [`NnError::UnsupportedArchitecture`].
    pub fn random(config: &Config, labels: &[String], seed: u64) -> Result<Self> {
        let mut config = config.clone();
        config.set_labels(labels);
        let mut model = Self::declare(config, Parameters::default())?;
        for index in 0..model.parameters.len() {
            model.parameters.initialise_evenly(index, seed);
        }
        Ok(model)
    }

    /// Reads a classifier that was trained before, with its labels.
    ///
    /// # Errors
    /// As [`SequenceClassifier::from_pretrained`]; [`NnError::MissingTensor`] when the folder has no head; [`NnError::MoreLayers`].
    pub fn load(folder: &Path) -> Result<Self> {
        let (model, report) = Self::read(folder, &Config::read(folder)?, 0, |_| Ok(()))?;
        if let Some(name) = report.initialised.into_iter().next() {
            return Err(NnError::MissingTensor { name });
        }
        let prefix = model.encoder.prefix();
        let entries = model.parameters.entries().iter();
        let known: HashSet<Vec<&str>> = entries.map(|entry| of_any_layer(&entry.name, prefix)).collect();
        let has_a_place_in_another_layer = |name: &&String| known.contains(&of_any_layer(name, prefix));
        match report.unused.iter().find(has_a_place_in_another_layer) {
            Some(name) => Err(NnError::MoreLayers {
                path: folder.join(CONFIG_FILE),
                name: name.clone(),
            }),
            None => Ok(model),
        }
    }

    fn declare(config: Config, mut parameters: Parameters) -> Result<Self> {
        let labels = config.labels()?;
        let encoder = Architecture::new(&config, &mut parameters)?;
        let first = parameters.len();
        let facts = encoder.facts();
        parameters.set_depth(facts.own_layers + 1);
        let mut builder = Builder {
            init: initial(&config)?,
            epsilon: config.number("norm_eps", 1e-5)? as f32,
            prefix: "",
            parameters: &mut parameters,
        };
        let head = Head::new(encoder.head(), &mut builder, facts.hidden_size, labels.len());
        let gathering = match config.word(WINDOW_POOLING, "")? {
            BY_ATTENTION => Gathering::Attention(window_query(&mut parameters, facts.hidden_size)),
            _ => Gathering::Mean,
        };
        parameters.mark_optional(first);
        Ok(SequenceClassifier {
            parameters,
            mirror: None,
            config,
            encoder,
            head,
            gathering,
            precision: Precision::F32,
            recompute: false,
            labels,
            pool: Pool::default(),
        })
    }

    /// Writes `config.json` and `model.safetensors` into `folder`, adapters merged into their matrices, named so that Transformers loads them as a
    /// sequence classifier. Tokenizer files are the caller's to copy.
    ///
    /// # Errors
    /// [`NnError::File`], [`NnError::Weights`].
    pub fn save(&self, folder: &Path) -> Result<()> {
        self.write_config(folder)?;
        weights::save(&folder.join(WEIGHTS_FILE), &self.parameters)
    }

    /// Writes the head alone, to be read by [`SequenceClassifier::load_head`].
    ///
    /// # Errors
    /// [`NnError::Weights`].
    pub fn save_head(&self, path: &Path) -> Result<()> {
        let head = self.own_layers() + 1;
        weights::save_some(path, &self.parameters, |entry| entry.depth == head)
    }

    /// Takes over the head that a model of the same shape wrote.
    ///
    /// # Errors
    /// [`NnError::File`], [`NnError::Weights`], [`NnError::MissingTensor`], [`NnError::Shape`], [`NnError::NotFinite`].
    pub fn load_head(&mut self, path: &Path) -> Result<()> {
        let head = self.own_layers() + 1;
        weights::load_some(path, &mut self.parameters, |entry| entry.depth == head)
    }

    pub(crate) fn write_config(&self, folder: &Path) -> Result<()> {
        let mut config = self.config.clone();
        config.set("architectures", vec![self.encoder.classifier_class()]);
        config.write(folder)
    }

    /// What stands before the names of the encoder's tensors in a classifier.
    pub(crate) fn prefix(&self) -> &'static str {
        self.encoder.prefix()
    }

    /// The class names, in the order of the logits.
    pub fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Longest sequence in tokens.
    pub fn max_length(&self) -> usize {
        self.encoder.facts().max_length
    }

    /// Number of token ids that the model knows.
    pub fn vocabulary(&self) -> usize {
        self.encoder.facts().vocabulary
    }

    /// Numbers that the encoder makes of a text.
    pub fn hidden_size(&self) -> usize {
        self.encoder.facts().hidden_size
    }

    /// Number of layers with parameters of their own.
    pub fn own_layers(&self) -> usize {
        self.encoder.facts().own_layers
    }

    /// How many labels a text may have.
    pub fn problem_type(&self) -> ProblemType {
        self.config.problem_type()
    }

    /// Sets how many labels a text may have; noted in the saved configuration.
    pub fn set_problem_type(&mut self, problem_type: ProblemType) {
        self.config.set_problem_type(problem_type);
    }

    /// Probabilities of one text's classes from its logits: they sum to one where a text has one label (softmax), and
    /// stand each for itself where it may have several (sigmoid).
    pub fn probabilities(&self, logits: &[f32], out: &mut [f32]) {
        match self.problem_type() {
            ProblemType::SingleLabel => {
                let largest = logits.iter().fold(f32::NEG_INFINITY, |a, &b| a.max(b));
                let total: f64 = logits.iter().map(|&x| f64::from(x - largest).exp()).sum();
                for (out, &x) in out.iter_mut().zip(logits) {
                    *out = (f64::from(x - largest).exp() / total) as f32;
                }
            }
            ProblemType::MultiLabel => {
                for (out, &x) in out.iter_mut().zip(logits) {
                    *out = (1.0 / (1.0 + (-f64::from(x)).exp())) as f32;
                }
            }
        }
    }

    /// How the windows of a long text become one representation. A query that is to be learned begins as the mean, and is a
    /// part of the model from then on.
    pub fn set_window_pooling(&mut self, pooling: WindowPooling) {
        self.gathering = match (pooling, self.gathering) {
            (WindowPooling::Mean, _) => Gathering::Mean,
            (WindowPooling::Max, _) => Gathering::Max,
            (WindowPooling::Attention, known @ Gathering::Attention(_)) => known,
            (WindowPooling::Attention, _) => {
                let hidden = self.hidden_size();
                let query = window_query(&mut self.parameters, hidden);
                self.config.set(WINDOW_POOLING, BY_ATTENTION);
                Gathering::Attention(query)
            }
        };
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
        // The head alone learns from what was gathered already.
        let head_alone = depth > self.own_layers();
        self.parameters
            .freeze(|entry| entry.depth < depth || (head_alone && entry.name == WINDOW_QUERY));
    }

    /// Trains low-rank changes of all matrices of the layers at `depth` or above, and the head; everything else stays as
    /// it is.
    pub fn add_adapters(&mut self, rank: usize, depth: usize, seed: u64) {
        let depth = depth.max(1);
        let first = self.parameters.len();
        for (weight, name) in self.encoder.matrices(depth) {
            self.parameters.add_adapter(weight, &name, rank, ADAPTER_SCALE);
        }
        for index in first..self.parameters.len() {
            self.parameters.initialise(index, seed);
        }
        let head = self.encoder.facts().own_layers + 1;
        self.encoder.freeze(depth);
        self.parameters
            .freeze(|entry| entry.depth < head && !entry.is_adapter());
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

    /// Divides the logits by a temperature, for good and wherever the saved model is loaded: the answers stay the same,
    /// how sure they say to be changes.
    pub fn set_temperature(&mut self, temperature: f32) {
        self.head.scale_logits(&mut self.parameters, 1.0 / temperature);
    }

    /// Copies the numbers to `device` and computes there from now on, in the numbers of
    /// [`SequenceClassifier::set_training_precision`]. What is changed in [`SequenceClassifier::parameters`] afterwards
    /// needs another call.
    ///
    /// # Errors
    /// [`NnError::DeviceMemory`], [`NnError::Device`].
    pub fn place(&mut self, device: &Device) -> Result<()> {
        // What was there before makes room first.
        self.mirror = None;
        let mirror = Mirror::new(&self.parameters, device, self.precision);
        self.mirror = Some(mirror.map_err(NnError::from_device)?);
        Ok(())
    }

    /// The numbers on the device, if the model was placed on one.
    pub fn mirror(&self) -> Option<&Mirror> {
        self.mirror.as_ref()
    }

    /// The same, to change.
    pub fn mirror_mut(&mut self) -> Option<&mut Mirror> {
        self.mirror.as_mut()
    }

    /// Brings the numbers back from the device, if they are on one; they stay there too.
    ///
    /// # Errors
    /// [`NnError::Device`].
    pub fn fetch(&mut self) -> Result<()> {
        match &self.mirror {
            Some(mirror) => {
                let fetched = mirror.fetch(&mut self.parameters);
                fetched.map_err(NnError::from_device)
            }
            None => Ok(()),
        }
    }

    /// A pass on the device that the model lies on.
    fn tape(&self, mode: Mode) -> Tape<'_> {
        Tape::new(&self.parameters, &self.pool, mode).with_mirror(self.mirror.as_ref())
    }

    /// Logits, `[texts, classes]` row-major.
    ///
    /// # Errors
    /// [`NnError::Batch`]; of a device [`NnError::DeviceMemory`] and [`NnError::Device`].
    pub fn logits(&self, batch: &PackedBatch) -> Result<Vec<f32>> {
        let mut tape = self.tape(Mode::Inference);
        let logits = self.forward(&mut tape, batch)?;
        tape.read(&logits)
    }

    /// What the encoder makes of each text, `[texts, hidden]`: all that the head sees of it.
    ///
    /// # Errors
    /// [`NnError::Batch`]; of a device [`NnError::DeviceMemory`] and [`NnError::Device`].
    pub fn features(&self, batch: &PackedBatch) -> Result<Vec<f32>> {
        let mut tape = self.tape(Mode::Inference);
        let features = self.represent(&mut tape, batch)?;
        tape.read(&features)
    }

    /// Logits of what the encoder made of texts, `[sequences, classes]` row-major.
    ///
    /// # Errors
    /// Of a device [`NnError::DeviceMemory`] and [`NnError::Device`].
    pub fn logits_of_features(&self, features: &[f32]) -> Result<Vec<f32>> {
        let mut tape = self.tape(Mode::Inference);
        let x = tape.given(features, self.encoder.facts().hidden_size);
        let logits = self.head.forward(&mut tape, x);
        tape.read(&logits)
    }

    /// The loss of a step, whose gradients are added to those of the step's parts before it (none, after
    /// [`Gradients::clear`]).
    ///
    /// # Errors
    /// [`NnError::Batch`], [`NnError::MissingGradient`]; of a device [`NnError::DeviceMemory`] and [`NnError::Device`].
    pub fn loss_and_gradients(&self, input: Input, step: &Step, gradients: &mut Gradients) -> Result<f64> {
        let (dropout, key) = (step.dropout.is_some(), step.dropout.unwrap_or(Key::new(0)));
        let mode = Mode::Training { key, dropout };
        let mut tape = self
            .tape(mode)
            .with_precision(self.precision)
            .with_recompute(self.recompute);
        let logits = match input {
            Input::Texts(batch) => self.forward(&mut tape, batch)?,
            Input::Features(features) => {
                let x = tape.given(features, self.encoder.facts().hidden_size);
                self.head.forward(&mut tape, x)
            }
        };
        let numbers = tape.read(&logits)?;
        if step.labels.len() != logits.rows() {
            return Err(NnError::Batch {
                what: "labels",
                value: step.labels.len(),
                limit: logits.rows(),
            });
        }
        let classes = self.labels.len();
        let (loss, gradient) = step
            .objective
            .loss(&numbers, classes, step.labels, step.total_weight)?;
        tape.backward(&logits, gradient, gradients)?;
        Ok(loss)
    }

    pub(crate) fn forward(&self, tape: &mut Tape, batch: &PackedBatch) -> Result<Var> {
        let x = self.represent(tape, batch)?;
        Ok(self.head.forward(tape, x))
    }

    /// One row a text.
    fn represent(&self, tape: &mut Tape, batch: &PackedBatch) -> Result<Var> {
        let x = self.encoder.pooled(tape, batch, self.head.pooling())?;
        Ok(self.gathering.apply(tape, x, batch.texts.as_ref()))
    }
}

/// The parts of a tensor's name without the numbers of layers.
fn of_any_layer<'a>(name: &'a str, prefix: &str) -> Vec<&'a str> {
    let short = name.strip_prefix(prefix).unwrap_or(name);
    let is_number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    short.split('.').filter(|part| !is_number(part)).collect()
}

/// Declares the query that gathers windows; zeros gather their mean.
fn window_query(parameters: &mut Parameters, hidden: usize) -> Dense {
    parameters.matrix(WINDOW_QUERY, 1, hidden, Init::Zeros)
}
