//! The label room.

use serde::{Deserialize, Serialize};
use tauri::{AppHandle, State};
use understudy_data::{
    Circumstances, ExampleDetail, ExportFormat, ExportSummary, LabelChange, LabelNotes, LabelPart,
    LabelState, MarkKind, ProblemType, RowPlace, SpellingGroup,
};

use understudy_engine::scheme;

use crate::state::{Answer, AppState};
use crate::work::{WorkKind, labelling, long};

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
        let who = session.project.person()?;
        Ok(session.project.set_mark(example, kind, value.as_deref(), &who)?)
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
        let who = session.project.person()?;
        Ok(session
            .project
            .annotate_in(example, labels.as_deref(), &how, &who)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn label_many(
    app: AppHandle,
    state: State<'_, AppState>,
    examples: Vec<u32>,
    label: u32,
) -> Answer<LabelState> {
    labelling(&app, &state, examples.len(), |session, go_on| {
        let who = session.project.person()?;
        Ok(session.project.label_many(&examples, label, &who, go_on)?)
    })
}

/// Writes the labelled texts where the user says; `None` when they said nowhere.
#[tauri::command(async)]
#[specta::specta]
pub fn export_labels(
    app: AppHandle,
    state: State<'_, AppState>,
    format: ExportFormat,
    only_labelled: bool,
) -> Answer<Option<Exported>> {
    let name = state.with(|session, _| Ok(session.project.name().to_owned()))?;
    let ending = match format {
        ExportFormat::Csv => ".csv",
        ExportFormat::Xlsx => ".xlsx",
        ExportFormat::LabelStudio => ".json",
        ExportFormat::Doccano | ExportFormat::Prodigy => ".jsonl",
        // A folder.
        ExportFormat::HuggingFace => "",
    };
    let Some(path) = state.picker.save(&format!("{name} labels{ending}")) else {
        return Ok(None);
    };
    let summary = long(&app, &state, WorkKind::Export, |session, go_on| {
        Ok(session.project.export_rows(&path, format, only_labelled, go_on)?)
    })?;
    Ok(Some(Exported {
        path: path.display().to_string(),
        summary,
    }))
}

/// A file of labels that was written.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub struct Exported {
    /// Where.
    pub path: String,
    /// What.
    pub summary: ExportSummary,
}

#[tauri::command(async)]
#[specta::specta]
pub fn label_spellings(state: State<'_, AppState>) -> Answer<Vec<SpellingGroup>> {
    state.with(|session, _| Ok(session.project.label_spellings()?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn merge_labels(
    app: AppHandle,
    state: State<'_, AppState>,
    labels: Vec<u32>,
    into: u32,
) -> Answer<LabelState> {
    let merged: Vec<u32> = labels.iter().copied().filter(|label| *label != into).collect();
    let carriers = state.with(|session, _| Ok(session.project.carriers(&merged)?))?;
    labelling(&app, &state, carriers, |session, go_on| {
        let who = session.project.person()?;
        Ok(session.project.merge_labels(&labels, into, &who, go_on)?)
    })
}

/// Gives rows of a label another one in its place, as one step.
#[tauri::command(async)]
#[specta::specta]
pub fn divide_label(
    app: AppHandle,
    state: State<'_, AppState>,
    id: u32,
    parts: Vec<LabelPart>,
) -> Answer<LabelState> {
    let carriers = state.with(|session, _| Ok(session.project.carriers(&[id])?))?;
    labelling(&app, &state, carriers, |session, go_on| {
        let who = session.project.person()?;
        Ok(session.project.divide_label(id, &parts, &who, go_on)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn undo_annotation(app: AppHandle, state: State<'_, AppState>) -> Answer<LabelState> {
    let rows = state.with(|session, _| Ok(session.project.rows_to_undo(&session.project.person()?)?))?;
    labelling(&app, &state, rows, |session, go_on| {
        let who = session.project.person()?;
        Ok(session.project.undo_step(&who, go_on)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn redo_annotation(app: AppHandle, state: State<'_, AppState>) -> Answer<LabelState> {
    let rows = state.with(|session, _| Ok(session.project.rows_to_redo(&session.project.person()?)?))?;
    labelling(&app, &state, rows, |session, go_on| {
        let who = session.project.person()?;
        Ok(session.project.redo_step(&who, go_on)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn last_unlabelled(state: State<'_, AppState>, before: Option<u32>) -> Answer<Option<u32>> {
    state.with(|session, _| Ok(session.project.last_unlabelled(before)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn next_unlabelled(state: State<'_, AppState>, after: Option<u32>) -> Answer<Option<u32>> {
    state.with(|session, _| Ok(session.project.next_unlabelled(after)?))
}
