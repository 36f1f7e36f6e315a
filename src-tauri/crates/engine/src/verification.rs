//! Whether what a run left behind is still what it was, and whether a second training came to the same.
//!
//! Every hash that was noted is computed again: the weights, the texts and labels that were learnt from, the reports;
//! the scores are counted again from the stored answers. A run with the settings and the data of an earlier one is its
//! repetition: on the same machine it must be the same to the last bit, elsewhere it is told by how much they differ.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use understudy_data::{Part, Project, RunStatus, StoredPrediction, hex};
use understudy_eval::Scores;
use understudy_hub::check_folder;

use crate::error::Result;
use crate::runs::{self, RunOutcome};
use crate::{files, report, training};

/// What was checked of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Verification {
    /// Entries of the project's history.
    pub entries: u32,
    /// Hash of its last entry, which all others lead to.
    pub head: String,
    /// Everything that was looked at.
    pub checks: Vec<Check>,
    /// The earlier run that this one repeats, and how it went.
    pub repetition: Option<Repetition>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Check {
    /// What.
    pub subject: Subject,
    /// Which, where there are several of a kind: the name of a file.
    pub name: Option<String>,
    /// What became of it.
    pub finding: Finding,
}

/// What is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The project's history: a chain of hashes.
    History,
    /// The trained weights.
    Weights,
    /// The scores, counted again from the stored answers.
    Scores,
    /// The texts, labels and parts that were learnt from, against what the project has now.
    Data,
    /// A report that was written.
    Report,
}

/// What became of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// It is what it was.
    Same,
    /// It is something else now.
    Changed,
    /// It is not there any more.
    Missing,
}

/// How a repetition came out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Repetition {
    /// The run that was repeated.
    pub first: String,
    /// When that began.
    pub created_at: String,
    /// Whether both were trained on the same kind of machine.
    pub same_machine: bool,
    /// Whether the trained weights are the same to the last bit.
    pub same_weights: bool,
    /// The largest difference of a probability; 0: all are the same to the last bit.
    pub largest_difference: f64,
    /// Texts that were given another label.
    pub labels_changed: u32,
    /// Texts that both answered.
    pub texts: u32,
    /// The accuracy of the first and of this one.
    pub accuracy: (f64, f64),
}

/// Checks a run.
///
/// # Errors
/// [`crate::EngineError::RunNotFinished`], and those of the database and of files.
pub fn verify(project: &Project, run: &str) -> Result<Verification> {
    let record = runs::find(project, run)?;
    let outcome = runs::outcome(&record)?;
    let history = project.verify_audit()?;
    let mut checks = vec![
        check(Subject::History, history.broken.is_none()),
        Check {
            subject: Subject::Weights,
            name: None,
            finding: weights(project, run, &outcome)?,
        },
        check(Subject::Scores, scores_follow(project, run, &outcome)?),
    ];
    if let Some(noted) = training::noted_fingerprint(project, run)? {
        checks.push(check(
            Subject::Data,
            noted == training::data_fingerprint(project)?,
        ));
    }
    let mut seen = HashSet::new();
    for written in project.recorded(report::WRITTEN)?.iter().rev() {
        let (Some(path), Some(noted)) = (written["to"].as_str(), written["sha256"].as_str()) else {
            continue;
        };
        // A report that was written again replaced the one before.
        if written["run"].as_str() != Some(run) || !seen.insert(path.to_owned()) {
            continue;
        }
        let path = Path::new(path);
        checks.push(Check {
            subject: Subject::Report,
            name: path.file_name().map(|name| name.to_string_lossy().into_owned()),
            finding: match std::fs::read(path) {
                Ok(bytes) => finding(hex(&Sha256::digest(bytes)) == noted),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Finding::Missing,
                Err(error) => return Err(files::failed(path)(error)),
            },
        });
    }
    Ok(Verification {
        entries: history.entries,
        head: history.head,
        checks,
        repetition: repetition(project, run, &outcome)?,
    })
}

