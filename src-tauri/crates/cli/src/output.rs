//! How the command line talks: to people on standard error, to programs on standard output.

use std::cell::Cell;
use std::io::Write;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::Value;
use understudy_engine::job::{Event, Progress};
use understudy_engine::settings::system_language;
use understudy_engine::{EngineError, Language};

/// Progress lines come at most this often where nobody watches a terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);

pub struct Output {
    json: bool,
    last_line: Cell<Option<Instant>>,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Output {
            json,
            last_line: Cell::new(None),
        }
    }

    pub fn language(&self) -> Language {
        system_language()
    }

    /// A remark for people.
    pub fn say(&self, text: &str) {
        // Nobody reading is no reason to stop.
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// How far a job is, now and then.
    pub fn progress(&self, progress: &Progress) {
        if self.last_line.get().is_some_and(|at| at.elapsed() < LINE_EVERY) {
            return;
        }
        self.last_line.set(Some(Instant::now()));
        let share = if progress.total > 0.0 {
            100.0 * progress.done / progress.total
        } else {
            0.0
        };
        let phase = serde_json::to_value(progress.phase)
            .ok()
            .and_then(|v| v.as_str().map(str::to_owned));
        let left = progress
            .seconds_left
            .map(|s| format!(", {s:.0} s left"))
            .unwrap_or_default();
        let rate = progress.rate.map(|r| format!(", {r:.1}/s")).unwrap_or_default();
        self.say(&format!("{} {share:.0} %{left}{rate}", phase.unwrap_or_default()));
    }

    /// A job's news.
    pub fn event(&self, event: &Event) {
        match event {
            Event::Progress(progress) => self.progress(progress),
            Event::Fold { number, of, run } => self.say(&format!("fold {number} of {of}: run {run}")),
            Event::Epoch { scores } => self.say(&format!(
                "round {}: training loss {:.4}, validation loss {:.4}, accuracy {:.4}, macro-F1 {:.4}",
                scores.epoch,
                scores.train_loss,
                scores.validation_loss,
                scores.validation_accuracy,
                scores.validation_macro_f1
            )),
            Event::Log { message } => self.say(message),
            _ => {}
        }
    }

    /// What a verb found, for programs.
    pub fn result(&self, result: &Value) {
        if self.json {
            let _ = writeln!(std::io::stdout(), "{result}");
        }
    }

    /// A failure, for both; gives the exit code.
    pub fn error(&self, error: &EngineError) -> ExitCode {
        let told = error.told(self.language());
        self.say(&format!("{}\n{}\n{}", told.what, told.why, told.next));
        if self.json {
            self.result(&serde_json::json!({ "error": told }));
        }
        if told.kind == "internal" {
            ExitCode::from(1)
        } else {
            ExitCode::from(2)
        }
    }
}
