//! What a run is asked for, what it tells on the way, and what it leaves.

use std::path::PathBuf;
use std::time::Duration;

use understudy_eval::EpochScores;
use understudy_nn::ProblemType;
use understudy_nn::device::Device;

use crate::judging::is_better;
use crate::settings::TrainSettings;

/// A text with its classes.
#[derive(Debug, Clone)]
pub struct Example {
    /// The text.
    pub text: String,
    /// Indexes of its classes: exactly one, or any number, as the job's problem type says.
    pub labels: Vec<usize>,
}

/// Everything that a run needs to know.
#[derive(Debug, Clone)]
pub struct TrainingJob {
    /// Folder of the pretrained model.
    pub base: PathBuf,
    /// Where checkpoints go.
    pub checkpoint: PathBuf,
    /// Where the best model goes, a Hugging Face folder.
    pub model: PathBuf,
    /// What was chosen.
    pub settings: TrainSettings,
    /// The graphics card to compute on; the processor without.
    pub device: Option<Device>,
    /// The classes.
    pub labels: Vec<String>,
    /// How many of them a text may have.
    pub problem_type: ProblemType,
    /// What is learnt from.
    pub train: Vec<Example>,
    /// What rounds are compared by.
    pub validation: Vec<Example>,
    /// What the best model is judged by, once; may be empty.
    pub test: Vec<Example>,
}

/// What a run is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Texts are turned into ids.
    Tokenize,
    /// The encoder reads all texts once, for the head.
    Features,
    /// Weights are moving.
    Train,
    /// A round is judged.
    Validate,
    /// Mixtures of the trainings' best models, with one another and with the one that the run began with, are judged.
    Average,
    /// The best model is judged.
    Test,
    /// A checkpoint or model is written.
    Save,
}

/// News from a run.
#[derive(Debug, Clone)]
pub enum TrainEvent {
    /// How far a phase is.
    Progress {
        /// Which phase.
        phase: Phase,
        /// Texts or steps done.
        done: u32,
        /// Of how many.
        total: u32,
        /// The epoch, from 1; 0 outside of epochs.
        epoch: u32,
        /// Seconds until the whole run ends, once there is something to go by.
        seconds_left: Option<f64>,
        /// Texts a second in this sitting.
        rate: Option<f64>,
    },
    /// Steps are taken from here on: those after it that were told before are undone.
    GoesOn {
        /// The last step that counts; 0 where the run begins.
        step: u32,
    },
    /// A step was taken.
    Step {
        /// Which, from 1.
        step: u32,
        /// Its mean loss.
        loss: f64,
        /// Its learning rate.
        learning_rate: f64,
    },
    /// An epoch was finished and judged.
    Epoch(EpochScores),
}

/// What a run leaves besides the model.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The finished epochs.
    pub epochs: Vec<EpochScores>,
    /// The epochs (from 1) whose models are in the kept one: a single one, or of each training the best.
    pub kept_epochs: Vec<u32>,
    /// Steps taken.
    pub steps: u32,
    /// Probabilities of the kept model for the validation part, `[texts, classes]`.
    pub validation: Vec<f32>,
    /// The same for the test part.
    pub test: Vec<f32>,
    /// Which texts are unlike those learned from; `None` where there were too few to tell by, and none will be called so.
    pub unfamiliar: Option<Unfamiliar>,
    /// Where a text may have several labels: the probability from which on each is given, tuned on the validation part.
    pub thresholds: Option<Vec<f32>>,
    /// By what the kept model's logits were divided, so that it is right as often as it says by the validation part.
    pub temperature: f32,
    /// How much of what was learned is in the kept model: 1 for all; the rest is the model that the run began with.
    pub trained_share: f32,
    /// Seconds spent on training steps.
    pub seconds_training: f64,
    /// Training texts a second.
    pub samples_per_second: f64,
    /// Training tokens a second.
    pub tokens_per_second: f64,
    /// Share of the training texts that were cut at the maximum length.
    pub truncated: f64,
}

impl Outcome {
    /// The best by validation of the epochs whose models are in the kept one.
    pub fn best_epoch(&self) -> u32 {
        let kept = self
            .epochs
            .iter()
            .filter(|scores| self.kept_epochs.contains(&scores.epoch));
        let of = |scores: &EpochScores| (scores.validation_macro_f1, scores.validation_loss);
        let better = |best, scores| {
            if is_better(of(scores), of(best)) {
                scores
            } else {
                best
            }
        };
        kept.reduce(better).map_or(0, |scores| scores.epoch)
    }
}

/// Which texts of each part are unlike those learned from, in the order of the part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfamiliar {
    /// Of the validation part.
    pub validation: Vec<bool>,
    /// Of the test part.
    pub test: Vec<bool>,
}

/// Progress is reported at most this often.
pub(crate) const REPORT_EVERY: Duration = Duration::from_millis(200);

impl TrainEvent {
    /// How far a phase is whose end is not foretold.
    pub(crate) fn of_phase(phase: Phase, done: usize, total: usize, epoch: u32) -> TrainEvent {
        TrainEvent::Progress {
            phase,
            done: done as u32,
            total: total as u32,
            epoch,
            seconds_left: None,
            rate: None,
        }
    }
}
