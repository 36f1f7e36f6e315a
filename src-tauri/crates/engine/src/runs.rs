//! The runs of a project: made, found again after a stop, told.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use understudy_data::{
    CleaningRule, CleaningStep, Project, RunRecord, RunStatus, SourceFile, SplitSummary, StoredPrediction,
    TextRule,
};
use understudy_eval::{Calibration, EpochScores, Scores};
use understudy_report::Language;
use understudy_train::presets::ModelFacts;
use understudy_train::{TrainSettings, checkpoint, is_better};

use crate::error::{EngineError, Problem, Result, WorkerEnding};
use crate::files;
use crate::models;
use crate::received;
use crate::view::{Fold, RunHistory, RunSummary};

/// What a finished run leaves in the project's database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOutcome {
    /// The classes, in the order of all lists by class.
    pub labels: Vec<String>,
    /// The finished rounds.
    pub epochs: Vec<EpochScores>,
    /// The round that was kept, or the best of those.
    pub best_epoch: u32,
    /// The rounds whose models are in the kept one; earlier versions kept that of one.
    #[serde(default)]
    pub kept_epochs: Vec<u32>,
    /// How much of what that round learned is in the kept model (1: all of it); the rest is the model that the run began with.
    #[serde(default = "whole")]
    pub trained_share: f32,
    /// Steps taken.
    pub steps: u32,
    /// Scores of the kept round on validation.
    pub validation: Scores,
    /// Scores on test; `None` without a test part.
    pub test: Option<Scores>,
    /// Share of right answers on the judged part when words are only counted; runs of earlier versions have none.
    #[serde(default)]
    pub bag_of_words_accuracy: Option<f64>,
    /// The same as micro F1, where a text may have several labels.
    #[serde(default)]
    pub bag_of_words_micro_f1: Option<f64>,
    /// How sure the judged part's answers say to be beside how often they are right; runs of earlier versions do not tell.
    #[serde(default)]
    pub calibration: Option<Calibration>,
    /// How many texts of the test part are unlike those learned from; runs of earlier versions do not tell.
    #[serde(default)]
    pub unfamiliar: Option<UnfamiliarTexts>,
    /// Seconds of training steps.
    pub seconds_training: f64,
    /// Training texts a second.
    pub samples_per_second: f64,
    /// Training tokens a second.
    pub tokens_per_second: f64,
    /// The most memory used, MiB.
    pub peak_memory_mb: Option<f64>,
    /// Processor threads that the run had; runs of earlier versions do not tell.
    #[serde(default)]
    pub threads: Option<u32>,
    /// Share of the training texts that were cut.
    pub truncated: f64,
    /// SHA-256 of the trained weights.
    pub model_sha256: String,
    /// What it learnt from, as it was then.
    pub data: RunData,
}

/// What earlier versions always kept.
fn whole() -> f32 {
    1.0
}

/// Texts of a test part that are unlike those that a model learned from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct UnfamiliarTexts {
    /// Texts of the part.
    pub texts: u32,
    /// Of them, those that are unfamiliar.
    pub unfamiliar: u32,
    /// Of these, those that were answered wrongly.
    pub wrong: u32,
}

impl UnfamiliarTexts {
    /// Among the answers to a part; `None` where answers do not say it of their texts.
    pub(crate) fn among(answers: &[StoredPrediction]) -> Option<Self> {
        let mut found = UnfamiliarTexts {
            texts: answers.len() as u32,
            unfamiliar: 0,
            wrong: 0,
        };
        for answer in answers {
            let unfamiliar = answer.unfamiliar?;
            found.unfamiliar += u32::from(unfamiliar);
            found.wrong += u32::from(unfamiliar && answer.gold != answer.predicted);
        }
        Some(found)
    }
}

/// The data of a run at the time of its training: the project may change afterwards, its report may not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunData {
    /// The split.
    pub split: SplitSummary,
    /// The imported files.
    pub sources: Vec<SourceFile>,
    /// Rows hidden because they repeated another; what runs of earlier versions tell of cleaning.
    pub duplicates_removed: u32,
    /// The cleaning steps in force; runs of earlier versions do not tell.
    pub cleaning: Option<Vec<CleaningStep>>,
    /// The machine in a line.
    pub machine: String,
}

impl RunData {
    /// The rules that the texts went through, in their order.
    pub fn text_rules(&self) -> Vec<TextRule> {
        let steps = self.cleaning.iter().flatten();
        steps
            .filter_map(|step| match &step.rule {
                CleaningRule::Texts(rule) => Some(rule.clone()),
                CleaningRule::Rows(_) => None,
            })
            .collect()
    }
}

