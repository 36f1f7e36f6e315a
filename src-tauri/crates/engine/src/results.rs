//! What a finished run achieved, for the window.

use understudy_data::{DataError, Project};
use understudy_report::{Language, sentences};

use crate::error::Result;
use crate::report;
use crate::runs;
use crate::view::{RunResults, WrongFilter, WrongPage};

/// Everything about a finished run.
///
/// # Errors
/// [`crate::EngineError::RunNotFinished`], and those of the database.
pub fn results(project: &Project, run: &str, language: Language) -> Result<RunResults> {
    let record = runs::find(project, run)?;
    let outcome = runs::outcome(&record)?;
    let input = report::input(project, &record, &outcome, language)?;
    let report = report::path(project, run, language);
    Ok(RunResults {
        history: runs::history(project, &record, language)?,
        sentences: sentences(&input, language),
        report: report.is_file().then(|| report.display().to_string()),
        labels: outcome.labels,
        validation: outcome.validation,
        test: outcome.test,
        seconds_training: outcome.seconds_training,
        samples_per_second: outcome.samples_per_second,
        peak_memory_mb: outcome.peak_memory_mb,
    })
}

/// A page of the wrong answers of the test part.
///
/// # Errors
/// A label that the run does not have, and those of the database.
pub fn wrong_answers(
    project: &Project,
    run: &str,
    filter: &WrongFilter,
    offset: u32,
    limit: u32,
) -> Result<WrongPage> {
    let labels = runs::outcome(&runs::find(project, run)?)?.labels;
    let index = |label: &Option<String>| -> Result<Option<usize>> {
        match label {
            None => Ok(None),
            Some(label) => match labels.iter().position(|known| known == label) {
                Some(index) => Ok(Some(index)),
                None => Err(DataError::UnknownRun { id: label.clone() }.into()),
            },
        }
    };
    let (total, rows) = project.wrong_predictions(
        run,
        index(&filter.gold)?,
        index(&filter.predicted)?,
        offset,
        limit,
    )?;
    let names = |classes: &[usize]| -> Vec<String> {
        classes
            .iter()
            .filter_map(|class| labels.get(*class))
            .cloned()
            .collect()
    };
    Ok(WrongPage {
        total,
        id: rows.iter().map(|row| row.example).collect(),
        gold: rows.iter().map(|row| names(&row.gold)).collect(),
        predicted: rows.iter().map(|row| names(&row.predicted)).collect(),
        confidence: rows.iter().map(|row| row.confidence).collect(),
        text: rows.into_iter().map(|row| row.text).collect(),
    })
}