fn finding(same: bool) -> Finding {
    match same {
        true => Finding::Same,
        false => Finding::Changed,
    }
}

fn check(subject: Subject, same: bool) -> Check {
    Check {
        subject,
        name: None,
        finding: finding(same),
    }
}

fn weights(project: &Project, run: &str, outcome: &RunOutcome) -> Result<Finding> {
    let folder = runs::model_folder(project, run);
    if !folder.join("model.safetensors").is_file() {
        return Ok(Finding::Missing);
    }
    Ok(finding(
        check_folder(&folder)?.model_sha256 == outcome.model_sha256,
    ))
}

/// Whether the stored answers count to the scores that were told.
fn scores_follow(project: &Project, run: &str, outcome: &RunOutcome) -> Result<bool> {
    let told = [
        (Part::Validation, Some(&outcome.validation)),
        (Part::Test, outcome.test.as_ref()),
    ];
    for (part, scores) in told {
        let Some(scores) = scores else { continue };
        if !counts_to(&project.predictions(run, part)?, scores) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn counts_to(answers: &[StoredPrediction], scores: &Scores) -> bool {
    let right = answers
        .iter()
        .filter(|answer| answer.gold == answer.predicted)
        .count();
    let mut classes_fit = true;
    for (class, told) in scores.classes.iter().enumerate() {
        let support = answers
            .iter()
            .filter(|answer| answer.gold.contains(&class))
            .count();
        classes_fit &= support as u64 == u64::from(told.support);
    }
    answers.len() as u64 == u64::from(scores.examples)
        && right as u64 == u64::from(scores.correct)
        && classes_fit
}

/// The earliest finished run before this one that learnt from the same data in the same way, and how both compare.
fn repetition(project: &Project, run: &str, outcome: &RunOutcome) -> Result<Option<Repetition>> {
    let record = runs::find(project, run)?;
    let Some(data) = training::noted_fingerprint(project, run)? else {
        return Ok(None);
    };
    let mut earlier: Vec<_> = project
        .runs()?
        .into_iter()
        .filter(|other| other.status == RunStatus::Finished && other.settings == record.settings)
        .filter(|other| (&other.created_at, &other.id) < (&record.created_at, &record.id))
        .collect();
    earlier.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
    for first in earlier {
        if training::noted_fingerprint(project, &first.id)?.as_ref() != Some(&data) {
            continue;
        }
        let before = runs::outcome(&first)?;
        let (answers, own) = (all_answers(project, &first.id)?, all_answers(project, run)?);
        let of: HashMap<u32, &StoredPrediction> =
            answers.iter().map(|answer| (answer.example, answer)).collect();
        let pairs: Vec<_> = own
            .iter()
            .filter_map(|answer| Some((*of.get(&answer.example)?, answer)))
            .collect();
        let accuracy = |outcome: &RunOutcome| outcome.test.as_ref().unwrap_or(&outcome.validation).accuracy;
        return Ok(Some(Repetition {
            created_at: first.created_at,
            first: first.id,
            same_machine: before.data.machine == outcome.data.machine,
            same_weights: before.model_sha256 == outcome.model_sha256,
            largest_difference: pairs
                .iter()
                .map(|(a, b)| largest_difference(&a.probabilities, &b.probabilities))
                .fold(0.0, f64::max),
            labels_changed: pairs.iter().filter(|(a, b)| a.predicted != b.predicted).count() as u32,
            texts: pairs.len() as u32,
            accuracy: (accuracy(&before), accuracy(outcome)),
        }));
    }
    Ok(None)
}

fn all_answers(project: &Project, run: &str) -> Result<Vec<StoredPrediction>> {
    let mut answers = project.predictions(run, Part::Validation)?;
    answers.extend(project.predictions(run, Part::Test)?);
    Ok(answers)
}

fn largest_difference(a: &[f32], b: &[f32]) -> f64 {
    let differences = a.iter().zip(b).map(|(a, b)| f64::from((a - b).abs()));
    differences.fold(0.0, f64::max)
}
