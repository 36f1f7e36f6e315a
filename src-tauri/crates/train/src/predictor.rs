//! A trained model at work: texts in, probabilities out.

use std::io::Write;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use understudy_eval::{given, most_probable};
use understudy_nn::{NnError, Precision, ProblemType, SequenceClassifier, WindowPooling};

use crate::batch;
use crate::control::Control;
use crate::error::{Result, TrainError};
use crate::familiarity::Familiarity;
use crate::settings::EVALUATION_BATCH;
use crate::tokenizer::{Encoded, Tokenizer, Truncation};
use crate::tokenizer_files::{self, TOKENIZER_FILE};
use crate::unigram;

/// Tokens per batch when only results are wanted: keeps the activations of one layer within the processor's caches.
const TOKENS_PER_BATCH: usize = 2048;

/// Files that belong to a model besides weights and configuration, copied along where they exist.
const TOKENIZER_FILES: [&str; 10] = [
    TOKENIZER_FILE,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    unigram::FILES[0],
    unigram::FILES[1],
    unigram::FILES[2],
];

/// A classifier with its tokenizer.
#[derive(Debug)]
pub struct Predictor {
    pub(crate) model: SequenceClassifier,
    pub(crate) tokenizer: Tokenizer,
    /// From which probability on each label is given, where a text may have several.
    pub(crate) thresholds: Option<Vec<f32>>,
    /// The confidence below which a person should look.
    review_below: Option<f64>,
    /// What familiar texts look like, where that is known.
    familiarity: Option<Familiarity>,
    /// In what numbers it is explained.
    pub(crate) precision: Precision,
}

/// The answer to one text.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicted {
    /// Probability of every class, in the order of the model's labels.
    pub probabilities: Vec<f32>,
    /// Indexes of the classes given: exactly one, or any number where a text may have several.
    pub labels: Vec<usize>,
    /// The probability that this is right; where a text may have several labels, of the least certain decision.
    pub confidence: f64,
    /// Tokens read.
    pub tokens: usize,
    /// Whether the text was longer than the model reads.
    pub truncated: bool,
    /// Whether the model is too unsure to stand by it: a person should look.
    pub unsure: bool,
    /// Whether the text is unlike those that the model learned from, however sure the answer: a person should look.
    pub unfamiliar: bool,
}

impl Predictor {
    /// Reads a trained model's folder, as written by a run or exported from it.
    ///
    /// # Errors
    /// [`TrainError::Model`], [`TrainError::Tokenizer`].
    pub fn load(folder: &Path) -> Result<Self> {
        let (mut model, notes) = load(folder)?;
        // It has learnt; explanations walk back through it faster so.
        model.freeze_parameters();
        let thresholds = (model.problem_type() == ProblemType::MultiLabel).then(|| {
            let noted = notes
                .thresholds
                .filter(|noted| noted.len() == model.labels().len());
            noted.unwrap_or_else(|| vec![0.5; model.labels().len()])
        });
        let tokenizer = Tokenizer::load(folder, notes.reading.max_length, notes.reading.windows)?;
        Ok(Predictor {
            familiarity: Familiarity::load(folder, model.hidden_size())?,
            tokenizer: tokenizer.with_truncation(notes.reading.truncation),
            model,
            thresholds,
            review_below: notes.review.map(|review| review.below),
            precision: notes.reading.precision,
        })
    }

    /// From which probability on each label is given, where a text may have several.
    pub fn thresholds(&self) -> Option<&[f32]> {
        self.thresholds.as_deref()
    }

    /// The class names, in the order of the probabilities.
    pub fn labels(&self) -> &[String] {
        self.model.labels()
    }

