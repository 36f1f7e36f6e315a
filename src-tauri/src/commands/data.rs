//! The data room.

use std::path::Path;

use tauri::State;
use understudy_data::{
    DataSummary, DialectOverrides, ExampleDetail, ImportOptions, ImportSummary, NearPage, RowFilter, RowPage,
};
use understudy_engine::session;
use understudy_engine::view::{Preview, ProblemPage};

use crate::state::{Answer, AppState};

#[tauri::command(async)]
#[specta::specta]
pub fn pick_data_file(state: State<'_, AppState>) -> Option<String> {
    state.picker.table().map(|path| path.display().to_string())
}

#[tauri::command(async)]
#[specta::specta]
pub fn pick_data_folder(state: State<'_, AppState>) -> Option<String> {
    state.picker.folder().map(|path| path.display().to_string())
}

#[tauri::command(async)]
#[specta::specta]
pub fn keep_pasted(state: State<'_, AppState>, table: String) -> Answer<String> {
    state.with(|session, _| Ok(session.keep_pasted(&table)?.display().to_string()))
}

#[tauri::command(async)]
#[specta::specta]
pub fn preview_file(state: State<'_, AppState>, path: String, dialect: DialectOverrides) -> Answer<Preview> {
    session::preview_file(Path::new(&path), &dialect, state.language()).map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn import_file(
    state: State<'_, AppState>,
    path: String,
    options: ImportOptions,
) -> Answer<ImportSummary> {
    state.with(|session, _| session.import(Path::new(&path), &options, None, &mut |_, _| true))
}

#[tauri::command(async)]
#[specta::specta]
pub fn data_summary(state: State<'_, AppState>) -> Answer<DataSummary> {
    state.with(|session, _| Ok(session.project.summary()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn rows_page(state: State<'_, AppState>, filter: RowFilter, offset: u32, limit: u32) -> Answer<RowPage> {
    state.with(|session, _| Ok(session.project.rows_page(&filter, offset, limit)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn example(state: State<'_, AppState>, id: u32) -> Answer<ExampleDetail> {
    state.with(|session, _| Ok(session.project.example(id)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn problems_page(state: State<'_, AppState>, offset: u32, limit: u32) -> Answer<ProblemPage> {
    state.with(|session, language| session.problems_page(offset, limit, language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn drop_duplicates(state: State<'_, AppState>) -> Answer<DataSummary> {
    state.with(|session, _| Ok(session.project.drop_duplicates()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn find_near_duplicates(state: State<'_, AppState>) -> Answer<()> {
    state.with(|session, _| Ok(session.project.find_near_duplicates(&mut |_| true)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn near_duplicates(state: State<'_, AppState>, offset: u32, limit: u32) -> Answer<Option<NearPage>> {
    state.with(|session, _| Ok(session.project.near_duplicates(offset, limit)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn drop_near_duplicates(state: State<'_, AppState>) -> Answer<DataSummary> {
    state.with(|session, _| Ok(session.project.drop_near_duplicates()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn drop_empty(state: State<'_, AppState>) -> Answer<DataSummary> {
    state.with(|session, _| Ok(session.project.drop_empty()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn undo_cleaning(state: State<'_, AppState>, step: u32) -> Answer<DataSummary> {
    state.with(|session, _| Ok(session.project.undo_cleaning(step)?))
}
