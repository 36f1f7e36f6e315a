//! The room where the model is used.

use std::sync::PoisonError;

use tauri::{AppHandle, State};
use understudy_engine::explanation::Explanation;
use understudy_engine::job::{Job, JobKind};
use understudy_engine::supervisor::{self, Answerer};
use understudy_engine::view::Prediction;
use understudy_engine::{EngineError, Problem};
use understudy_train::ExplanationMethod;

use crate::state::{Answer, AppState};

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

#[tauri::command(async)]
#[specta::specta]
pub fn predict_file(app: AppHandle, state: State<'_, AppState>, run: String) -> Answer<Option<String>> {
    let Some(input) = state.picker.table() else {
        return Ok(None);
    };
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
    };
    let started: Result<(), EngineError> = state.jobs.start(&app, &id, JobKind::PredictFile, job);
    started.map_err(|error| state.tell(error))?;
    Ok(Some(id))
}
