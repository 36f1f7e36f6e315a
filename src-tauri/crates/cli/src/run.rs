//! train, evaluate, predict, report, export.

use std::path::Path;

use serde_json::{Value, json};
use understudy_data::{DataError, RunStatus};
use understudy_engine::{Language, Result, Session, prediction, report as engine_report, runs, training};
use understudy_train::{Control, TrainSettings};

use crate::arguments::{Predict, Report, Train};
use crate::data;
use crate::output::Output;

pub fn train(arguments: Train, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    let id = match &arguments.resume {
        Some(run) => {
            runs::queue_again(&mut session.project, run)?;
            run.clone()
        }
        None => {
            if let Some(file) = &arguments.test_file {
                divide_with_test_file(&mut session, file, output)?;
            }
            let settings = settings(&session, &arguments)?;
            runs::create(&mut session.project, &settings)?
        }
    };
    output.say(&format!("run {id}"));
    training::execute(&mut session.project, &id, &Control::default(), &mut |event| {
        output.event(&event)
    })?;
    evaluated(&session, &id, output)
}

/// Makes the file the test part and divides the rest as before (or 85 to 15).
fn divide_with_test_file(session: &mut Session, file: &Path, output: &Output) -> Result<()> {
    let before = session.project.split_summary()?;
    data::import_test_file(session, file)?;
    let (percent, seed) = match &before {
        Some(split) => (split.percent.clone(), split.seed),
        None => (vec![70, 15, 15], 0),
    };
    session.make_split(&percent, seed, output.language())?;
    Ok(())
}

fn settings(session: &Session, arguments: &Train) -> Result<TrainSettings> {
    let proposed = session.proposed_settings()?;
    Ok(TrainSettings {
        model: arguments.model.clone().unwrap_or(proposed.model),
        epochs: arguments.epochs.unwrap_or(proposed.epochs),
        batch_size: arguments.batch_size.unwrap_or(proposed.batch_size),
        learning_rate: arguments.learning_rate.unwrap_or(proposed.learning_rate),
        max_length: arguments.max_length.unwrap_or(proposed.max_length),
        seed: arguments.seed.unwrap_or(proposed.seed),
        ..proposed
    })
}

pub fn evaluate(project: &Path, run: Option<String>, output: &Output) -> Result<Value> {
    let session = Session::open(project)?;
    let run = latest(&session, run)?;
    evaluated(&session, &run, output)
}

fn evaluated(session: &Session, run: &str, output: &Output) -> Result<Value> {
    let record = runs::find(&session.project, run)?;
    let outcome = runs::outcome(&record)?;
    let results = understudy_engine::results::results(&session.project, run, output.language())?;
    results.sentences.iter().for_each(|sentence| output.say(sentence));
    Ok(json!({
        "run": run,
        "model": record.model,
        "epochs": outcome.epochs.len(),
        "best_epoch": outcome.best_epoch,
        "seconds_training": outcome.seconds_training,
        "samples_per_second": outcome.samples_per_second,
        "tokens_per_second": outcome.tokens_per_second,
        "peak_memory_mb": outcome.peak_memory_mb,
        "history": outcome.epochs,
        "validation": outcome.validation,
        "test": outcome.test,
    }))
}

pub fn predict(arguments: Predict, output: &Output) -> Result<Value> {
    let session = Session::open(&arguments.project)?;
    let run = latest(&session, arguments.run)?;
    let mut report = |progress| output.progress(&progress);
    let control = Control::default();
    let began = std::time::Instant::now();
    let done = prediction::predict_file(
        &session.project,
        &run,
        &arguments.file,
        &arguments.out,
        &control,
        &mut report,
    )?;
    let seconds = began.elapsed().as_secs_f64();
    output.say(&format!(
        "{} rows in {seconds:.1} s: {}",
        done.rows,
        arguments.out.display()
    ));
    Ok(
        json!({ "run": run, "out": arguments.out, "rows": done.rows, "problem_rows": done.problem_rows, "seconds": seconds }),
    )
}

pub fn report(arguments: Report, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    let run = latest(&session, arguments.run)?;
    let language = match arguments.language.as_deref() {
        Some("zh") => Language::Zh,
        Some(_) => Language::En,
        None => output.language(),
    };
    engine_report::write_to(&mut session.project, &run, language, &arguments.out)?;
    output.say(&format!("{}", arguments.out.display()));
    Ok(json!({ "run": run, "out": arguments.out }))
}

pub fn export(project: &Path, run: Option<String>, out: &Path, output: &Output) -> Result<Value> {
    let mut session = Session::open(project)?;
    let run = latest(&session, run)?;
    session.export(&run, out)?;
    output.say(&format!("{}", out.display()));
    Ok(json!({ "run": run, "out": out }))
}

/// The run asked for, or the latest finished one.
fn latest(session: &Session, run: Option<String>) -> Result<String> {
    if let Some(run) = run {
        return Ok(run);
    }
    let finished = session
        .project
        .runs()?
        .into_iter()
        .find(|run| run.status == RunStatus::Finished);
    Ok(finished
        .map(|run| run.id)
        .ok_or_else(|| DataError::UnknownRun { id: "—".to_owned() })?)
}
