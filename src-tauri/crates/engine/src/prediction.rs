//! A run's model at work: one text, or a file.

mod file;
mod partial;
mod queue;

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Instant;

use understudy_data::{Pipeline, Project, TextRule};
use understudy_train::{Control, Predicted, Predictor, review};

use crate::error::Result;
use crate::received::{self, Trained};
use crate::view::{LabelProbability, Prediction};

pub use file::{AskedFile, FileJob, FileOutcome, look_at_file, predict_file};
pub use queue::{Queued, queue_for_review, queue_text};

/// A run's model, and the way that its texts went before it learnt from them: new texts go the same way.
pub struct Model {
    pub(crate) predictor: Predictor,
    pipeline: Pipeline,
    rules: Vec<TextRule>,
    folder: PathBuf,
}

impl Model {
    /// A text as the model reads it.
    pub(crate) fn cleaned<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.pipeline.apply(text).map_or(Cow::Borrowed(text), Cow::Owned)
    }

    /// Answers, in the texts' order.
    fn predict<T: AsRef<str> + Sync>(&self, texts: &[T], control: &Control) -> Result<Vec<Predicted>> {
        if self.pipeline.is_empty() {
            return Ok(self.predictor.predict(texts, control)?);
        }
        let cleaned = texts.iter().map(|text| {
            let text = text.as_ref();
            self.pipeline.apply(text).unwrap_or_else(|| text.to_owned())
        });
        Ok(self
            .predictor
            .predict(&cleaned.collect::<Vec<String>>(), control)?)
    }
}

/// The model of a finished run, or one that was received.
///
/// # Errors
/// [`crate::EngineError::RunNotFinished`], and those of the library and of reading the model.
pub fn load(project: &Project, run: &str) -> Result<Model> {
    let Trained { folder, rules } = received::trained(project, run)?;
    Ok(Model {
        predictor: Predictor::load(&folder)?,
        folder,
        pipeline: Pipeline::new(&rules),
        rules,
    })
}

/// Answers to some texts, in their order. A text of nothing but spaces gets no label. Which answers a person should look
/// at is read anew each time: the user may have decided otherwise since the model was loaded.
///
/// # Errors
/// Those of predicting.
pub fn answer(model: &Model, texts: &[String], control: &Control) -> Result<Vec<Prediction>> {
    let predictor = &model.predictor;
    let began = Instant::now();
    let found = model.predict(texts, control)?;
    let milliseconds = began.elapsed().as_secs_f64() * 1000.0 / texts.len().max(1) as f64;
    let below = review(&model.folder)?.map_or(0.0, |rule| rule.below);
    let answers = found.into_iter().zip(texts).map(|(mut predicted, text)| {
        predicted.unsure = predicted.confidence < below;
        // Of some texts nothing is left once they are cleaned.
        if model.cleaned(text).trim().is_empty() {
            predicted.labels.clear();
            predicted.unsure = true;
            predicted.unfamiliar = false;
        }
        told(predictor, predicted, milliseconds)
    });
    Ok(answers.collect())
}

fn told(predictor: &Predictor, predicted: Predicted, milliseconds: f64) -> Prediction {
    let labels = predictor.labels();
    let mut scores: Vec<LabelProbability> = labels
        .iter()
        .zip(&predicted.probabilities)
        .map(|(label, &p)| LabelProbability {
            label: label.clone(),
            probability: f64::from(p),
        })
        .collect();
    scores.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    Prediction {
        labels: predicted
            .labels
            .iter()
            .map(|label| labels[*label].clone())
            .collect(),
        confidence: predicted.confidence,
        scores,
        several: predictor.thresholds().is_some(),
        tokens: predicted.tokens as u32,
        truncated: predicted.truncated,
        unsure: predicted.unsure,
        unfamiliar: predicted.unfamiliar,
        milliseconds,
    }
}
