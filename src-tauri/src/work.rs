//! Work in this process that takes longer than a moment: its progress is told to the page, and it can be stopped.
//!
//! It has a connection to the project of its own, so that everything else in the window goes on meanwhile.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tauri::AppHandle;
use tauri_specta::Event as _;
use understudy_data::{LongWrite, Project};
use understudy_engine::{EngineError, Session};

use crate::state::{Answer, AppState};

/// News come at most this often.
const NEWS_EVERY: Duration = Duration::from_millis(100);

/// Time after which the rate so far says how long the rest takes.
const FORECAST_AFTER: Duration = Duration::from_secs(2);

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, specta::Type)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// A file is read into the project.
    Import,
    /// Texts are compared with each other.
    NearDuplicates,
    /// Words are noted for searching.
    Index,
    /// It is found out what cleaning could do.
    Look,
    /// Texts are cleaned, or cleaning is taken back.
    Clean,
    /// Labelled texts are written to a file.
    Export,
    /// Many texts are given other labels, or get back what they had.
    Label,
}

/// How far the work is.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type, tauri_specta::Event)]
pub struct WorkEvent {
    /// What is being done.
    pub kind: WorkKind,
    /// The share that is done; `None` when it has ended.
    pub done: Option<f64>,
    /// Seconds until the end, where there is something to go by.
    pub seconds_left: Option<f64>,
}

/// Stops the work that is going on; what comes later is not concerned.
#[derive(Default)]
pub struct Stops {
    all: AtomicU32,
    of_kind: Mutex<HashMap<WorkKind, u32>>,
}

impl Stops {
    /// Stops all work that goes on now.
    pub fn stop_all(&self) {
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    /// Stops what goes on of this kind.
    pub fn stop(&self, kind: WorkKind) {
        let mut of_kind = self.of_kind.lock().unwrap_or_else(PoisonError::into_inner);
        *of_kind.entry(kind).or_default() += 1;
    }

    /// How often work of this kind was told to stop.
    fn asked(&self, kind: WorkKind) -> (u32, Option<u32>) {
        let of_kind = self.of_kind.lock().unwrap_or_else(PoisonError::into_inner);
        (self.all.load(Ordering::Relaxed), of_kind.get(&kind).copied())
    }
}

/// Tells the page how far the work is, and the work whether to go on.
struct Reporter<'a> {
    app: &'a AppHandle,
    state: &'a AppState,
    kind: WorkKind,
    began: Instant,
    told: Option<Instant>,
    asked: (u32, Option<u32>),
}

impl<'a> Reporter<'a> {
    fn new(app: &'a AppHandle, state: &'a AppState, kind: WorkKind) -> Self {
        Reporter {
            app,
            state,
            kind,
            began: Instant::now(),
            told: None,
            asked: state.stops.asked(kind),
        }
    }

    fn go_on(&mut self, done: f64) -> bool {
        if self.told.is_none_or(|at| at.elapsed() >= NEWS_EVERY) {
            self.told = Some(Instant::now());
            let passed = self.began.elapsed();
            let left =
                (passed >= FORECAST_AFTER && done > 0.0).then(|| passed.as_secs_f64() * (1.0 - done) / done);
            self.tell(Some(done), left);
        }
        self.asked == self.state.stops.asked(self.kind)
    }

    fn tell(&self, done: Option<f64>, seconds_left: Option<f64>) {
        let news = WorkEvent {
            kind: self.kind,
            done,
            seconds_left,
        };
        if let Err(error) = news.emit(self.app) {
            eprintln!(
                "the progress of {:?} could not be told to the page: {error}",
                self.kind
            );
        }
    }
}

impl Drop for Reporter<'_> {
    fn drop(&mut self) {
        self.tell(None, None);
    }
}

/// Does something long with the open project; the work asks its second argument, with the share that is done, whether to go on.
///
/// # Errors
/// That no project is open, or what the work says.
pub fn long<T>(
    app: &AppHandle,
    state: &AppState,
    kind: WorkKind,
    work: impl FnOnce(&mut Session, &mut dyn FnMut(f64) -> bool) -> Result<T, EngineError>,
) -> Answer<T> {
    let folder = state.folder()?;
    let mut reporter = Reporter::new(app, state, kind);
    let _writing = LongWrite::begin();
    let done = Project::open(&folder)
        .map_err(EngineError::from)
        .and_then(|project| work(&mut Session { project }, &mut |done| reporter.go_on(done)));
    done.map_err(|error| state.tell(error))
}

/// The same with the window's own connection: nothing else is asked of the project until it is done.
///
/// # Errors
/// As [`long`].
pub fn long_alone<T>(
    app: &AppHandle,
    state: &AppState,
    kind: WorkKind,
    work: impl FnOnce(&mut Session, &mut dyn FnMut(f64) -> bool) -> Result<T, EngineError>,
) -> Answer<T> {
    let mut reporter = Reporter::new(app, state, kind);
    state.with(|session, _| work(session, &mut |done| reporter.go_on(done)))
}

/// Rows of a step from which it is long work.
const MANY: usize = 2_000;

/// Gives rows labels: at once by the window's own connection, which keeps its counts, or where they are many as long work.
///
/// # Errors
/// As [`long`].
pub fn labelling<T>(
    app: &AppHandle,
    state: &AppState,
    rows: usize,
    work: impl FnOnce(&mut Session, &mut dyn FnMut(f64) -> bool) -> Result<T, EngineError>,
) -> Answer<T> {
    match rows < MANY {
        true => state.with(|session, _| work(session, &mut |_| true)),
        false => long(app, state, WorkKind::Label, work),
    }
}
