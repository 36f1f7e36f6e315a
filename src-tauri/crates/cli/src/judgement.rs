//! review, compare.

use std::path::Path;

use serde_json::{Value, json};
use understudy_data::Part;
use understudy_engine::{Result, Session, judgement};

use crate::arguments::ErrorsAllowed;
use crate::output::Output;
use crate::run::latest;

pub fn review(
    project: &Path,
    run: Option<String>,
    errors_allowed: ErrorsAllowed,
    output: &Output,
) -> Result<Value> {
    let mut session = Session::open(project)?;
    let run = latest(&session, run)?;
    let state = judgement::set_review(&mut session.project, &run, errors_allowed.0)?;
    let promised = &state.promised;
    output.say(&format!(
        "{} of {} answered, {} wrong, on validation",
        promised.answered,
        session.project.predictions(&run, Part::Validation)?.len(),
        promised.wrong
    ));
    if let Some(kept) = &state.kept {
        output.say(&format!(
            "{} answered, {} wrong, on test",
            kept.answered, kept.wrong
        ));
    }
    Ok(json!({ "run": run, "rule": state.rule, "promised": state.promised, "kept": state.kept }))
}

pub fn compare(project: &Path, first: &str, second: &str, output: &Output) -> Result<Value> {
    let session = Session::open(project)?;
    let found = judgement::compare_runs(&session.project, first, second)?;
    let difference = &found.comparison;
    output.say(&format!(
        "{} texts: {} fixed, {} broken; difference {:+.1} points ({:+.1} to {:+.1}), p = {:.3}",
        difference.texts,
        difference.fixed,
        difference.broken,
        100.0 * difference.difference,
        100.0 * difference.low,
        100.0 * difference.high,
        difference.p_value
    ));
    Ok(json!({ "first": first, "second": second, "compared": found }))
}