    /// Answers for these texts, in their order.
    ///
    /// # Errors
    /// [`TrainError::Model`], [`TrainError::Tokenizer`], [`TrainError::Cancelled`].
    pub fn predict<T: AsRef<str> + Sync>(&self, texts: &[T], control: &Control) -> Result<Vec<Predicted>> {
        let encoded = self.tokenizer.encode(texts, control, |_| {})?;
        let classes = self.labels().len();
        let found = answers(&self.model, &encoded, self.familiarity.as_ref(), control, |_| {})?;
        let rows = found.probabilities.chunks_exact(classes).enumerate();
        Ok(rows
            .map(|(text, row)| {
                let confidence = confidence(row, self.thresholds.as_deref());
                let is_unfamiliar = |known: &Familiarity| known.is_unfamiliar(found.distances[text]);
                Predicted {
                    labels: decide(row, self.thresholds.as_deref()),
                    confidence,
                    probabilities: row.to_vec(),
                    tokens: encoded.length(text),
                    truncated: encoded.was_truncated(text),
                    unsure: self.review_below.is_some_and(|least| confidence < least),
                    unfamiliar: self.familiarity.as_ref().is_some_and(is_unfamiliar),
                }
            })
            .collect())
    }
}

/// The classes that a text is given by its probabilities: the most probable, or with thresholds all that reach theirs.
pub fn decide(probabilities: &[f32], thresholds: Option<&[f32]>) -> Vec<usize> {
    match thresholds {
        Some(thresholds) => given(probabilities, thresholds),
        None => vec![most_probable(probabilities)],
    }
}

/// The probability that what [`decide`] says is right; with thresholds, of its least certain decision.
pub fn confidence(probabilities: &[f32], thresholds: Option<&[f32]>) -> f64 {
    let Some(thresholds) = thresholds else {
        return f64::from(probabilities[most_probable(probabilities)]);
    };
    let decisions = probabilities.iter().zip(thresholds);
    let certainty = |(&p, &threshold): (&f32, &f32)| f64::from(if p >= threshold { p } else { 1.0 - p });
    decisions.map(certainty).fold(1.0, f64::min)
}

/// Answers to encoded texts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    /// Probabilities, `[texts, classes]` row-major.
    pub(crate) probabilities: Vec<f32>,
    /// How far each text is from those that were learned from; empty where that is not known.
    pub(crate) distances: Vec<f64>,
}

/// Answers to all encoded texts, in their order. `progress(done)` is called after each batch.
///
/// # Errors
/// [`TrainError::Model`], [`TrainError::Cancelled`].
pub(crate) fn answers(
    model: &SequenceClassifier,
    encoded: &Encoded,
    familiarity: Option<&Familiarity>,
    control: &Control,
    mut progress: impl FnMut(usize),
) -> Result<Answers> {
    let classes = model.labels().len();
    let mut all = Answers {
        probabilities: vec![0.0; encoded.len() * classes],
        distances: familiarity.map_or_else(Vec::new, |_| vec![0.0; encoded.len()]),
    };
    let mut done = 0;
    for texts in batch::evaluation_batches(encoded, EVALUATION_BATCH, TOKENS_PER_BATCH) {
        control.check()?;
        let features = model.features(&batch::pack(encoded, &texts))?;
        let logits = model.logits_of_features(&features)?;
        for (&text, logits) in texts.iter().zip(logits.chunks_exact(classes)) {
            model.probabilities(logits, &mut all.probabilities[text * classes..][..classes]);
        }
        if let Some(known) = familiarity {
            let rows = features.par_chunks_exact(model.hidden_size());
            let distances: Vec<f64> = rows.map(|features| known.distance(features)).collect();
            for (&text, distance) in texts.iter().zip(distances) {
                all.distances[text] = distance;
            }
        }
        done += texts.len();
        progress(done);
    }
    // Weights or a configuration that were changed by hand: an answer that is no number is none.
    match all.probabilities.iter().all(|p| p.is_finite()) {
        true => Ok(all),
        false => Err(TrainError::Model(NnError::NotFinite {
            name: "probabilities".to_owned(),
        })),
    }
}

/// What the encoder makes of all texts, `[texts, hidden]` row-major. `progress(done)` is called after each batch.
///
/// # Errors
/// [`TrainError::Model`], [`TrainError::Cancelled`].
pub fn features(
    model: &SequenceClassifier,
    encoded: &Encoded,
    control: &Control,
    mut progress: impl FnMut(usize),
) -> Result<Vec<f32>> {
    let columns = model.hidden_size();
    let mut all = vec![0.0; encoded.len() * columns];
    let mut done = 0;
    for texts in batch::evaluation_batches(encoded, EVALUATION_BATCH, TOKENS_PER_BATCH) {
        control.check()?;
        let found = model.features(&batch::pack(encoded, &texts))?;
        for (&text, row) in texts.iter().zip(found.chunks_exact(columns)) {
            all[text * columns..][..columns].copy_from_slice(row);
        }
        done += texts.len();
        progress(done);
    }
    Ok(all)
}