/// Names of the curves in the project's database.
pub(crate) mod metric {
    pub const LOSS: &str = "loss";
    pub const LEARNING_RATE: &str = "learning_rate";
    pub const TRAIN_LOSS: &str = "epoch_train_loss";
    pub const VALIDATION_LOSS: &str = "epoch_validation_loss";
    pub const VALIDATION_ACCURACY: &str = "epoch_validation_accuracy";
    pub const VALIDATION_MACRO_F1: &str = "epoch_validation_macro_f1";
    pub const SECONDS: &str = "epoch_seconds";
    pub const TRAINING: &str = "epoch_training";
}

/// Makes a run that waits to be trained, and returns its id.
///
/// # Errors
/// [`EngineError::RunActive`] when one is at work, [`understudy_train::TrainError::Setting`], those of the model's files and those of the database.
pub fn create(project: &mut Project, settings: &TrainSettings) -> Result<String> {
    project.check_reachable()?;
    recover(project)?;
    // A model that is not there is told of when the run begins.
    let positions = match models::base_folder(&settings.model) {
        Ok(folder) => ModelFacts::read(&folder)?.0.max_length,
        Err(_) => usize::MAX,
    };
    settings.check(positions)?;
    if let Some(active) = project.runs()?.into_iter().find(|run| is_active(run.status)) {
        return Err(EngineError::RunActive { id: active.id });
    }
    let split_version = project.split_summary()?.map(|split| split.version);
    // Sorts by time and reads as a date: 2026-11-23_154500, with a letter when two fall on a second.
    let stamp: String = files::now()
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .collect();
    let stamp = stamp.replace('T', "_");
    let taken: Vec<String> = project.runs()?.into_iter().map(|run| run.id).collect();
    let id = std::iter::once(stamp.clone())
        .chain(('b'..='z').map(|letter| format!("{stamp}{letter}")))
        .find(|id| !taken.contains(id))
        .unwrap_or(stamp);
    // The folder first: a run without one could be locked by nobody.
    let folder = project.run_folder(&id);
    std::fs::create_dir_all(&folder).map_err(files::failed(&folder))?;
    project.insert_run(&RunRecord {
        id: id.clone(),
        status: RunStatus::Queued,
        model: settings.model.clone(),
        created_at: files::now(),
        settings: to_value(settings)?,
        split_version,
        summary: None,
        reason: None,
    })?;
    Ok(id)
}

/// Halves the learning rate of a run that ran away, so that it goes on from its checkpoint more carefully.
///
/// # Errors
/// `UnknownRun`, and those of the database.
pub fn halve_learning_rate(project: &mut Project, id: &str) -> Result<()> {
    let mut run = find(project, id)?;
    let mut settings = settings(&run)?;
    settings.learning_rate /= 2.0;
    run.settings = to_value(&settings)?;
    Ok(project.update_run(&run)?)
}

/// A run by its id.
///
/// # Errors
/// `UnknownRun`, and those of the database.
pub fn find(project: &Project, id: &str) -> Result<RunRecord> {
    let found = project.run(id)?;
    Ok(found.ok_or_else(|| understudy_data::DataError::UnknownRun { id: id.to_owned() })?)
}

/// Whether a run waits or trains.
pub fn is_active(status: RunStatus) -> bool {
    matches!(status, RunStatus::Queued | RunStatus::Running)
}

/// Holds a run for this process; the system lets go when the process ends, however it ends.
///
/// # Errors
/// [`EngineError::RunActive`] when another process holds it.
pub fn lock(folder: &Path, id: &str) -> Result<File> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(files::failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(EngineError::RunActive { id: id.to_owned() }),
        Err(std::fs::TryLockError::Error(error)) => Err(files::failed(&path)(error)),
    }
}

/// Marks runs as interrupted that say they are at work while nobody works on them: after a power cut, or when app
/// and worker were killed together.
///
/// # Errors
/// Those of the database.
pub fn recover(project: &mut Project) -> Result<()> {
    for run in project.runs()? {
        let folder = project.run_folder(&run.id);
        if run.status == RunStatus::Finished {
            // What earlier versions left, and what could not be cleared away before; where it still cannot, it stays.
            let _ = clear_checkpoint(project, &run.id);
        }
        if is_active(run.status) && (!folder.is_dir() || lock(&folder, &run.id).is_ok()) {
            interrupted(project, &run.id, WorkerEnding::Closed)?;
        }
    }
    Ok(())
}

/// Writes down that a run's worker is gone.
///
/// # Errors
/// Those of the database.
pub fn interrupted(project: &mut Project, id: &str, ending: WorkerEnding) -> Result<()> {
    let mut run = find(project, id)?;
    if is_active(run.status) {
        run.status = RunStatus::Interrupted;
        run.reason = Some(to_value(&Problem::from(&EngineError::WorkerDied { ending }))?);
        project.update_run(&run)?;
    }
    Ok(())
}

