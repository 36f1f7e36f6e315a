//! Projects: one open at a time.

use std::path::Path;

use tauri::State;
use understudy_engine::session;
use understudy_engine::session::folder_for;
use understudy_engine::view::Overview;
use understudy_engine::{Language, Result, Session, files, samples};

use crate::state::{Answer, AppState};

#[tauri::command(async)]
#[specta::specta]
pub fn create_project(state: State<'_, AppState>, name: String) -> Answer<Overview> {
    let folder = folder_for(&files::projects_folder(), &name);
    enter(&state, Session::create(&folder, &name))
}

#[tauri::command(async)]
#[specta::specta]
pub fn open_project(state: State<'_, AppState>, path: String) -> Answer<Overview> {
    enter(&state, Session::open(Path::new(&path)))
}

#[tauri::command(async)]
#[specta::specta]
pub fn pick_project(state: State<'_, AppState>) -> Option<String> {
    state.picker.folder().map(|folder| folder.display().to_string())
}

#[tauri::command(async)]
#[specta::specta]
pub fn open_sample(state: State<'_, AppState>, id: String) -> Answer<Overview> {
    let language = state.language();
    let folder = samples::open(&id, &files::projects_folder(), |text| match language {
        Language::En => text.en.clone(),
        Language::Zh => text.zh.clone(),
    });
    enter(&state, folder.and_then(|folder| Session::open(&folder)))
}

#[tauri::command(async)]
#[specta::specta]
pub fn overview(state: State<'_, AppState>) -> Answer<Overview> {
    // Counting a million rows takes a tenth of a second, for which no key press should wait.
    state.with_copy(session::overview)
}

#[tauri::command(async)]
#[specta::specta]
pub fn close_project(state: State<'_, AppState>) {
    state.close();
}

fn enter(state: &AppState, session: Result<Session>) -> Answer<Overview> {
    let session = session.map_err(|error| state.tell(error))?;
    state.open(session);
    state.with(|session, language| session.overview(language))
}
