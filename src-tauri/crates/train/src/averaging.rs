//! The model that a run keeps: the mean of what its trainings came to, drawn back towards where it began as far as validation
//! likes it better.
//!
//! Trainings that begin alike and see the texts in other orders end in other places of one valley of the loss, and the mean
//! of their weights answers better than each of them (Wortsman et al. 2022, "Model soups"; here all of one recipe, so that
//! none is left out). What a model learns from few or contradictory texts is partly their noise, and the mean of its weights
//! before and after fine-tuning often answers better than either (Wortsman et al. 2022, "Robust fine-tuning of zero-shot
//! models"). "Before" is the pretrained encoder under the head that learned on its features, so that a share of nothing is
//! that head alone. Both cost a few readings of the validation part, and nothing in use.

use std::path::{Path, PathBuf};

use understudy_eval::EpochScores;
use understudy_nn::SequenceClassifier;

use crate::checkpoint::Progress;
use crate::control::Control;
use crate::error::{Result, TrainError};
use crate::job::{Phase, TrainEvent, TrainingJob};
use crate::judging::{evaluate, is_better, validation_scores};
use crate::predictor;
use crate::settings::Method;
use crate::tokenizer::Encoded;
use crate::trainer::untrained;

/// How much of what was learned is left in the mixtures with the start that are tried, beside all of it.
pub(crate) const SHARES: [f32; 4] = [0.75, 0.5, 0.25, 0.0];

/// The model that the validation part likes best.
pub(crate) struct Averaged {
    pub(crate) model: SequenceClassifier,
    /// Its answers to the validation part, `[texts, classes]`.
    pub(crate) answers: Vec<f32>,
    /// The epochs whose models it is the mean of.
    pub(crate) epochs: Vec<u32>,
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
    std::fs::create_dir_all(&job.checkpoint).map_err(failed(&path))?;
    model.save_head(&partial)?;
    // A checkpoint that outlives a power cut needs it.
    let on_disk = std::fs::File::open(&partial).and_then(|file| file.sync_all());
    on_disk
        .and_then(|()| std::fs::rename(&partial, &path))
        .map_err(failed(&path))
}

/// The model that every training of a run begins with.
///
/// # Errors
/// [`TrainError::Model`].
pub(crate) fn beginning(job: &TrainingJob) -> Result<SequenceClassifier> {
    let mut model = untrained(job)?;
    // Where it is learned which windows tell, it begins by all telling alike.
    model.set_window_pooling(job.settings.window_pooling);
    // One that begins with a head that knows nothing has noted none.
    let start = start(&job.checkpoint);
    if start.is_file() {
        model.load_head(&start)?;
    }
    Ok(model)
}

/// Puts the kept model aside as what training `number` (from 0) came to, so that the next can keep its own. Doing it again
/// after a kill changes nothing.
///
/// # Errors
/// [`TrainError::File`].
pub(crate) fn put_aside(job: &TrainingJob, number: usize) -> Result<()> {
    if !job.model.exists() {
        return Ok(());
    }
    let place = left(&job.checkpoint, number);
    if place.exists() {
        std::fs::remove_dir_all(&place).map_err(failed(&place))?;
    }
    std::fs::rename(&job.model, &place).map_err(failed(&place))
}

fn start(checkpoint: &Path) -> PathBuf {
    checkpoint.join("start.safetensors")
}

