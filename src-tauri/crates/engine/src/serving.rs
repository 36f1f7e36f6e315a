//! A run's model for the firm's own programs: `understudy_serve` with a model behind it and the catalogue's words.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use understudy_data::Project;
use understudy_serve::{Answerer, Fault, Told, Words, limits};
use understudy_train::Control;

use crate::Language;
use crate::error::{EngineError, Result};
use crate::prediction;
use crate::words::catalogue;

/// Where a server listens, and what its callers have to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The port on the loopback addresses.
    pub port: u16,
    /// The token, made anew at every start.
    pub token: String,
}

impl Listening {
    /// What callers put before the path.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// What is to be served.
#[derive(Debug, Clone, Copy)]
pub struct ServeJob<'a> {
    /// The project's folder.
    pub project: &'a Path,
    /// The run whose model answers.
    pub run: &'a str,
    /// The port; 0 lets the system choose.
    pub port: u16,
    /// The language of what callers are told.
    pub language: Language,
}

/// Answers other programs on this machine until they are interrupted, or `go_on` says no, which is told every now and
/// then how many texts were answered. `ready` is told where. The project is free for others meanwhile.
///
/// # Errors
/// [`EngineError::CannotListen`], and those of loading the model.
pub fn serve(
    job: &ServeJob<'_>,
    ready: impl FnOnce(&Listening),
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<()> {
    let project = Project::open(job.project)?;
    let run = job.run;
    let model = prediction::load(&project, run)?;
    drop(project);
    let folder = job.project.to_owned();
    let told = |port: u16, token: &understudy_serve::Token| {
        // The server is there, whether the project can be written to at this moment or not.
        let noted = Project::open(&folder)
            .and_then(|mut project| project.record("server_started", json!({ "run": run, "port": port })));
        if let Err(error) = noted {
            eprintln!("the history does not tell that the server was started: {error}");
        }
        ready(&Listening {
            port,
            token: token.secret().to_owned(),
        });
    };
    let words = Box::new(InLanguage(job.language));
    understudy_serve::run(job.port, Arc::new(RunModel(model)), words, told, go_on).map_err(|error| {
        EngineError::CannotListen {
            port: job.port,
            reason: error.to_string(),
        }
    })
}

/// Texts between two looks at whether anybody still waits.
const PIECE: usize = 64;

/// A run's model as the server asks it.
struct RunModel(prediction::Model);

impl Answerer for RunModel {
    fn answer(&self, texts: &[String], wanted: &dyn Fn() -> bool) -> std::result::Result<Vec<Value>, String> {
        let mut told = Vec::with_capacity(texts.len());
        // Piece by piece, so that nobody's answers keep the others waiting.
        for piece in texts.chunks(PIECE) {
            if !wanted() {
                return Err("nobody waits for the answer".to_owned());
            }
            let answers =
                prediction::answer(&self.0, piece, &Control::default()).map_err(|e| e.to_string())?;
            for answer in answers {
                told.push(serde_json::to_value(answer).map_err(|e| e.to_string())?);
            }
        }
        Ok(told)
    }
}

/// The catalogue's words for what is wrong with a request.
struct InLanguage(Language);

impl Words for InLanguage {
    fn told(&self, fault: &Fault) -> Told {
        let seconds = match fault {
            Fault::Overdue => limits::ANSWER_TIME,
            _ => limits::BODY_TIME,
        };
        let limits = [
            ("reason", fault.reason().to_owned()),
            ("texts", limits::TEXTS.to_string()),
            ("megabytes", (limits::BODY >> 20).to_string()),
            ("seconds", seconds.as_secs().to_string()),
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
            Fault::Overdue,
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
