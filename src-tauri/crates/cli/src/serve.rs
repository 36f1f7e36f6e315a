//! serve: a run's model for the firm's own programs.

use std::sync::Arc;

use serde_json::{Value, json};
use understudy_engine::words::catalogue;
use understudy_engine::{EngineError, Language, Result, Session, prediction};
use understudy_serve::{Answerer, Fault, Told, Words};
use understudy_train::Control;

use crate::arguments::Serve;
use crate::output::Output;
use crate::run::latest;

/// A run's model as the server asks it.
struct RunModel(prediction::Model);

impl Answerer for RunModel {
    fn answer(&self, texts: &[String]) -> std::result::Result<Vec<Value>, String> {
        let answers = prediction::answer(&self.0, texts, &Control::default()).map_err(|e| e.to_string())?;
        let told = answers.iter().map(serde_json::to_value);
        told.collect::<std::result::Result<_, _>>()
            .map_err(|e| e.to_string())
    }
}

/// The catalogue's words for what is wrong with a request.
struct InLanguage(Language);

impl Words for InLanguage {
    fn told(&self, fault: &Fault) -> Told {
        let limits = [
            ("reason", fault.reason().to_owned()),
            ("texts", understudy_serve::limits::TEXTS.to_string()),
            ("megabytes", (understudy_serve::limits::BODY >> 20).to_string()),
            (
                "seconds",
                understudy_serve::limits::BODY_TIME.as_secs().to_string(),
            ),
        ];
        let facts: Vec<(&str, &str)> = limits
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let text = |part: &str| catalogue(self.0).text(&format!("serve.{}.{part}", fault.kind()), &facts);
        Told {
            what: text("what"),
            why: text("why"),
            next: text("next"),
        }
    }
}

/// Answers until it is told to stop. With --json there is a line when it listens and one when it has stopped.
pub fn serve(arguments: Serve, output: &Output) -> Result<Value> {
    let session = Session::open(&arguments.project)?;
    let run = latest(&session, arguments.run)?;
    let model = prediction::load(&session.project, &run)?;
    // The project is free for others while the model answers.
    drop(session);
    let ready = |port: u16, token: &understudy_serve::Token| {
        let address = format!("http://127.0.0.1:{port}");
        output.say(&format!("{address}\ntoken: {}\nCtrl+C stops it", token.secret()));
        output.result(&json!({ "run": run, "address": address, "port": port, "token": token.secret() }));
    };
    let words = Box::new(InLanguage(output.language()));
    understudy_serve::run(arguments.port, Arc::new(RunModel(model)), words, ready).map_err(|error| {
        EngineError::CannotListen {
            port: arguments.port,
            reason: error.to_string(),
        }
    })?;
    Ok(json!({ "stopped": true }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_words_in_both_languages() {
        let reason = || "the reason".to_owned();
        let faults = [
            Fault::ForeignHost,
            Fault::NoToken,
            Fault::NotFound,
            Fault::Method,
            Fault::TooLarge,
            Fault::TooManyTexts,
            Fault::TooSlow,
            Fault::BadRequest { reason: reason() },
            Fault::Busy,
            Fault::Failed { reason: reason() },
        ];
        for fault in faults {
            for language in [Language::En, Language::Zh] {
                let told = InLanguage(language).told(&fault);
                for text in [&told.what, &told.why, &told.next] {
                    assert!(!text.contains("serve.") && !text.contains('{'), "{text}");
                }
                assert_eq!(
                    [told.what, told.why].concat().contains("the reason"),
                    !fault.reason().is_empty()
                );
            }
        }
    }
}
