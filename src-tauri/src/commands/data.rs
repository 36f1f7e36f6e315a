//! The data room.

use std::path::Path;

use tauri::{AppHandle, State};
use understudy_data::{
    CleaningLook, CleaningRule, ConflictPage, DataSummary, DialectOverrides, ExampleDetail, FileChanges,
    ImportOptions, ImportSummary, LabelState, MendForm, NearPage, Part, RowFilter, RowPage,
};
use understudy_engine::view::{LongTexts, Preview, ProblemPage, StepTold};
use understudy_engine::{Session, session};

use crate::state::{Answer, AppState};
use crate::work::{WorkKind, long, long_alone};

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
    let path = Path::new(&path);
    let before = state.with(|session, _| Ok(session.project.imported_before(path)?))?;
    session::preview_file(path, &dialect, before.as_ref(), state.language())
        .map_err(|error| state.tell(error))
}

/// Reading tells the bytes done and the bytes in all; the page wants the share.
pub(super) fn by_bytes(go_on: &mut dyn FnMut(f64) -> bool) -> impl FnMut(u64, u64) -> bool {
    |done, total| go_on(done as f64 / total.max(1) as f64)
}

#[tauri::command(async)]
#[specta::specta]
pub fn import_file(
    app: AppHandle,
    state: State<'_, AppState>,
    path: String,
    options: ImportOptions,
    part: Option<Part>,
) -> Answer<ImportSummary> {
    let import = |session: &mut Session, go_on: &mut dyn FnMut(f64) -> bool| {
        session.import(Path::new(&path), &options, part, &mut by_bytes(go_on))
    };
    // A first import is much quicker where nobody else has the project open, and there is nothing to look at yet.
    match state.with(|session, _| Ok(session.project.is_empty()?))? {
        true => long_alone(&app, &state, WorkKind::Import, import),
        false => long(&app, &state, WorkKind::Import, import),
    }
}

#[tauri::command(async)]
#[specta::specta]
pub fn update_from_file(
    app: AppHandle,
    state: State<'_, AppState>,
    path: String,
    options: ImportOptions,
    only_tell: bool,
) -> Answer<FileChanges> {
    long(&app, &state, WorkKind::Import, |session, go_on| {
        let file = Path::new(&path);
        Ok(session
            .project
            .update_from_file(file, &options, only_tell, &mut by_bytes(go_on))?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn stop_work(state: State<'_, AppState>, kind: WorkKind) {
    state.stops.stop(kind);
}

#[tauri::command(async)]
#[specta::specta]
pub fn data_summary(state: State<'_, AppState>) -> Answer<DataSummary> {
    state.with(|session, _| Ok(session.project.summary()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn long_texts(state: State<'_, AppState>) -> Answer<Option<LongTexts>> {
    state.with(|session, _| session.long_texts())
}

#[tauri::command(async)]
#[specta::specta]
pub fn rows_page(
    app: AppHandle,
    state: State<'_, AppState>,
    filter: RowFilter,
    offset: u32,
    limit: u32,
) -> Answer<RowPage> {
    if !filter.search.trim().is_empty() && !state.with(|session, _| Ok(session.project.can_search()?))? {
        long(&app, &state, WorkKind::Index, |session, go_on| {
            Ok(session.project.prepare_search(go_on)?)
        })?;
    }
    state.with(|session, _| Ok(session.project.rows_page(&filter, offset, limit)?))
}

/// All rows that pass.
#[tauri::command(async)]
#[specta::specta]
pub fn row_ids(state: State<'_, AppState>, filter: RowFilter) -> Answer<Vec<u32>> {
    state.with(|session, _| Ok(session.project.row_ids(&filter)?))
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
pub fn mend_form(state: State<'_, AppState>, problem: u32) -> Answer<MendForm> {
    state.with(|session, _| Ok(session.project.mend_form(problem)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn mend_row(state: State<'_, AppState>, problem: u32, cells: Vec<String>) -> Answer<u32> {
    state.with(|session, _| Ok(session.project.mend_row(problem, &cells)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn edit_text(state: State<'_, AppState>, id: u32, text: Option<String>) -> Answer<ExampleDetail> {
    state.with(|session, _| {
        let who = session.project.person()?;
        Ok(session.project.edit_text(id, text.as_deref(), &who)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn cleaning_look(app: AppHandle, state: State<'_, AppState>) -> Answer<CleaningLook> {
    long(&app, &state, WorkKind::Look, |session, go_on| {
        Ok(session.project.cleaning_look(go_on)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn clean(app: AppHandle, state: State<'_, AppState>, rules: Vec<CleaningRule>) -> Answer<DataSummary> {
    long(&app, &state, WorkKind::Clean, |session, go_on| {
        Ok(session.project.clean(&rules, go_on)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn cleaning_steps(state: State<'_, AppState>) -> Answer<Vec<StepTold>> {
    state.with(|session, language| session.cleaning_steps(language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn undo_cleaning(app: AppHandle, state: State<'_, AppState>, step: u32) -> Answer<DataSummary> {
    long(&app, &state, WorkKind::Clean, |session, go_on| {
        Ok(session.project.undo_cleaning(step, go_on)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn find_near_duplicates(app: AppHandle, state: State<'_, AppState>) -> Answer<()> {
    long(&app, &state, WorkKind::NearDuplicates, |session, go_on| {
        Ok(session.project.find_near_duplicates(go_on)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn near_duplicates(
    state: State<'_, AppState>,
    offset: u32,
    limit: u32,
    open: bool,
) -> Answer<Option<NearPage>> {
    state.with_copy(|project, _| Ok(project.near_duplicates(offset, limit, open)?))
}

/// The rows of a cluster of near-duplicates.
#[tauri::command(async)]
#[specta::specta]
pub fn near_cluster(state: State<'_, AppState>, id: u32, open: bool) -> Answer<Vec<u32>> {
    state.with_copy(|project, _| Ok(project.near_cluster(id, open)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn decide_conflict(state: State<'_, AppState>, example: u32, labels: Vec<u32>) -> Answer<LabelState> {
    state.with(|session, _| {
        let who = session.project.person()?;
        Ok(session.project.decide_conflict(example, &labels, &who)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn conflicts_page(state: State<'_, AppState>, offset: u32, limit: u32) -> Answer<ConflictPage> {
    state.with(|session, _| Ok(session.project.conflicts_page(offset, limit)?))
}
