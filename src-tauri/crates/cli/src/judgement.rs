//! review, compare.

use std::path::Path;

use serde_json::{Value, json};
use understudy_engine::judgement::RiskPoint;
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
    let say = |part: &str, point: &RiskPoint| {
        let unfamiliar = match state.unfamiliar_counted {
            true => format!(", {} to a person as unlike what was learned from", point.withheld),
            false => String::new(),
        };
        let share = 100.0 * point.coverage;
        output.say(&format!(
            "{share:.1} % answered ({}), {} wrong{unfamiliar}, on {part}",
            point.answered, point.wrong
        ));
    };
    say("validation", &state.promised);
    if let Some(kept) = &state.kept {
        say("test", kept);
    }
    if !state.unfamiliar_counted {
        output.say("texts unlike what was learned from go to a person too; of this run they are not known and not counted");
    }
    Ok(json!({
        "run": run,
        "rule": state.rule,
        "promised": state.promised,
        "kept": state.kept,
        "unfamiliar_counted": state.unfamiliar_counted,
    }))
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