/// Probabilities by what the encoder made of texts, `[texts, classes]` row-major.
///
/// # Errors
/// [`TrainError::Model`] where the model lies on a device that fails.
pub fn probabilities_of_features(model: &SequenceClassifier, features: &[f32]) -> Result<Vec<f32>> {
    let classes = model.labels().len();
    let logits = model.logits_of_features(features)?;
    let mut all = vec![0.0; logits.len()];
    for (logits, out) in logits.chunks_exact(classes).zip(all.chunks_exact_mut(classes)) {
        model.probabilities(logits, out);
    }
    Ok(all)
}

/// Writes a trained model into `folder`, complete with its tokenizer from `base`, so that Transformers loads it. The
/// length that it was trained with is noted as `model_max_length`.
///
/// # Errors
/// [`TrainError::Model`], [`TrainError::File`].
pub fn save(folder: &Path, model: &SequenceClassifier, base: &Path, reading: Reading) -> Result<()> {
    let failed = |path: PathBuf| move |source| TrainError::File { path, source };
    std::fs::create_dir_all(folder).map_err(failed(folder.to_owned()))?;
    for name in TOKENIZER_FILES {
        let (from, to) = (base.join(name), folder.join(name));
        if from.is_file() {
            std::fs::copy(&from, &to).map_err(failed(to))?;
        }
    }
    let whole = folder.join(TOKENIZER_FILE);
    if !whole.is_file() {
        let written = tokenizer_files::read(base).and_then(|tokenizer| tokenizer.save(&whole, false));
        written.map_err(|error| TrainError::Tokenizer {
            path: whole.clone(),
            reason: error.to_string(),
        })?;
    }
    edit_json(&folder.join("tokenizer_config.json"), |fields| {
        fields.insert("model_max_length".to_owned(), reading.max_length.into());
    })?;
    let path = folder.join(READING_FILE);
    let text = serde_json::to_string(&reading).map_err(|e| failed(path.clone())(e.into()))?;
    std::fs::write(&path, text).map_err(failed(path))?;
    edit_json(&whole, |fields| {
        fields.insert("truncation".to_owned(), serde_json::Value::Null);
        fields.insert("padding".to_owned(), serde_json::Value::Null);
    })?;
    model.save(folder)?;
    // A run that is called finished must have its model on the disk, not in a cache.
    for entry in std::fs::read_dir(folder).map_err(failed(folder.to_owned()))? {
        let path = entry.map_err(failed(folder.to_owned()))?.path();
        std::fs::File::open(&path)
            .and_then(|file| file.sync_all())
            .map_err(failed(path))?;
    }
    Ok(())
}

/// How a model reads texts; kept in its folder, where nobody else looks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Tokens of a window.
    pub max_length: usize,
    /// Windows read of a text.
    pub windows: usize,
    /// How they become one representation.
    pub window_pooling: WindowPooling,
    /// What is read of a text that is longer than the one window.
    #[serde(default)]
    pub truncation: Truncation,
    /// In what numbers it learned. Its answers are computed in 32-bit floats all the same; explanations, which add up many
    /// readings, go the way that was found to be fast.
    #[serde(default)]
    pub precision: Precision,
}

const READING_FILE: &str = "understudy.json";

/// What is noted beside a model.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Notes {
    #[serde(flatten)]
    pub(crate) reading: Reading,
    /// From which probability on each label is given, where a text may have several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) thresholds: Option<Vec<f32>>,
    /// By what the logits were divided after training: the saved numbers are those after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) temperature: Option<f32>,
    /// How much of what was learned is in the saved numbers; the rest is the model that the run began with.
    #[serde(default = "whole")]
    pub(crate) trained_share: f32,
    /// The epochs whose models the saved numbers are the mean of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) kept_epochs: Vec<u32>,
    /// Which answers a person should look at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<Review>,
}

fn whole() -> f32 {
    1.0
}

/// Which answers a person should look at, and why these.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Review {
    /// Share of the answers given that may be wrong.
    pub errors_allowed: f64,
    /// The confidence below which an answer is not given but sent to a person: found on the validation part.
    pub below: f64,
}

