//! `understudy`: the command line, and the worker that the window's jobs run in.
//!
//! Every verb does what the window does, through the same engine. People read standard error; with `--json`, programs
//! read one JSON object on standard output. Exit codes: 0 good, 2 something the user can mend, 1 a fault of ours.

mod arguments;
mod assist;
mod clean;
mod data;
mod explain;
mod judgement;
mod models;
mod output;
mod run;
mod serve;

use std::process::ExitCode;

use clap::Parser;
use understudy_engine::{Result, worker};

use arguments::{Arguments, Verb};
use output::Output;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Verb::Worker = arguments.verb {
        worker::run(std::io::BufReader::new(std::io::stdin()), std::io::stdout());
        return ExitCode::SUCCESS;
    }
    let output = Output::new(arguments.json);
    match carry_out(arguments.verb, &output) {
        Ok(result) => {
            output.result(&result);
            // What `verify` finds is an answer, not a failure; a script must see all the same that something is wrong.
            match result["sound"] == false {
                true => ExitCode::from(2),
                false => ExitCode::SUCCESS,
            }
        }
        Err(error) => output.error(&error),
    }
}

fn carry_out(verb: Verb, output: &Output) -> Result<serde_json::Value> {
    match verb {
        Verb::Import(arguments) => data::import(arguments, output),
        Verb::Problems(arguments) => data::problems(arguments, output),
        Verb::Clean(arguments) => clean::clean(arguments, output),
        Verb::Labels(arguments) => data::labels(arguments, output),
        Verb::People(arguments) => data::people(&arguments, output),
        Verb::Assist { verb } => assist::assist(verb, output),
        Verb::Split(arguments) => data::split(arguments, output),
        Verb::Verify { project, run } => data::verify(&project, run, output),
        Verb::Models { verb } => models::models(verb, output),
        Verb::Doctor => models::doctor(output),
        Verb::Network(change) => models::network(change, output),
        Verb::Connections { last } => models::connections(last, output),
        Verb::Train(arguments) => run::train(arguments, output),
        Verb::CrossValidate(arguments) => run::cross_validate(arguments, output),
        Verb::Evaluate { project, run } => run::evaluate(&project, run, output),
        Verb::Review {
            project,
            run,
            errors_allowed,
        } => judgement::review(&project, run, errors_allowed, output),
        Verb::Compare {
            project,
            first,
            second,
        } => judgement::compare(&project, &first, &second, output),
        Verb::Predict(arguments) => run::predict(arguments, output),
        Verb::Explain(arguments) => explain::explain(arguments, output),
        Verb::Serve(arguments) => serve::serve(arguments, output),
        Verb::Report(arguments) => run::report(arguments, output),
        Verb::Export {
            project,
            run,
            out,
            format,
        } => run::export(&project, run, &out, format, output),
        // Handled before anything else is set up.
        Verb::Worker => Ok(serde_json::Value::Null),
    }
}