/// Writes down why a run ended, where its worker could not do so itself.
///
/// # Errors
/// Those of the database.
pub fn failed(project: &mut Project, id: &str, problem: &Problem) -> Result<()> {
    let mut run = find(project, id)?;
    if is_active(run.status) {
        run.status = RunStatus::Failed;
        run.reason = Some(to_value(problem)?);
        project.update_run(&run)?;
    }
    Ok(())
}

/// Makes a stopped run wait for a worker again.
///
/// # Errors
/// [`EngineError::RunActive`] when one is at work, and those of the database.
pub fn queue_again(project: &mut Project, id: &str) -> Result<()> {
    recover(project)?;
    if let Some(active) = project.runs()?.into_iter().find(|run| is_active(run.status)) {
        return Err(EngineError::RunActive { id: active.id });
    }
    let mut run = find(project, id)?;
    if run.status == RunStatus::Finished {
        return Err(EngineError::RunFinished { id: id.to_owned() });
    }
    run.status = RunStatus::Queued;
    run.reason = None;
    Ok(project.update_run(&run)?)
}

/// How a run was asked to train.
///
/// # Errors
/// [`EngineError::Protocol`] when what is stored is none of this version's.
pub fn settings(run: &RunRecord) -> Result<TrainSettings> {
    TrainSettings::from_stored(run.settings.clone()).map_err(|error| EngineError::Protocol {
        reason: error.to_string(),
    })
}

/// What a finished run achieved.
///
/// # Errors
/// [`EngineError::RunNotFinished`].
pub fn outcome(run: &RunRecord) -> Result<RunOutcome> {
    match &run.summary {
        Some(summary) => from_value(summary.clone()),
        None => Err(EngineError::RunNotFinished { id: run.id.clone() }),
    }
}

/// A run at a glance.
///
/// # Errors
/// Those of the database.
pub fn summary(project: &Project, run: &RunRecord, language: Language) -> Result<RunSummary> {
    let settings = settings(run)?;
    let outcome = run.summary.is_some().then(|| outcome(run)).transpose()?;
    let reason: Option<Problem> = run.reason.clone().map(from_value).transpose()?;
    let epochs = match &outcome {
        Some(outcome) => outcome.epochs.clone(),
        None => epochs(project, run)?,
    };
    let best = match &outcome {
        Some(outcome) => epochs.iter().find(|epoch| epoch.epoch == outcome.best_epoch),
        None => best(&epochs),
    };
    let test = outcome.as_ref().and_then(|outcome| outcome.test.as_ref());
    // A run that was stopped before its first checkpoint begins again; one that failed so early would fail again, unless it
    // learns more carefully.
    let stopped = matches!(run.status, RunStatus::Cancelled | RunStatus::Interrupted);
    let ran_away = reason
        .as_ref()
        .is_some_and(|problem| problem.told(language).kind == "diverged");
    let saved = checkpoint::exists(&checkpoint_folder(project, &run.id));
    Ok(RunSummary {
        id: run.id.clone(),
        status: run.status,
        model: run.model.clone(),
        created_at: run.created_at.clone(),
        seconds: outcome.as_ref().map(|outcome| outcome.seconds_training),
        epochs: settings.rounds(),
        epochs_done: epochs.len() as u32,
        kept_epochs: match &outcome {
            Some(outcome) if !outcome.kept_epochs.is_empty() => outcome.kept_epochs.clone(),
            _ => best.map(|epoch| epoch.epoch).into_iter().collect(),
        },
        trained_share: outcome.as_ref().map(|outcome| outcome.trained_share),
        validation_macro_f1: match &outcome {
            Some(outcome) => Some(outcome.validation.macro_f1),
            None => best.map(|epoch| epoch.validation_macro_f1),
        },
        test_accuracy: test.map(|scores| scores.accuracy),
        test_micro_f1: test
            .filter(|scores| scores.multi_label.is_some())
            .map(|scores| scores.micro_f1),
        test_macro_f1: test.map(|scores| scores.macro_f1),
        fold: match run.split_version {
            Some(version) => project
                .fold_of_split(version)?
                .map(|(number, of)| Fold { number, of }),
            None => None,
        },
        resumable: stopped || (run.status == RunStatus::Failed && (saved || ran_away)),
        reason: reason.map(|problem| problem.told(language).clone()),
    })
}

