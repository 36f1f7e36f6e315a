//! The split room.

use tauri::{AppHandle, State};
use understudy_data::SplitWay;
use understudy_engine::view::SplitSummary;

use crate::state::{Answer, AppState};
use crate::work::{WorkKind, long};

#[tauri::command(async)]
#[specta::specta]
pub fn make_split(
    app: AppHandle,
    state: State<'_, AppState>,
    percent: Vec<u32>,
    seed: u32,
    way: SplitWay,
) -> Answer<SplitSummary> {
    let language = state.language();
    long(&app, &state, WorkKind::NearDuplicates, |session, go_on| {
        // The longest part of it, with progress; the division finds it done.
        session.project.find_near_duplicates(go_on)?;
        session.make_split(&percent, seed, way, language)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn add_to_training(app: AppHandle, state: State<'_, AppState>) -> Answer<SplitSummary> {
    let language = state.language();
    long(&app, &state, WorkKind::NearDuplicates, |session, go_on| {
        session.project.find_near_duplicates(go_on)?;
        session.add_to_training(language)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn open_test(state: State<'_, AppState>) -> Answer<SplitSummary> {
    state.with(|session, language| session.open_test(language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn split_summary(state: State<'_, AppState>) -> Answer<Option<SplitSummary>> {
    state.with(|session, language| session.split_summary(language))
}