fn left(checkpoint: &Path, number: usize) -> PathBuf {
    checkpoint.join(format!("training-{number}"))
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> TrainError {
    let path = path.to_owned();
    move |source| TrainError::File {
        path: path.clone(),
        source,
    }
}

/// What trainings came to, at least one: the folders of their models, and the epochs that those are of.
struct Learned {
    folders: Vec<PathBuf>,
    epochs: Vec<u32>,
}

impl Learned {
    /// Of all trainings of a run.
    fn of_all(job: &TrainingJob, progress: &Progress) -> Self {
        let before = (0..progress.left.len()).map(|number| left(&job.checkpoint, number));
        Learned {
            folders: before.chain([job.model.clone()]).collect(),
            epochs: progress
                .left
                .iter()
                .map(|left| left.best_epoch)
                .chain([progress.best_epoch])
                .collect(),
        }
    }

    /// Of one of them.
    fn only(&self, which: usize) -> Self {
        Learned {
            folders: vec![self.folders[which].clone()],
            epochs: vec![self.epochs[which]],
        }
    }

    /// The mean of their weights. Two models are held at a time.
    fn mean(&self) -> Result<SequenceClassifier> {
        let (mut mean, _) = predictor::load(&self.folders[0])?;
        for (folder, so_far) in self.folders[1..].iter().zip(1_u8..) {
            let (other, _) = predictor::load(folder)?;
            mean.parameters
                .mix(&other.parameters, f32::from(so_far) / f32::from(so_far + 1));
        }
        Ok(mean)
    }
}

/// Tries the mean of all trainings, and mixtures of what is kept with the model that the run began with. Two models are
/// held at a time: that is less than a training takes.
///
/// # Errors
/// Any [`TrainError`].
pub(crate) fn choose(
    job: &TrainingJob,
    progress: &Progress,
    validation: &Encoded,
    control: &Control,
    report: &mut dyn FnMut(TrainEvent),
) -> Result<Averaged> {
    let place = |mut model: SequenceClassifier| -> Result<SequenceClassifier> {
        if let Some(device) = &job.device {
            model.place(device)?;
        }
        Ok(model)
    };
    let mut read = |model: SequenceClassifier, phase: Phase| -> Result<Vec<f32>> {
        report(TrainEvent::of_phase(phase, 0, validation.len(), 0));
        evaluate(&place(model)?, validation, phase, 0, control, report)
    };
    let all = Learned::of_all(job, progress);
    let phase = match all.epochs.len() {
        1 => Phase::Validate,
        _ => Phase::Average,
    };
    let mut answers = read(all.mean()?, phase)?;
    let mut scores = validation_scores(job, &answers)?;
    let mut learned = all;
    // A mean that does worse than a training does on average is no mean of one valley.
    if let Some(single) = better_alone(&learned, progress, scores.macro_f1) {
        learned = learned.only(single);
        answers = read(learned.mean()?, phase)?;
        scores = validation_scores(job, &answers)?;
    }
    let mut share = 1.0;
    // A run that an earlier version began has noted no start.
    let mixes = job.settings.mixes() && start(&job.checkpoint).is_file();
    // The start is read anew for each, so that it does not lie beside two others while trainings are averaged.
    let mixture = |share: f32| -> Result<SequenceClassifier> {
        let mut mixture = learned.mean()?;
        if share < 1.0 {
            mixture.parameters.mix(&beginning(job)?.parameters, share);
        }
        Ok(mixture)
    };
    if mixes {
        // Adapters of which nothing is left could not be given away as such.
        let tried = SHARES
            .into_iter()
            .filter(|&share| share > 0.0 || job.settings.method != Method::Lora);
        for tried in tried {
            let found = read(mixture(tried)?, Phase::Average)?;
            let its = validation_scores(job, &found)?;
            if is_better((its.macro_f1, its.loss), (scores.macro_f1, scores.loss)) {
                (scores, answers, share) = (its, found, tried);
            }
        }
    }
    Ok(Averaged {
        model: place(mixture(share)?)?,
        answers,
        epochs: learned.epochs,
        share,
    })
}

/// The training that did best by itself, where the mean of several has a lower macro-F1 on validation than they have on
/// average: the best of several seems better than it is, the mean of their scores does not. Losses are not compared: how sure
/// the answers are is put right afterwards.
fn better_alone(learned: &Learned, progress: &Progress, macro_f1: f64) -> Option<usize> {
    let count = learned.epochs.len();
    let found = |epoch: &u32| progress.epochs.iter().find(|scores| scores.epoch == *epoch);
    let scores: Vec<&EpochScores> = learned.epochs.iter().filter_map(found).collect();
    if count < 2 || scores.len() < count {
        return None;
    }
    let sum: f64 = scores.iter().map(|scores| scores.validation_macro_f1).sum();
    let of = |which: usize| (scores[which].validation_macro_f1, scores[which].validation_loss);
    let best = |a, b| if is_better(of(b), of(a)) { b } else { a };
    (macro_f1 < sum / count as f64)
        .then(|| (0..count).reduce(best))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::{Began, Left};
    use crate::settings::TrainSettings;

    /// Two trainings of two epochs with these macro-F1s.
    fn progress(macro_f1: [f64; 4]) -> Progress {
        let scores = macro_f1
            .into_iter()
            .zip(1..)
            .map(|(macro_f1, epoch)| EpochScores {
                epoch,
                training: epoch.div_ceil(2),
                train_loss: 0.1,
                validation_loss: 0.5,
                validation_accuracy: macro_f1,
                validation_macro_f1: macro_f1,
                seconds: 1.0,
            });
        Progress {
            settings: TrainSettings::textbook("m"),
            texts: 32,
            step: 8,
            epoch_loss: 0.0,
            recent_loss: 0.0,
            seconds: 4.0,
            epoch_seconds: 0.0,
            epochs: scores.collect(),
            best_epoch: 4,
            began: Began { epochs: 2, steps: 4 },
            left: vec![Left {
                first_epoch: 1,
                best_epoch: 2,
            }],
            parts: 1,
            tokens_per_part: 1024,
        }
    }

    fn learned(epochs: &[u32]) -> Learned {
        Learned {
            folders: epochs
                .iter()
                .map(|epoch| PathBuf::from(epoch.to_string()))
                .collect(),
            epochs: epochs.to_vec(),
        }
    }

    #[test]
    fn a_mean_that_does_worse_than_its_parts_do_on_average_gives_way_to_the_best_of_them() {
        let (two, progress) = (learned(&[2, 4]), progress([0.5, 0.8, 0.4, 0.6]));
        assert_eq!(
            better_alone(&two, &progress, 0.75),
            None,
            "below the best, but above 0.7"
        );
        assert_eq!(better_alone(&two, &progress, 0.7), None);
        assert_eq!(better_alone(&two, &progress, 0.69), Some(0));
        let only = two.only(0);
        assert_eq!((only.folders, only.epochs), (vec![PathBuf::from("2")], vec![2]));
        assert_eq!(
            better_alone(&learned(&[4]), &progress, 0.1),
            None,
            "nothing to choose from"
        );
    }

    #[test]
    fn what_a_training_came_to_is_put_aside_once_however_often_that_is_done() {
        let place = tempfile::tempdir().unwrap();
        let job = TrainingJob {
            base: place.path().join("base"),
            model: place.path().join("model"),
            checkpoint: place.path().join("checkpoint"),
            labels: Vec::new(),
            problem_type: understudy_nn::ProblemType::SingleLabel,
            train: Vec::new(),
            validation: Vec::new(),
            test: Vec::new(),
            device: None,
            settings: TrainSettings::textbook("base"),
        };
        std::fs::create_dir(&job.checkpoint).unwrap();
        let all = Learned::of_all(&job, &progress([0.0; 4]));
        assert_eq!(all.epochs, [2, 4]);
        let which = || std::fs::read_to_string(all.folders[0].join("which")).unwrap();
        for written in [Some("first"), None, Some("the same, trained again")] {
            let before = written.is_none().then(which);
            if let Some(written) = written {
                std::fs::create_dir(&job.model).unwrap();
                std::fs::write(job.model.join("which"), written).unwrap();
            }
            put_aside(&job, 0).unwrap();
            assert!(!job.model.exists());
            assert_eq!(
                which(),
                written.map_or_else(|| before.unwrap_or_default(), str::to_owned)
            );
        }
    }
}
