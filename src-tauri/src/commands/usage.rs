//! The room where the model is used.

use std::sync::PoisonError;

use tauri::{AppHandle, State};
use understudy_engine::EngineError;
use understudy_engine::job::{Job, JobKind};
use understudy_engine::supervisor::{self, Answerer};
use understudy_engine::view::Prediction;

use crate::state::{Answer, AppState};

#[tauri::command(async)]
#[specta::specta]
pub fn try_text(state: State<'_, AppState>, run: String, text: String) -> Answer<Prediction> {
    let project = state.with(|session, _| Ok(session.project.folder().to_owned()))?;
    let mut answerer = state.answerer.lock().unwrap_or_else(PoisonError::into_inner);
    let of = (project, run);
    let warm = match answerer.take() {
        Some(warm) if warm.of == of => Ok(warm),
        _ => supervisor::program().and_then(|program| Answerer::start(&program, &of.0, &of.1)),
    };
    let mut warm = warm.map_err(|error| state.tell(error))?;
    let prediction = warm
        .ask(&text)
        .map_err(|problem| problem.told(state.language()).clone())?;
    *answerer = Some(warm);
    Ok(prediction)
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
    let Some(output) = state.picker.save(&format!("{stem} predicted.csv")) else {
        return Ok(None);
    };
    let project = state.with(|session, _| Ok(session.project.folder().to_owned()))?;
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
