//! The model that a run keeps, drawn back towards where it began as far as validation likes it better.
//!
//! What a model learns from few or contradictory texts is partly their noise. The mean of its weights before and after
//! fine-tuning often answers better than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"): both lie
//! in one valley of the loss. "Before" is the pretrained encoder under the head that learned on its features, so that a
//! share of nothing is that head alone. It costs a few readings of the validation part, and nothing in use.

use std::path::{Path, PathBuf};

use understudy_nn::SequenceClassifier;

use crate::control::Control;
use crate::error::{Result, TrainError};
use crate::job::{Phase, TrainEvent, TrainingJob};
use crate::judging::{evaluate, is_better, validation_scores};
use crate::predictor;
use crate::settings::Method;
use crate::tokenizer::Encoded;
use crate::trainer::untrained;

/// How much of what was learned is left in the mixtures that are tried, beside all of it.
pub(crate) const SHARES: [f32; 4] = [0.75, 0.5, 0.25, 0.0];

/// The model that the validation part likes best.
pub(crate) struct Averaged {
    pub(crate) model: SequenceClassifier,
    /// Its answers to the validation part, `[texts, classes]`.
    pub(crate) answers: Vec<f32>,
    /// How much of what was learned is in it: 1 for all.
    pub(crate) share: f32,
}

/// Notes the head that the whole model is to follow, beside the checkpoint, until [`choose`].
///
/// # Errors
/// [`TrainError::File`], [`TrainError::Model`].
pub(crate) fn note_start(job: &TrainingJob, model: &SequenceClassifier) -> Result<()> {
    let path = start(&job.checkpoint);
    let partial = path.with_extension("partial");
    let failed = |source| TrainError::File {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(&job.checkpoint).map_err(failed)?;
    model.save_head(&partial)?;
    // A checkpoint that outlives a power cut needs it.
    let on_disk = std::fs::File::open(&partial).and_then(|file| file.sync_all());
    on_disk
        .and_then(|()| std::fs::rename(&partial, &path))
        .map_err(failed)
}

fn start(checkpoint: &Path) -> PathBuf {
    checkpoint.join("start.safetensors")
}

/// Tries mixtures of the kept model with the one that the run began with. `trained` is what the kept model answers to the
/// validation part. Two models are held at a time: that is less than a training takes.
///
/// # Errors
/// Any [`TrainError`].
pub(crate) fn choose(
    job: &TrainingJob,
    best: SequenceClassifier,
    trained: Vec<f32>,
    validation: &Encoded,
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<Averaged> {
    // A run that an earlier version began has noted no start.
    let path = start(&job.checkpoint);
    if !job.settings.mixes() || !path.is_file() {
        return Ok(Averaged {
            model: best,
            answers: trained,
            share: 1.0,
        });
    }
    drop(best);
    let mut before = untrained(job)?;
    // Where it is learned which windows tell, it began by all telling alike.
    before.set_window_pooling(job.settings.window_pooling);
    before.load_head(&path)?;
    let mixture = |share: f32| -> Result<SequenceClassifier> {
        let (mut model, _) = predictor::load(&job.model)?;
        model.parameters.mix(&before.parameters, share);
        if let Some(device) = &job.device {
            model.place(device)?;
        }
        Ok(model)
    };
    let mut scores = validation_scores(job, &trained)?;
    let (mut answers, mut chosen) = (trained, 1.0);
    // Adapters of which nothing is left could not be given away as such.
    let tried = SHARES
        .into_iter()
        .filter(|&share| share > 0.0 || job.settings.method != Method::Lora);
    for share in tried {
        report(TrainEvent::of_phase(Phase::Average, 0, validation.len(), 0));
        let found = evaluate(&mixture(share)?, validation, Phase::Average, 0, control, report)?;
        let its = validation_scores(job, &found)?;
        if is_better((its.macro_f1, its.loss), (scores.macro_f1, scores.loss)) {
            (scores, answers, chosen) = (its, found, share);
        }
    }
    Ok(Averaged {
        model: mixture(chosen)?,
        answers,
        share: chosen,
    })
}
