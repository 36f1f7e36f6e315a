//! The split room.

use tauri::State;
use understudy_engine::view::SplitSummary;

use crate::state::{Answer, AppState};

#[tauri::command(async)]
#[specta::specta]
pub fn make_split(state: State<'_, AppState>, percent: Vec<u32>, seed: u32) -> Answer<SplitSummary> {
    state.with(|session, language| session.make_split(&percent, seed, language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn split_summary(state: State<'_, AppState>) -> Answer<Option<SplitSummary>> {
    state.with(|session, language| session.split_summary(language))
}
