//! Jobs that the window started: one worker process each, their news relayed to the page.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tauri::{AppHandle, Manager};
use tauri_specta::Event as _;
use understudy_data::Project;
use understudy_engine::job::{Command, Event, Job, JobKind};
use understudy_engine::supervisor::{self, Worker};
use understudy_engine::view::WorkerEvent;
use understudy_engine::{EngineError, cross_validation, runs};

use crate::state::AppState;

/// News of a job for the page.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
pub struct JobEvent {
    /// The job; for a training, the run's id.
    pub job: String,
    /// What kind of job.
    pub kind: JobKind,
    /// The news, in the window's language.
    pub event: WorkerEvent,
}

/// Files were dropped on the window, or hover over it.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
pub struct FileDropEvent {
    /// Whether they only hover.
    pub hover: bool,
    /// The files; empty when they were dragged away again.
    pub paths: Vec<String>,
}

impl FileDropEvent {
    /// The event for these files.
    pub fn new(hover: bool, paths: &[PathBuf]) -> Self {
        FileDropEvent {
            hover,
            paths: paths.iter().map(|path| path.display().to_string()).collect(),
        }
    }
}

/// The jobs at work, by id.
#[derive(Default)]
pub struct Jobs {
    workers: Mutex<HashMap<String, Worker>>,
    started: std::sync::atomic::AtomicU32,
}

impl Jobs {
    /// A new job's id.
    pub fn next_id(&self, kind: &str) -> String {
        let number = self.started.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        format!("{kind}-{number}")
    }

    /// Starts a job and relays its news until its end.
    ///
    /// # Errors
    /// [`EngineError::WorkerMissing`]; that there is no worker for the device that a training asks for.
    pub fn start(&self, app: &AppHandle, id: &str, kind: JobKind, job: Job) -> Result<(), EngineError> {
        let relay = Relay {
            app: app.clone(),
            id: id.to_owned(),
            kind,
            job: job.clone(),
        };
        let program = supervisor::program_for_job(&job)?;
        // The lock is held over the start, so that the last event of a short job finds the worker to remove.
        let mut workers = self.workers();
        if workers.contains_key(id) {
            return Err(EngineError::RunActive { id: id.to_owned() });
        }
        let worker = Worker::start(&program, &job, move |event| relay.hear(event))?;
        workers.insert(id.to_owned(), worker);
        Ok(())
    }

    /// Asks a job to stop.
    pub fn cancel(&self, id: &str) {
        if let Some(worker) = self.workers().get(id) {
            worker.tell(&Command::Cancel);
        }
    }

    /// Asks all jobs whose ids begin so to stop.
    pub fn cancel_all(&self, beginning: &str) {
        let workers = self.workers();
        let meant = workers.iter().filter(|(id, _)| id.starts_with(beginning));
        meant.for_each(|(_, worker)| worker.tell(&Command::Cancel));
    }

    /// Stops all workers, as when the app is closed: what they do can be gone on with.
    pub fn close_all(&self) {
        let workers: Vec<Worker> = self.workers().drain().map(|(_, worker)| worker).collect();
        for worker in workers {
            worker.close();
        }
    }

    fn workers(&self) -> MutexGuard<'_, HashMap<String, Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Passes a worker's news to the page.
struct Relay {
    app: AppHandle,
    id: String,
    kind: JobKind,
    job: Job,
}

impl Relay {
    fn hear(&self, event: Event) {
        let state = self.app.state::<AppState>();
        if let Err(error) = self.note_death(&event) {
            eprintln!("the end of {} could not be written down: {error}", self.id);
        }
        if event.is_last() {
            state.jobs.workers().remove(&self.id);
        }
        let Some(event) = WorkerEvent::told(event, state.language()) else {
            return;
        };
        let news = JobEvent {
            job: self.id.clone(),
            kind: self.kind,
            event,
        };
        if let Err(error) = news.emit(&self.app) {
            eprintln!("news of {} could not be told to the page: {error}", self.id);
        }
    }

    /// A worker that was killed, or could not reach the project, cannot write down its own end.
    fn note_death(&self, event: &Event) -> Result<(), EngineError> {
        match (&self.job, event, supervisor::ending(event)) {
            (Job::Train { project, run }, _, Some(ending)) => {
                runs::interrupted(&mut Project::open(project)?, run, ending)
            }
            (Job::Train { project, run }, Event::Failed { problem }, None) => {
                runs::failed(&mut Project::open(project)?, run, problem)
            }
            (Job::CrossValidate { project }, _, Some(ending)) => {
                cross_validation::interrupted(&mut Project::open(project)?, ending)
            }
            _ => Ok(()),
        }
    }
}
