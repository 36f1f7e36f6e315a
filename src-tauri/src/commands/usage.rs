//! The room where the model is used.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use tauri::{AppHandle, State, WebviewWindow};
use understudy_engine::explanation::Explanation;
use understudy_engine::job::{Job, JobKind};
use understudy_engine::prediction::{self, AskedFile, Queued};
use understudy_engine::received::{ReceivedModel, received};
use understudy_engine::supervisor::{self, Answerer};
use understudy_engine::view::Prediction;
use understudy_engine::{EngineError, Problem, demo};
use understudy_train::ExplanationMethod;

use crate::commands::data::by_bytes;
use crate::state::{Answer, AppState};
use crate::work::{WorkKind, long};

#[tauri::command(async)]
#[specta::specta]
pub fn try_text(state: State<'_, AppState>, run: String, text: String) -> Answer<Prediction> {
    asked(&state, run, |answerer| answerer.ask(&text))
}

#[tauri::command(async)]
#[specta::specta]
pub fn explain_text(
    state: State<'_, AppState>,
    run: String,
    text: String,
    label: Option<String>,
) -> Answer<Explanation> {
    let method = ExplanationMethod::Gradients;
    asked(&state, run, |answerer| {
        answerer.explain(&text, label.as_deref(), method)
    })
}

/// Asks a run's model something.
fn asked<T>(
    state: &AppState,
    run: String,
    ask: impl Fn(&mut Answerer) -> Result<T, Box<Problem>>,
) -> Answer<T> {
    let project = state.folder()?;
    // Taken out while it works, so that a project can be left meanwhile; a second question starts its own.
    let taken = state
        .answerer
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let of = (project, run);
    if let Some(mut warm) = taken.filter(|warm| warm.of == of) {
        // The system may have ended a worker that only waited: then a fresh one is asked.
        if let Ok(answer) = ask(&mut warm) {
            state.keep(warm);
            return Ok(answer);
        }
    }
    let mut fresh = supervisor::program()
        .and_then(|program| Answerer::start(&program, &of.0, &of.1))
        .map_err(|error| state.tell(error))?;
    let answer = ask(&mut fresh).map_err(|problem| problem.told(state.language()).clone())?;
    state.keep(fresh);
    Ok(answer)
}

/// Takes the rows of an answered file that a person should look at into the project, to be labelled.
#[tauri::command(async)]
#[specta::specta]
pub fn queue_for_review(
    app: AppHandle,
    state: State<'_, AppState>,
    path: String,
    text: Vec<String>,
) -> Answer<Queued> {
    long(&app, &state, WorkKind::Import, |session, go_on| {
        prediction::queue_for_review(session, Path::new(&path), &text, &mut by_bytes(go_on))
    })
}

/// Takes one text into the project, to be labelled.
#[tauri::command(async)]
#[specta::specta]
pub fn queue_text(state: State<'_, AppState>, text: String) -> Answer<Queued> {
    state.with(|session, _| prediction::queue_text(session, &text))
}

/// The job in which the model answers other programs: there is one at a time.
pub const SERVER: &str = "server";

/// Lets other programs on this machine ask a run's model, until the job is cancelled or the project closed.
#[tauri::command(async)]
#[specta::specta]
pub fn start_server(app: AppHandle, state: State<'_, AppState>, run: String, port: u16) -> Answer<String> {
    let job = Job::ServeHttp {
        project: state.folder()?,
        run,
        port,
        language: state.language(),
    };
    let started = state.jobs.start(&app, SERVER, JobKind::ServeHttp, job);
    started.map_err(|error| state.tell(error))?;
    Ok(SERVER.to_owned())
}

/// Models of the library that answer without training.
#[tauri::command(async)]
#[specta::specta]
pub fn received_models(state: State<'_, AppState>) -> Answer<Vec<ReceivedModel>> {
    received().map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn demo_examples(state: State<'_, AppState>, run: String) -> Answer<Vec<String>> {
    state.with(|session, _| demo::examples(&session.project, &run))
}

#[tauri::command(async)]
#[specta::specta]
pub fn set_demo_examples(state: State<'_, AppState>, run: String, texts: Vec<String>) -> Answer<()> {
    state.with(|session, _| demo::set_examples(&session.project, &run, &texts))
}

/// Fills the screen with the window, or gives the screen back. Where the system does not let it, the window stays.
#[tauri::command(async)]
#[specta::specta]
pub fn fill_screen(window: WebviewWindow, fill: bool) {
    if let Err(error) = window.set_fullscreen(fill) {
        eprintln!("the window could not fill the screen: {error}");
    }
}

/// Lets the user pick a file to be answered, and looks at its columns.
#[tauri::command(async)]
#[specta::specta]
pub fn pick_file_to_predict(state: State<'_, AppState>) -> Answer<Option<AskedFile>> {
    let Some(input) = state.picker.table() else {
        return Ok(None);
    };
    let looked = state.with_copy(|project, _| prediction::look_at_file(project, &input))?;
    Ok(Some(looked))
}

/// Answers a file; its texts are in the columns `text`. The answer is the job's id, or nothing when no place was picked.
#[tauri::command(async)]
#[specta::specta]
pub fn predict_file(
    app: AppHandle,
    state: State<'_, AppState>,
    run: String,
    path: String,
    text: Vec<String>,
) -> Answer<Option<String>> {
    let input = PathBuf::from(path);
    let stem = input
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let Some(output) = state.picker.save_table(&format!("{stem} predicted.csv")) else {
        return Ok(None);
    };
    let project = state.folder()?;
    let id = state.jobs.next_id("predict");
    let job = Job::PredictFile {
        project,
        run,
        input,
        output,
        text,
    };
    let started: Result<(), EngineError> = state.jobs.start(&app, &id, JobKind::PredictFile, job);
    started.map_err(|error| state.tell(error))?;
    Ok(Some(id))
}
