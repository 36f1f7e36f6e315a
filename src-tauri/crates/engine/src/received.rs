//! Models that were trained before, here or elsewhere, and taken into the library: they answer without any training.
//!
//! Wherever a run's model is asked, such a model can be asked under an id of its own ([`ReceivedModel::run`]).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use understudy_data::{Project, TextRule};
use understudy_hub::Record;
use understudy_train::{Config, FAMILIARITY_FILE, ProblemType, review};

use crate::error::Result;
use crate::models::library;
use crate::{files, runs};

/// What the ids of such models begin with; no run's id can.
const PREFIX: &str = "model:";

/// The file beside a model with the rules that its texts went through, so that new texts go the same way.
pub(crate) const RULES_FILE: &str = "cleaning.json";

/// The file that only a model which was trained by Understudy has.
const TRAINED: &str = "understudy.json";

/// A model of the library that answers without training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ReceivedModel {
    /// What stands for it where else a run's id stands.
    pub run: String,
    /// Its name in the library.
    pub name: String,
    /// What it may answer.
    pub labels: Vec<String>,
    /// Whether a text may have several of them.
    pub several: bool,
    /// Share of the answers given that may be wrong, where whoever trained it decided so.
    pub errors_allowed: Option<f64>,
    /// Whether it notices texts unlike those it learnt from, which go to a person however sure the answer.
    pub notices_unlike: bool,
    /// Whether texts are cleaned first, as those were that it learnt from.
    pub cleans: bool,
}

/// Where a model lies, and the way that its texts went before it learnt from them.
pub(crate) struct Trained {
    pub(crate) folder: PathBuf,
    pub(crate) rules: Vec<TextRule>,
}

/// The library's models that were trained, by name.
///
/// # Errors
/// Those of the library.
pub fn received() -> Result<Vec<ReceivedModel>> {
    let library = library();
    let mut found = Vec::new();
    for record in library.installed()? {
        if !is_trained(&record) || !library.has(&record.id)? {
            continue;
        }
        let folder = library.folder(&record.id)?;
        let notices_unlike = folder.join(FAMILIARITY_FILE).is_file();
        // What is damaged is told in the model room, and of a model that is asked; the others are listed all the same.
        let (Ok(config), Ok(rules)) = (Config::read(&folder), rules_in(&folder)) else {
            continue;
        };
        let Ok(labels) = config.labels() else { continue };
        found.push(ReceivedModel {
            run: format!("{PREFIX}{}", record.id),
            name: record.id,
            labels,
            several: config.problem_type() == ProblemType::MultiLabel,
            errors_allowed: review(&folder).ok().flatten().map(|rule| rule.errors_allowed),
            notices_unlike,
            cleans: !rules.is_empty(),
        });
    }
    Ok(found)
}

/// Whether there are any. A library that cannot be looked at has none: whoever asks for a model is told why.
pub(crate) fn are_there() -> bool {
    let library = library();
    let trained = library.installed().unwrap_or_default();
    trained
        .iter()
        .any(|record| is_trained(record) && library.has(&record.id).unwrap_or(false))
}

fn is_trained(record: &Record) -> bool {
    record.files.iter().any(|file| file.path == TRAINED)
}

/// The library's name of a model that is asked in place of a run's.
pub(crate) fn name_of(run: &str) -> Option<&str> {
    run.strip_prefix(PREFIX)
}

/// The model of a finished run, or one of the library.
///
/// # Errors
/// [`crate::EngineError::RunNotFinished`]; those of the library and of files.
pub(crate) fn trained(project: &Project, run: &str) -> Result<Trained> {
    if let Some(id) = name_of(run) {
        let folder = library().folder(id)?;
        let rules = rules_in(&folder)?;
        return Ok(Trained { folder, rules });
    }
    let outcome = runs::outcome(&runs::find(project, run)?)?;
    Ok(Trained {
        folder: runs::model_folder(project, run),
        rules: outcome.data.text_rules(),
    })
}

/// Keeps the rules beside a model.
///
/// # Errors
/// Those of files.
pub(crate) fn keep_rules(folder: &std::path::Path, rules: &[TextRule]) -> Result<()> {
    files::write_json(&folder.join(RULES_FILE), &rules)
}

fn rules_in(folder: &std::path::Path) -> Result<Vec<TextRule>> {
    Ok(files::read_json(&folder.join(RULES_FILE))?.unwrap_or_default())
}
