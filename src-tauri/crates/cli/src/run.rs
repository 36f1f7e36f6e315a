//! train, cross-validate, evaluate, predict, report, export.

use std::path::Path;

use serde_json::{Map, Value, json};
use understudy_data::{DataError, RunStatus, SplitWay, TestLock};
use understudy_engine::export::{ModelFormat, export_model};
use understudy_engine::{
    EngineError, Language, Result, Session, cross_validation, prediction, report as engine_report, runs,
    training,
};
use understudy_train::{Control, TrainError, TrainSettings};

use crate::arguments::{Chosen, CrossValidate, Predict, Report, Train};
use crate::data;
use crate::output::Output;

pub fn train(arguments: Train, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    if arguments.plan {
        return plan(&session, &arguments, output);
    }
    let id = match &arguments.resume {
        Some(run) => {
            if arguments.half_rate {
                runs::halve_learning_rate(&mut session.project, run)?;
            }
            runs::queue_again(&mut session.project, run)?;
            run.clone()
        }
        None => {
            if let Some(file) = &arguments.test_file {
                divide_with_test_file(&mut session, file, output)?;
            }
            let settings = match &arguments.again {
                Some(run) => runs::settings(&runs::find(&session.project, run)?)?,
                None => settings(&session, &arguments.chosen)?,
            };
            say_what_is_idle(&arguments.chosen, &settings, output);
            // Before there is a run that could not even begin.
            settings.device.open().map_err(TrainError::from)?;
            runs::create(&mut session.project, &settings)?
        }
    };
    output.say(&format!("run {id}"));
    training::execute(&mut session.project, &id, &Control::default(), &mut |event| {
        output.event(&event)
    })?;
    evaluated(&session, &id, output)
}

fn plan(session: &Session, arguments: &Train, output: &Output) -> Result<Value> {
    let settings = settings(session, &arguments.chosen)?;
    let plan = session.train_plan(None, Some(settings), output.language())?;
    let seconds = plan
        .seconds
        .map_or_else(|| "?".to_owned(), |seconds| format!("{seconds:.0}"));
    let memory = plan
        .memory_mb
        .map_or_else(|| "?".to_owned(), |memory| format!("{memory:.0}"));
    for blocker in &plan.blockers {
        output.say(&format!("{} {} {}", blocker.what, blocker.why, blocker.next));
    }
    output.say(&format!("at most {seconds} s, {memory} MB"));
    say_what_is_idle(&arguments.chosen, &plan.settings, output);
    for choice in &plan.choices {
        output.say(&format!("{} = {}: {}", choice.setting, choice.value, choice.why));
    }
    Ok(json!({ "plan": plan }))
}

/// Trains once a fold; the scores of the test parts, their mean and how they vary.
pub fn cross_validate(arguments: CrossValidate, output: &Output) -> Result<Value> {
    let mut session = Session::open(&arguments.project)?;
    if !arguments.resume {
        if session.project.split_at_a_glance()?.is_none() {
            let seed = arguments.chosen.seed.unwrap_or_default();
            session.make_split(&[70, 15, 15], seed, SplitWay::Random, output.language())?;
        }
        let settings = settings(&session, &arguments.chosen)?;
        say_what_is_idle(&arguments.chosen, &settings, output);
        settings.device.open().map_err(TrainError::from)?;
        cross_validation::begin(&mut session.project, &settings, arguments.folds)?;
    }
    cross_validation::carry_on(&mut session.project, &Control::default(), &mut |event| {
        output.event(&event)
    })?;
    let found = cross_validation::result(&session.project)?;
    let mut folds = Vec::new();
    for fold in found.iter().flat_map(|found| &found.scores) {
        folds.push(evaluated(&session, &fold.run, output)?);
    }
    let scores = found.map(|found| {
        let scores = [
            ("accuracy", found.accuracy),
            ("macro_f1", found.macro_f1),
            ("micro_f1", found.micro_f1),
        ];
        for (name, score) in scores {
            if let Some(score) = score {
                output.say(&format!(
                    "{name}: {:.3} ± {:.3}",
                    score.mean, score.standard_deviation
                ));
            }
        }
        scores.map(|(name, score)| (name.to_owned(), json!(score)))
    });
    let scores: Map<String, Value> = scores.into_iter().flatten().collect();
    Ok(json!({ "folds": folds, "scores": scores }))
}

/// Makes the file the test part and divides the rest as before (or 85 to 15).
fn divide_with_test_file(session: &mut Session, file: &Path, output: &Output) -> Result<()> {
    let before = session.project.split_summary()?;
    // Before the rows are in: they would come in twice otherwise.
    if let Some(TestLock { runs, open: false }) = before.as_ref().and_then(|split| split.lock) {
        return Err(DataError::TestLocked { runs }.into());
    }
    data::import_test_file(session, file)?;
    let (percent, seed) = match &before {
        Some(split) => (split.percent.clone(), split.seed),
        None => (vec![70, 15, 15], 0),
    };
    session.make_split(&percent, seed, SplitWay::Random, output.language())?;
    Ok(())
}

