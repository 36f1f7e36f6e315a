//! A trained model at work: texts in, probabilities out.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use understudy_eval::{given, most_probable};
use understudy_nn::{ProblemType, SequenceClassifier, WindowPooling};

use crate::batch;
use crate::control::Control;
use crate::error::{Result, TrainError};
use crate::settings::EVALUATION_BATCH;
use crate::tokenizer::{Encoded, Tokenizer};
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
#[derive(Debug, Clone)]
pub struct Predictor {
    model: SequenceClassifier,
    tokenizer: Tokenizer,
    /// From which probability on each label is given, where a text may have several.
    thresholds: Option<Vec<f32>>,
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
}

impl Predictor {
    /// Reads a trained model's folder, as written by a run or exported from it.
    ///
    /// # Errors
    /// [`TrainError::Model`], [`TrainError::Tokenizer`].
    pub fn load(folder: &Path) -> Result<Self> {
        let (model, notes) = load(folder)?;
        let thresholds = (model.problem_type() == ProblemType::MultiLabel).then(|| {
            let noted = notes
                .thresholds
                .filter(|noted| noted.len() == model.labels().len());
            noted.unwrap_or_else(|| vec![0.5; model.labels().len()])
        });
        Ok(Predictor {
            tokenizer: Tokenizer::load(folder, notes.reading.max_length, notes.reading.windows)?,
            model,
            thresholds,
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
        let probabilities = probabilities(&self.model, &encoded, control, |_| {})?;
        Ok(probabilities
            .chunks_exact(classes)
            .enumerate()
            .map(|(text, row)| Predicted {
                labels: decide(row, self.thresholds.as_deref()),
                confidence: confidence(row, self.thresholds.as_deref()),
                probabilities: row.to_vec(),
                tokens: encoded.length(text),
                truncated: encoded.was_truncated(text),
                unsure: false,
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

/// Probabilities of all encoded texts, `[texts, classes]` row-major. `progress(done)` is called after each batch.
///
/// # Errors
/// [`TrainError::Model`], [`TrainError::Cancelled`].
pub fn probabilities(
    model: &SequenceClassifier,
    encoded: &Encoded,
    control: &Control,
    mut progress: impl FnMut(usize),
) -> Result<Vec<f32>> {
    let classes = model.labels().len();
    let mut all = vec![0.0; encoded.len() * classes];
    let mut done = 0;
    for texts in batch::evaluation_batches(encoded, EVALUATION_BATCH, TOKENS_PER_BATCH) {
        control.check()?;
        let logits = model.logits(&batch::pack(encoded, &texts))?;
        for (&text, logits) in texts.iter().zip(logits.chunks_exact(classes)) {
            model.probabilities(logits, &mut all[text * classes..][..classes]);
        }
        done += texts.len();
        progress(done);
    }
    Ok(all)
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
    let mut all = Vec::new();
    let mut done = 0;
    for texts in batch::evaluation_batches(encoded, EVALUATION_BATCH, TOKENS_PER_BATCH) {
        control.check()?;
        let found = model.features(&batch::pack(encoded, &texts))?;
        let columns = found.len() / texts.len();
        all.resize(encoded.len() * columns, 0.0);
        for (&text, row) in texts.iter().zip(found.chunks_exact(columns)) {
            all[text * columns..][..columns].copy_from_slice(row);
        }
        done += texts.len();
        progress(done);
    }
    Ok(all)
}

/// Probabilities by what the encoder made of texts, `[texts, classes]` row-major.
pub fn probabilities_of_features(model: &SequenceClassifier, features: &[f32]) -> Vec<f32> {
    let classes = model.labels().len();
    let logits = model.logits_of_features(features);
    let mut all = vec![0.0; logits.len()];
    for (logits, out) in logits.chunks_exact(classes).zip(all.chunks_exact_mut(classes)) {
        model.probabilities(logits, out);
    }
    all
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
}

/// Notes from which probability on the model in `folder` gives each label.
pub(crate) fn note_thresholds(folder: &Path, thresholds: &[f32]) -> Result<()> {
    edit_json(&folder.join(READING_FILE), |fields| {
        fields.insert("thresholds".to_owned(), thresholds.into());
    })
}

/// Reads a trained model and what is noted beside it; one without a note reads one window of the tokenizer's length.
pub(crate) fn load(folder: &Path) -> Result<(SequenceClassifier, Notes)> {
    let mut model = SequenceClassifier::load(folder)?;
    let json = |name: &str| -> Option<serde_json::Value> {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        serde_json::from_str(&text).ok()
    };
    let noted: Option<Notes> = json(READING_FILE).and_then(|value| serde_json::from_value(value).ok());
    let of_tokenizer = || json("tokenizer_config.json")?.get("model_max_length")?.as_u64();
    let mut notes = noted.unwrap_or(Notes {
        reading: Reading {
            max_length: of_tokenizer().map_or(model.max_length(), |length| length as usize),
            windows: 1,
            window_pooling: WindowPooling::Mean,
        },
        thresholds: None,
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
    std::fs::write(&partial, text).map_err(failed)?;
    std::fs::rename(&partial, path).map_err(failed)
}
