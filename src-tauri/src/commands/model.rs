//! The model room.

use tauri::{AppHandle, State};
use understudy_engine::job::{Job, JobKind};
use understudy_engine::models as engine;
use understudy_engine::view::Overview;
use understudy_hub::ModelCard;

use crate::state::{Answer, AppState};

#[tauri::command(async)]
#[specta::specta]
pub fn models(state: State<'_, AppState>) -> Answer<Vec<ModelCard>> {
    engine::cards().map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn choose_model(state: State<'_, AppState>, id: String) -> Answer<Overview> {
    state.with(|session, language| {
        session.choose_model(&id)?;
        session.overview(language)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn fetch_model(app: AppHandle, state: State<'_, AppState>, id: String) -> Answer<String> {
    let job = state.jobs.next_id("fetch");
    state
        .jobs
        .start(&app, &job, JobKind::FetchModel, Job::FetchModel { id })
        .map_err(|error| state.tell(error))?;
    Ok(job)
}
