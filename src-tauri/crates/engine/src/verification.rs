//! Whether what a run left behind is still what it was, and whether a second training came to the same.
//!
//! Every hash that was noted is computed again: the model's files, the texts and labels that were learnt from, the
//! reports, what was told of the run; and its scores are computed again from the stored answers. What is damaged is a
//! finding, not a failure: the other findings are told all the same. A run with the settings and the data of an earlier one is its
//! repetition: on the same machine it must be the same to the last bit, elsewhere it is told by how much they differ.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use understudy_data::{Part, Project, RunRecord, RunStatus, StoredPrediction, hex};
use understudy_eval::{Scores, intervals_over_groups, multi_label_scores, scores};

use crate::error::Result;
use crate::runs::{self, RunOutcome, UnfamiliarTexts};
use crate::{cross_validation, report, training};

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
    /// The files of the trained model.
    Model,
    /// What is told of the run is what was told at its end, and follows from the stored answers.
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
            subject: Subject::Model,
            name: None,
            finding: model(project, run, &outcome)?,
        },
        check(
            Subject::Scores,
            told_as_recorded(project, &record)? && scores_follow(project, &record, &outcome)?,
        ),
    ];
    // Folds are divided otherwise than the project is now, and while they are trained so is the project.
    let of_fold = match record.split_version {
        Some(version) => project.fold_of_split(version)?.is_some(),
        None => false,
    };
    let folding = cross_validation::current_run(project)?
        .and_then(|fold| project.run(&fold).transpose())
        .transpose()?
        .is_some_and(|fold| runs::is_active(fold.status));
    if let Some(noted) = training::noted_fingerprint(project, run)?
        && !of_fold
        && !folding
    {
        let now = training::data_fingerprint(project);
        checks.push(check(Subject::Data, now.is_ok_and(|now| now == noted)));
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
                // It may lie on a disk that is not there now.
                Err(_) => Finding::Missing,
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

fn model(project: &Project, run: &str, outcome: &RunOutcome) -> Result<Finding> {
    let folder = runs::model_folder(project, run);
    if !folder.is_dir() {
        return Ok(Finding::Missing);
    }
    let mut now = runs::kept_files(&folder)?;
    let Some(weights) = now.get("model.safetensors").cloned() else {
        return Ok(Finding::Missing);
    };
    let kept = project.recorded(runs::KEPT)?;
    let noted = kept.iter().rev().find(|kept| kept["run"].as_str() == Some(run));
    // Runs of earlier versions left them out.
    if noted.is_some_and(|noted| noted["files"].get(runs::NOTES).is_none()) {
        now.remove(runs::NOTES);
    }
    let same = match noted {
        Some(noted) => runs::to_value(&now)? == noted["files"],
        // Of runs of earlier versions only the weights were noted.
        None => weights == outcome.model_sha256,
    };
    Ok(finding(same))
}

/// Whether what is told of the run is what the history says was told at its end.
fn told_as_recorded(project: &Project, record: &RunRecord) -> Result<bool> {
    let recorded = project.recorded("run_status")?;
    let noted = recorded
        .iter()
        .rev()
        .filter(|status| status["run"].as_str() == Some(&record.id))
        .find_map(|status| status["summary_sha256"].as_str());
    // Runs of earlier versions noted none.
    Ok(noted.is_none_or(|noted| record.summary_sha256().as_deref() == Some(noted)))
}

/// Whether the stored answers come to the scores that are told, to the last bit, and to the texts called unfamiliar.
fn scores_follow(project: &Project, record: &RunRecord, outcome: &RunOutcome) -> Result<bool> {
    let seed = u64::from(runs::settings(record)?.seed);
    let told = [
        (Part::Validation, Some(&outcome.validation)),
        (Part::Test, outcome.test.as_ref()),
    ];
    for (part, scores) in told {
        let Some(scores) = scores else { continue };
        let answers = project.predictions(&record.id, part)?;
        if scores_of(project, &answers, scores, &outcome.labels, seed)?.as_ref() != Some(scores) {
            return Ok(false);
        }
        // Answers of earlier versions do not say which texts those are.
        if part == Part::Test
            && let (Some(told), Some(found)) = (outcome.unfamiliar, UnfamiliarTexts::among(&answers))
            && told != found
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The scores of some answers, judged as `told` was; `None` where they cannot be.
fn scores_of(
    project: &Project,
    answers: &[StoredPrediction],
    told: &Scores,
    labels: &[String],
    seed: u64,
) -> Result<Option<Scores>> {
    let gold: Vec<&[usize]> = answers.iter().map(|answer| answer.gold.as_slice()).collect();
    let given: Vec<&[usize]> = answers.iter().map(|answer| answer.predicted.as_slice()).collect();
    let probabilities: Vec<f32> = answers
        .iter()
        .flat_map(|answer| answer.probabilities.iter().copied())
        .collect();
    let Some(majority) = labels.iter().position(|label| *label == told.majority_label) else {
        return Ok(None);
    };
    let judged = match &told.multi_label {
        Some(several) => {
            let thresholds: Vec<f32> = several.thresholds.iter().map(|at| *at as f32).collect();
            multi_label_scores(&gold, &probabilities, labels, &thresholds, majority, seed)
        }
        None => scores(&gold.concat(), &probabilities, labels, majority, seed),
    };
    let Ok(mut judged) = judged else { return Ok(None) };
    let examples: Vec<u32> = answers.iter().map(|answer| answer.example).collect();
    if told.groups.is_some()
        && let Some(groups) = project.groups_of(&examples)?
    {
        intervals_over_groups(&mut judged, &gold, &given, &groups, seed);
    }
    Ok(Some(judged))
}

/// The earliest finished run before this one that learnt from the same data in the same way, and how both compare.
fn repetition(project: &Project, run: &str, outcome: &RunOutcome) -> Result<Option<Repetition>> {
    let record = runs::find(project, run)?;
    let Some(data) = training::noted_fingerprint(project, run)? else {
        return Ok(None);
    };
    // A run whose learning rate was halved on the way was not trained in one way.
    if !training::kept_its_settings(project, &record)? {
        return Ok(None);
    }
    let mut earlier: Vec<_> = project
        .runs()?
        .into_iter()
        .filter(|other| other.status == RunStatus::Finished && other.settings == record.settings)
        .filter(|other| (&other.created_at, &other.id) < (&record.created_at, &record.id))
        .collect();
    earlier.sort_by(|a, b| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
    for first in earlier {
        let same_data = training::noted_fingerprint(project, &first.id)?.as_ref() == Some(&data);
        if !same_data || !training::kept_its_settings(project, &first)? {
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
            same_machine: hardware(&before.data.machine) == hardware(&outcome.data.machine),
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

/// Of the line about a machine, what is not its operating system's version.
fn hardware(machine: &str) -> &str {
    machine
        .split_once(" · ")
        .map_or(machine, |(_, hardware)| hardware)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;

    #[test]
    fn scores_that_the_answers_do_not_come_to_are_seen() {
        let place = tempfile::tempdir().unwrap();
        let session = Session::create(&place.path().join("p.understudy"), "p").unwrap();
        let labels = ["a".to_owned(), "b".to_owned()];
        let answers: Vec<StoredPrediction> = (0..40_u32)
            .map(|example| {
                let (gold, predicted) = (
                    example as usize % 2,
                    usize::from(example % 5 == 0 || example % 2 == 1),
                );
                let probabilities = if predicted == 1 {
                    vec![0.25, 0.75]
                } else {
                    vec![0.75, 0.25]
                };
                StoredPrediction {
                    example,
                    gold: vec![gold],
                    predicted: vec![predicted],
                    confidence: 0.75,
                    probabilities,
                    unfamiliar: None,
                }
            })
            .collect();
        let gold: Vec<usize> = answers.iter().flat_map(|answer| answer.gold.clone()).collect();
        let probabilities: Vec<f32> = answers
            .iter()
            .flat_map(|answer| answer.probabilities.clone())
            .collect();
        let told = scores(&gold, &probabilities, &labels, 0, 7).unwrap();
        let again = |answers: &[StoredPrediction], told: &Scores| {
            scores_of(&session.project, answers, told, &labels, 7)
                .unwrap()
                .as_ref()
                == Some(told)
        };
        assert!(again(&answers, &told));
        let better = Scores {
            accuracy: 0.99,
            ..told.clone()
        };
        assert!(!again(&answers, &better));
        let mut others = answers.clone();
        others[0].probabilities = vec![0.75, 0.25];
        assert!(!again(&others, &told));
    }
}
