//! The label room.

use tauri::State;
use understudy_data::{
    Circumstances, ExampleDetail, LabelChange, LabelNotes, LabelState, MarkKind, ProblemType, RowPlace,
    SpellingGroup,
};

use understudy_engine::scheme;

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
pub fn change_label(state: State<'_, AppState>, id: u32, change: LabelChange) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.change_label(id, &change)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn order_labels(state: State<'_, AppState>, ids: Vec<u32>) -> Answer<LabelState> {
    state.with(|session, _| Ok(session.project.order_labels(&ids)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn label_notes(state: State<'_, AppState>) -> Answer<LabelNotes> {
    state.with(|session, _| Ok(session.project.label_notes()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn set_label_notes(state: State<'_, AppState>, notes: LabelNotes) -> Answer<()> {
    state.with(|session, _| Ok(session.project.set_label_notes(&notes)?))
}

/// Writes the scheme where the user says; `None` when they said nowhere.
#[tauri::command(async)]
#[specta::specta]
pub fn save_scheme(state: State<'_, AppState>) -> Answer<Option<String>> {
    let name = state.with(|session, _| Ok(session.project.name().to_owned()))?;
    let Some(path) = state.picker.save(&format!("{name} labels.json")) else {
        return Ok(None);
    };
    state.with(|session, _| scheme::write(&session.project, &path))?;
    Ok(Some(path.display().to_string()))
}

/// Takes over a scheme from a file that the user chooses; `None` when they chose none.
#[tauri::command(async)]
#[specta::specta]
pub fn load_scheme(state: State<'_, AppState>) -> Answer<Option<LabelState>> {
    let Some(path) = state.picker.table() else {
        return Ok(None);
    };
    state.with(|session, _| scheme::take(&mut session.project, &path).map(Some))
}

#[tauri::command(async)]
#[specta::specta]
pub fn set_mark(
    state: State<'_, AppState>,
    example: u32,
    kind: MarkKind,
    value: Option<String>,
) -> Answer<ExampleDetail> {
    state.with(|session, _| {
        Ok(session
            .project
            .set_mark(example, kind, value.as_deref(), PERSON)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn place_of(state: State<'_, AppState>, example: u32) -> Answer<RowPlace> {
    state.with(|session, _| Ok(session.project.place_of(example)?))
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
pub fn annotate(
    state: State<'_, AppState>,
    example: u32,
    labels: Option<Vec<u32>>,
    how: Circumstances,
) -> Answer<LabelState> {
    state.with(|session, _| {
        let project = &mut session.project;
        Ok(project.annotate_in(example, labels.as_deref(), &how, PERSON)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn annotate_many(
    state: State<'_, AppState>,
    examples: Vec<u32>,
    labels: Option<Vec<u32>>,
) -> Answer<LabelState> {
    state.with(|session, _| {
        Ok(session
            .project
            .annotate_many(&examples, labels.as_deref(), PERSON)?)
    })
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
