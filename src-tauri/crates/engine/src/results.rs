//! What a finished run achieved, for the window.

use understudy_data::Project;
use understudy_report::{Language, sentences};

use crate::error::Result;
use crate::report;
use crate::runs;
use crate::view::RunResults;

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