fn settings(session: &Session, arguments: &Chosen) -> Result<TrainSettings> {
    let mut settings = match &arguments.model {
        Some(model) => session.settings_for(arguments.preset, model)?,
        None => session.proposed_settings(arguments.preset)?,
    };
    let finer = &arguments.finer;
    set(&mut settings.epochs, arguments.epochs);
    set(&mut settings.trainings, finer.trainings);
    set(&mut settings.batch_size, arguments.batch_size);
    set(&mut settings.learning_rate, arguments.learning_rate);
    set(&mut settings.max_length, arguments.max_length);
    set(&mut settings.seed, arguments.seed);
    set(&mut settings.method, finer.method);
    set(&mut settings.lora_rank, finer.lora_rank);
    set(&mut settings.trained_layers, finer.trained_layers);
    set(&mut settings.layer_decay, finer.layer_decay);
    set(&mut settings.precision, finer.precision);
    set(&mut settings.device, finer.device);
    set(&mut settings.pooling, finer.pooling);
    set(&mut settings.windows, finer.windows);
    set(&mut settings.window_pooling, finer.window_pooling);
    set(&mut settings.truncation, finer.truncation);
    set(&mut settings.head_epochs, finer.head_epochs);
    set(&mut settings.label_smoothing, finer.label_smoothing);
    set(&mut settings.average_with_start, finer.average_with_start);
    set(&mut settings.accumulation_steps, finer.accumulation_steps);
    set(&mut settings.patience, finer.patience);
    set(&mut settings.weight_decay, finer.weight_decay);
    set(&mut settings.warmup_ratio, finer.warmup_ratio);
    set(&mut settings.dropout, finer.dropout);
    settings.class_weights |= finer.class_weights;
    settings.recompute |= finer.recompute;
    Ok(settings)
}

/// Names what was given but changes nothing.
fn say_what_is_idle(arguments: &Chosen, settings: &TrainSettings, output: &Output) {
    let finer = &arguments.finer;
    let given = [
        (
            "trainings",
            finer.trainings.is_some_and(|trainings| trainings > 1),
        ),
        ("lora_rank", finer.lora_rank.is_some()),
        ("head_epochs", finer.head_epochs.is_some()),
        ("trained_layers", finer.trained_layers.is_some()),
        ("layer_decay", finer.layer_decay.is_some()),
        ("average_with_start", finer.average_with_start == Some(true)),
        ("truncation", finer.truncation.is_some()),
        ("window_pooling", finer.window_pooling.is_some()),
    ];
    let idle = settings.without_effect();
    for (name, _) in given
        .into_iter()
        .filter(|(name, given)| *given && idle.contains(name))
    {
        output.say(&format!("{name} changes nothing with the other settings"));
    }
}

/// Takes over what was given.
fn set<T>(setting: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *setting = given;
    }
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
    let judgement = understudy_engine::judgement::judgement(&session.project, run)?;
    Ok(json!({
        "run": run,
        "model": record.model,
        "epochs": outcome.epochs.len(),
        "best_epoch": outcome.best_epoch,
        "kept_epochs": outcome.kept_epochs,
        "trained_share": outcome.trained_share,
        "seconds_training": outcome.seconds_training,
        "samples_per_second": outcome.samples_per_second,
        "tokens_per_second": outcome.tokens_per_second,
        "peak_memory_mb": outcome.peak_memory_mb,
        "bag_of_words_accuracy": outcome.bag_of_words_accuracy,
        "bag_of_words_micro_f1": outcome.bag_of_words_micro_f1,
        "history": outcome.epochs,
        "validation": outcome.validation,
        "test": outcome.test,
        "judgement": judgement,
    }))
}

pub fn predict(arguments: Predict, output: &Output) -> Result<Value> {
    let session = Session::open(&arguments.project)?;
    let run = latest(&session, arguments.run)?;
    let mut report = |progress| output.progress(&progress);
    let control = Control::default();
    let began = std::time::Instant::now();
    let job = prediction::FileJob {
        run: &run,
        input: &arguments.file,
        output: &arguments.out,
        text: &arguments.text,
        from_start: arguments.from_start,
    };
    let done = prediction::predict_file(&session.project, &job, &control, &mut report)?;
    let seconds = began.elapsed().as_secs_f64();
    let kept = match done.kept_rows {
        0 => String::new(),
        rows => format!(" ({rows} of them from an earlier try)"),
    };
    output.say(&format!(
        "{} rows{kept} in {seconds:.1} s: {}",
        done.rows,
        arguments.out.display()
    ));
    if done.problem_rows > 0 {
        output.say(&format!(
            "{} rows of the file could not be read and have no answer: `inspect` names them",
            done.problem_rows
        ));
    }
    if done.cut_cells > 0 {
        output.say(&format!(
            "{} cells were cut: a cell of a workbook holds 32,767 characters",
            done.cut_cells
        ));
    }
    Ok(json!({
        "run": run,
        "out": arguments.out,
        "rows": done.rows,
        "kept_rows": done.kept_rows,
        "problem_rows": done.problem_rows,
        "cut_cells": done.cut_cells,
        "seconds": seconds,
    }))
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

pub fn export(
    project: &Path,
    run: Option<String>,
    out: &Path,
    format: Option<ModelFormat>,
    output: &Output,
) -> Result<Value> {
    let mut session = Session::open(project)?;
    let run = latest(&session, run)?;
    let format = format.unwrap_or_else(|| ModelFormat::of(out));
    let began = std::time::Instant::now();
    let done = export_model(
        &mut session,
        &run,
        out,
        format,
        false,
        output.language(),
        &mut |_| true,
    )?;
    output.say(&format!("{}", out.display()));
    if let Some(tokens) = done.reads_only {
        output.say(&format!(
            "long texts: this file reads the first {tokens} tokens, the model itself also what lies further on"
        ));
    }
    let seconds = began.elapsed().as_secs_f64();
    Ok(json!({ "run": run, "out": out, "format": format, "reads_only": done.reads_only, "seconds": seconds }))
}

/// The run asked for, or the latest finished one.
pub fn latest(session: &Session, run: Option<String>) -> Result<String> {
    if let Some(run) = run {
        return Ok(run);
    }
    let finished = session
        .project
        .runs()?
        .into_iter()
        .find(|run| run.status == RunStatus::Finished);
    finished.map(|run| run.id).ok_or(EngineError::NothingTrained)
}
