//! The label room.

use tauri::State;
use understudy_data::{LabelState, ProblemType, SpellingGroup};

use crate::state::{Answer, AppState};

/// Who labels in the window.
pub const PERSON: &str = "person";

#[tauri::command(async)]
#[specta::specta]
pub fn label_state(state: State<'_, AppState>) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.label_state()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn add_label(state: State<'_, AppState>, name: String) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.add_label(&name)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn rename_label(state: State<'_, AppState>, id: u32, name: String) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.rename_label(id, &name)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn remove_label(state: State<'_, AppState>, id: u32) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.remove_label(id)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn set_problem_type(state: State<'_, AppState>, to: ProblemType) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.set_problem_type(to)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn annotate(state: State<'_, AppState>, example: u32, labels: Option<Vec<u32>>) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.annotate(example, labels.as_deref(), PERSON)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn label_spellings(state: State<'_, AppState>) -> Answer<Vec<SpellingGroup>> {
    state.with(|session, _| Ok(session.project.label_spellings()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn merge_labels(state: State<'_, AppState>, labels: Vec<u32>, into: u32) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.merge_labels(&labels, into, PERSON)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn undo_annotation(state: State<'_, AppState>) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.undo_annotation(PERSON)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn redo_annotation(state: State<'_, AppState>) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.redo_annotation(PERSON)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn next_unlabelled(state: State<'_, AppState>, after: Option<u32>) -> Answer<Option<u32>> {
    state.with(|session, _| Ok(session.project.next_unlabelled(after)?))
}