/// Notes from which probability on the model in `folder` gives each label.
pub(crate) fn note_thresholds(folder: &Path, thresholds: &[f32]) -> Result<()> {
    note(folder, "thresholds", thresholds.into())
}

/// Notes by what the logits of the model in `folder` were divided.
pub(crate) fn note_temperature(folder: &Path, temperature: f32) -> Result<()> {
    note(folder, "temperature", temperature.into())
}

/// Notes how much of what was learned is in the numbers of the model in `folder`, and in which epochs that was.
pub(crate) fn note_what_is_kept(folder: &Path, trained_share: f32, epochs: &[u32]) -> Result<()> {
    note(folder, "kept_epochs", epochs.into())?;
    note(folder, "trained_share", trained_share.into())
}

/// Notes which answers of the model in `folder` a person should look at; `None`: at none of them.
///
/// # Errors
/// [`TrainError::File`].
pub fn note_review(folder: &Path, review: Option<Review>) -> Result<()> {
    let value = review.map_or(
        serde_json::Value::Null,
        |review| serde_json::json!({ "errors_allowed": review.errors_allowed, "below": review.below }),
    );
    note(folder, "review", value)
}

/// Which answers of the model in `folder` a person should look at.
///
/// # Errors
/// [`TrainError::Notes`], [`TrainError::File`].
pub fn review(folder: &Path) -> Result<Option<Review>> {
    Ok(noted(folder)?.and_then(|notes| notes.review))
}

/// What is noted in `folder`; nothing where there is no such file. One that cannot be understood is refused: without it the
/// answers would be others.
fn noted(folder: &Path) -> Result<Option<Notes>> {
    let path = folder.join(READING_FILE);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(TrainError::File { path, source }),
    };
    let understood = serde_json::from_str(&text).map_err(|error| error.to_string());
    let usable = understood.and_then(|notes: Notes| match notes.reading {
        Reading { max_length: 0, .. } => Err("max_length is 0".to_owned()),
        Reading { windows: 0, .. } => Err("windows is 0".to_owned()),
        _ => Ok(notes),
    });
    match usable {
        Ok(notes) => Ok(Some(notes)),
        Err(reason) => Err(TrainError::Notes { path, reason }),
    }
}

fn note(folder: &Path, name: &str, value: serde_json::Value) -> Result<()> {
    edit_json(&folder.join(READING_FILE), |fields| {
        fields.insert(name.to_owned(), value);
    })
}

/// Reads a trained model and what is noted beside it; one without a note reads one window of the tokenizer's length.
pub(crate) fn load(folder: &Path) -> Result<(SequenceClassifier, Notes)> {
    let mut model = SequenceClassifier::load(folder)?;
    let json = |name: &str| -> Option<serde_json::Value> {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        serde_json::from_str(&text).ok()
    };
    let of_tokenizer = || json("tokenizer_config.json")?.get("model_max_length")?.as_u64();
    let mut notes = noted(folder)?.unwrap_or(Notes {
        reading: Reading {
            max_length: of_tokenizer().map_or(model.max_length(), |length| length as usize),
            windows: 1,
            window_pooling: WindowPooling::Mean,
            truncation: Truncation::Head,
            precision: Precision::F32,
        },
        thresholds: None,
        temperature: None,
        trained_share: 1.0,
        kept_epochs: Vec::new(),
        review: None,
    });
    let reading = &mut notes.reading;
    reading.max_length = reading.max_length.min(model.max_length());
    model.set_window_pooling(reading.window_pooling);
    Ok((model, notes))
}

/// Changes fields of a JSON object in a file; a missing file is taken for an empty object.
fn edit_json(path: &Path, edit: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) -> Result<()> {
    let failed = |source: std::io::Error| TrainError::File {
        path: path.to_owned(),
        source,
    };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "{}".to_owned(),
        Err(error) => return Err(failed(error)),
    };
    let mut fields = serde_json::from_str(&text).map_err(|e| failed(e.into()))?;
    edit(&mut fields);
    let text = serde_json::to_string(&fields).map_err(|e| failed(e.into()))?;
    // Beside it and renamed: a kill leaves the old file or the new one.
    let partial = path.with_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut file = std::fs::File::create(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().map_err(failed)
}