/// The best of some rounds, as the trainer chooses.
fn best(epochs: &[EpochScores]) -> Option<&EpochScores> {
    let of = |epoch: &EpochScores| (epoch.validation_macro_f1, epoch.validation_loss);
    let better = |best, epoch| {
        if is_better(of(epoch), of(best)) {
            epoch
        } else {
            best
        }
    };
    epochs.iter().reduce(better)
}

/// Where a run's checkpoints lie.
pub fn checkpoint_folder(project: &Project, run: &str) -> std::path::PathBuf {
    project.run_folder(run).join("checkpoint")
}

/// Clears away what a run would have gone on from: twice as large as its model, and of no use once it is finished.
///
/// # Errors
/// [`EngineError::File`].
pub(crate) fn clear_checkpoint(project: &Project, run: &str) -> Result<()> {
    let folder = checkpoint_folder(project, run);
    match std::fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(files::failed(&folder)(error)),
        _ => Ok(()),
    }
}

/// Where a run's model lies.
pub fn model_folder(project: &Project, run: &str) -> std::path::PathBuf {
    project.run_folder(run).join("model")
}

/// How the project's history calls the files of a model when it was trained.
pub(crate) const KEPT: &str = "model_kept";

/// What is noted beside a model.
pub(crate) const NOTES: &str = "understudy.json";

/// The SHA-256 of each file of a model's folder, but of that which may change after a training: which answers go to a person is the
/// user's to decide, and the rules for texts, which the run's own record has, come to lie beside a model that is given away.
pub(crate) fn kept_files(model: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = files::hashes(model)?;
    found.remove(received::RULES_FILE);
    if found.contains_key(NOTES) {
        let path = model.join(NOTES);
        let text = std::fs::read(&path).map_err(files::failed(&path))?;
        let kept = match serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&text) {
            Ok(mut notes) => {
                notes.remove("review");
                serde_json::Value::Object(notes).to_string().into_bytes()
            }
            // Damaged: no less changed.
            Err(_) => text,
        };
        found.insert(NOTES.to_owned(), understudy_data::hex(&Sha256::digest(kept)));
    }
    Ok(found)
}

/// A run's curves.
///
/// # Errors
/// Those of the database.
pub fn history(project: &Project, run: &RunRecord, language: Language) -> Result<RunHistory> {
    let settings = settings(run)?;
    let metrics = project.metrics(&run.id)?;
    let curve = |name: &str| -> Vec<(u32, f64)> {
        metrics
            .iter()
            .filter(|(_, n, _)| n == name)
            .map(|(step, _, value)| (*step, *value))
            .collect()
    };
    let loss = curve(metric::LOSS);
    let rows = project
        .labelled(understudy_data::Part::Train)
        .map(|rows| rows.len())
        .unwrap_or_default();
    let steps = match run.summary.is_some().then(|| outcome(run)).transpose()? {
        Some(outcome) => outcome.steps,
        None => settings.steps(rows),
    };
    Ok(RunHistory {
        run: summary(project, run, language)?,
        steps,
        step: loss.iter().map(|(step, _)| *step).collect(),
        loss: loss.iter().map(|(_, loss)| *loss).collect(),
        learning_rate: curve(metric::LEARNING_RATE)
            .into_iter()
            .map(|(_, rate)| rate)
            .collect(),
        epochs: epochs(project, run)?,
        settings,
    })
}

/// The finished rounds, from the curves.
fn epochs(project: &Project, run: &RunRecord) -> Result<Vec<EpochScores>> {
    let metrics = project.metrics(&run.id)?;
    let mut steps: Vec<u32> = metrics
        .iter()
        .filter(|(_, name, _)| name == metric::SECONDS)
        .map(|(step, _, _)| *step)
        .collect();
    steps.sort_unstable();
    let value = |step: u32, name: &str| {
        metrics
            .iter()
            .find(|(s, n, _)| *s == step && n == name)
            .map_or(f64::NAN, |(_, _, value)| *value)
    };
    Ok(steps
        .iter()
        .zip(1..)
        .map(|(&step, epoch)| EpochScores {
            epoch,
            // Earlier versions trained once; what is no number becomes nothing.
            training: (value(step, metric::TRAINING) as u32).max(1),
            train_loss: value(step, metric::TRAIN_LOSS),
            validation_loss: value(step, metric::VALIDATION_LOSS),
            validation_accuracy: value(step, metric::VALIDATION_ACCURACY),
            validation_macro_f1: value(step, metric::VALIDATION_MACRO_F1),
            seconds: value(step, metric::SECONDS),
        })
        .collect())
}

pub(crate) fn to_value(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|e| EngineError::Protocol {
        reason: e.to_string(),
    })
}

pub(crate) fn from_value<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Result<T> {
    serde_json::from_value(value).map_err(|e| EngineError::Protocol {
        reason: e.to_string(),
    })
}
