//! What the shell holds: the open project, the settings, the jobs at work. Facts live in the project's database.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tauri::{AppHandle, Manager};
use understudy_data::Project;
use understudy_engine::assist::Assistant;
use understudy_engine::models::bring;
use understudy_engine::settings::{Stored, system_language};
use understudy_engine::supervisor::{Answerer, Reader};
use understudy_engine::view::GroupBy;
use understudy_engine::{EngineError, Language, Session, UserError, models};

use crate::dialogs::{FilePicker, picker};
use crate::jobs::Jobs;
use crate::work::Stops;

/// A command's answer: the error is told in the window's language.
pub type Answer<T> = Result<T, UserError>;

/// A group of texts of a run's test part.
#[derive(PartialEq)]
pub struct Group {
    /// The project's folder.
    pub project: PathBuf,
    /// The run.
    pub run: String,
    /// By what texts are grouped.
    pub by: GroupBy,
    /// Which group.
    pub value: String,
}

/// Shared by all commands.
pub struct AppState {
    session: Mutex<Option<Session>>,
    stored: Mutex<Stored>,
    /// Jobs at work.
    pub jobs: Jobs,
    /// Stops long work in this process.
    pub stops: Stops,
    /// The worker that answers single texts, with the model it has in memory.
    pub answerer: Mutex<Option<Answerer>>,
    /// What was learnt last from the labels of a project.
    pub assistant: Mutex<Option<(PathBuf, Arc<Assistant>)>>,
    /// Held while it learns: one at a time.
    pub learning: Mutex<()>,
    /// The group of texts whose wrong answers are looked at, and its rows.
    pub group: Mutex<Option<(Group, Arc<Vec<u32>>)>>,
    /// The worker that says what words mean, with the encoder that it has in memory.
    pub reader: Mutex<Option<Reader>>,
    /// File dialogs.
    pub picker: Box<dyn FilePicker>,
}

impl AppState {
    /// Reads the settings, and moves a model that came with the installer into the library.
    pub fn read(app: &AppHandle) -> Self {
        let mut stored = Stored::read().unwrap_or_else(|error| {
            eprintln!("the settings could not be read, starting with the usual ones: {error}");
            Stored::default()
        });
        stored.forget_missing();
        let bundled = app
            .path()
            .resource_dir()
            .ok()
            .map(|folder| folder.join("models/starter"));
        if let Some(folder) = bundled.filter(|folder| folder.is_dir()) {
            std::thread::spawn(move || adopt_bundled_model(&folder));
        }
        AppState {
            session: Mutex::new(None),
            stored: Mutex::new(stored),
            jobs: Jobs::default(),
            stops: Stops::default(),
            answerer: Mutex::new(None),
            assistant: Mutex::new(None),
            learning: Mutex::new(()),
            group: Mutex::new(None),
            reader: Mutex::new(None),
            picker: picker(app.clone()),
        }
    }

    /// The window's language.
    pub fn language(&self) -> Language {
        self.stored().settings.language.unwrap_or_else(system_language)
    }

    /// The settings.
    pub fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An error in the window's language.
    pub fn tell(&self, error: impl Into<EngineError>) -> UserError {
        error.into().told(self.language())
    }

    /// Does something with the open project.
    ///
    /// # Errors
    /// That no project is open, or what the work says.
    pub fn with<T>(&self, work: impl FnOnce(&mut Session, Language) -> Result<T, EngineError>) -> Answer<T> {
        let language = self.language();
        let mut session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        match session.as_mut() {
            Some(session) => work(session, language).map_err(|error| error.told(language)),
            None => Err(EngineError::NoProject.told(language)),
        }
    }

    /// Reads the open project through a connection of its own, so that everything else in the window goes on meanwhile.
    ///
    /// # Errors
    /// That no project is open, or what the work says.
    pub fn with_copy<T>(&self, work: impl FnOnce(&Project, Language) -> Result<T, EngineError>) -> Answer<T> {
        let (folder, language) = (self.folder()?, self.language());
        let project = Project::open(&folder).map_err(|error| self.tell(error))?;
        work(&project, language).map_err(|error| error.told(language))
    }

    /// The open project's folder, which is still there: else whoever opens it again would call it no project.
    ///
    /// # Errors
    /// That no project is open, or `Unreachable`.
    pub fn folder(&self) -> Answer<PathBuf> {
        self.with(|session, _| {
            session.project.check_reachable()?;
            Ok(session.project.folder().to_owned())
        })
    }

    /// Makes this the open project and remembers it.
    pub fn open(&self, session: Session) {
        self.close_answerer();
        let mut stored = self.stored();
        stored.remember(session.project.name(), session.project.folder());
        if let Err(error) = stored.write() {
            eprintln!("the list of projects could not be saved: {error}");
        }
        drop(stored);
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session);
    }

    /// Keeps a worker with its model for the next question, if its project is still open.
    pub fn keep(&self, warm: Answerer) {
        let session = self.session.lock().unwrap_or_else(PoisonError::into_inner);
        if session
            .as_ref()
            .is_some_and(|session| session.project.folder() == warm.of.0)
        {
            *self.answerer.lock().unwrap_or_else(PoisonError::into_inner) = Some(warm);
        }
    }

    /// Closes the open project.
    pub fn close(&self) {
        self.stops.stop_all();
        self.close_answerer();
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Ends what is only there for the open project.
    fn close_answerer(&self) {
        *self.answerer.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.assistant.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.reader.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.jobs.cancel_all(crate::commands::assist::READING);
        self.jobs.cancel_all(crate::commands::usage::SERVER);
    }
}

fn adopt_bundled_model(folder: &Path) {
    if models::is_installed(models::STARTER) {
        return;
    }
    let never = AtomicBool::new(false);
    if let Err(error) = bring::add(folder, Some(models::STARTER), &never, &mut |_| ()) {
        eprintln!("the model that came with the app could not be moved into the library: {error}");
    }
}
