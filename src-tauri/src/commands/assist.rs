//! The helper of the label room.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use tauri::{AppHandle, State};
use understudy_data::{Among, Project};
use understudy_engine::assist::{
    AssistState, Assistant, DoubtPage, Forecast, Nearby, Next, Order, Suggestion, TextGroups, encoder,
    foretell, groups, meaning,
};
use understudy_engine::job::{Job, JobKind};
use understudy_engine::supervisor::{self, Reader};
use understudy_engine::{EngineError, UserError};

use crate::state::{Answer, AppState};

/// What the ids of jobs that read texts begin with.
pub const READING: &str = "read-texts ";

/// Begins to read the texts that were not read yet; nothing happens when that is under way.
#[tauri::command(async)]
#[specta::specta]
pub fn read_texts(app: AppHandle, state: State<'_, AppState>) -> Answer<String> {
    let project = folder(&state)?;
    match state
        .jobs
        .start(&app, READING, JobKind::ReadTexts, Job::ReadTexts { project })
    {
        Ok(()) | Err(EngineError::RunActive { .. }) => Ok(READING.to_owned()),
        Err(error) => Err(state.tell(error)),
    }
}

/// Learns from the labels that there are now.
#[tauri::command(async)]
#[specta::specta]
pub fn learn_from_labels(state: State<'_, AppState>) -> Answer<AssistState> {
    let project = folder(&state)?;
    // A second call waits, and then learns from what has come meanwhile.
    let _one_at_a_time = state.learning.lock().unwrap_or_else(PoisonError::into_inner);
    let learnt = Project::open(&project)
        .map_err(EngineError::from)
        .and_then(|opened| Assistant::learn(&opened, &|| false))
        .map_err(|error| state.tell(error))?;
    let told = learnt.state().clone();
    let mut kept = state.assistant.lock().unwrap_or_else(PoisonError::into_inner);
    // Another project may have been opened meanwhile.
    if folder(&state).is_ok_and(|open| open == project) {
        *kept = Some((project, Arc::new(learnt)));
    }
    Ok(told)
}

/// What a row is probably called.
#[tauri::command(async)]
#[specta::specta]
pub fn suggestion(state: State<'_, AppState>, example: u32) -> Answer<Option<Suggestion>> {
    match learnt(&state)? {
        Some(assistant) => state.with(|session, _| assistant.suggestion(&session.project, example)),
        None => Ok(None),
    }
}

/// The row to label next.
#[tauri::command(async)]
#[specta::specta]
pub fn next_to_label(state: State<'_, AppState>, order: Order, but: Vec<u32>) -> Answer<Option<Next>> {
    let after = but.first().copied();
    match learnt(&state)? {
        Some(assistant) => state.with(|session, _| assistant.next(&session.project, order, &but)),
        None => state.with(|session, _| {
            let next = match order {
                Order::Random => session.project.random_unlabelled(after)?,
                Order::Useful | Order::Rare => session.project.next_unlabelled(after)?,
            };
            Ok(next.map(|example| Next {
                example,
                by: (order == Order::Random).then_some(order),
                typical: false,
            }))
        }),
    }
}

/// Labels that are probably wrong.
#[tauri::command(async)]
#[specta::specta]
pub fn doubts_page(state: State<'_, AppState>, offset: u32, limit: u32) -> Answer<DoubtPage> {
    match learnt(&state)? {
        Some(assistant) => state.with(|session, _| assistant.doubts_page(&session.project, offset, limit)),
        None => Ok(DoubtPage {
            total: 0,
            of: 0,
            rows: Vec::new(),
        }),
    }
}

/// What more labels would bring.
#[tauri::command(async)]
#[specta::specta]
pub fn label_forecast(state: State<'_, AppState>) -> Answer<Option<Forecast>> {
    beside(&state, |project| foretell(project, &|| false))
}

/// Rows that mean something like this one; `None` while it was not read yet.
#[tauri::command(async)]
#[specta::specta]
pub fn similar_texts(
    state: State<'_, AppState>,
    example: u32,
    among: Among,
    limit: u32,
) -> Answer<Option<Nearby>> {
    beside(&state, |project| {
        meaning::similar(project, example, among, limit as usize)
    })
}

/// Texts in groups by meaning.
#[tauri::command(async)]
#[specta::specta]
pub fn text_groups(state: State<'_, AppState>, among: Among, count: u32) -> Answer<TextGroups> {
    beside(&state, |project| groups(project, among, count as usize))
}

/// Rows that mean something like a text; `None` while no text was read.
#[tauri::command(async)]
#[specta::specta]
pub fn find_by_meaning(
    state: State<'_, AppState>,
    text: String,
    among: Among,
    limit: u32,
) -> Answer<Option<Nearby>> {
    let encoder = state.with(|session, _| encoder(&session.project))?;
    let vector = read(&state, &encoder, &text)?;
    beside(&state, |project| {
        meaning::near(project, &vector, among, limit as usize)
    })
}

/// What the encoder makes of a text; its worker stays for the next one.
fn read(state: &AppState, encoder: &str, text: &str) -> Answer<Vec<f32>> {
    let taken = state.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
    let told =
        |problem: Box<understudy_engine::Problem>| -> UserError { problem.told(state.language()).clone() };
    if let Some(mut warm) = taken.filter(|warm| warm.encoder == encoder) {
        // The system may have ended a worker that only waited: then a fresh one is asked.
        if let Ok(vector) = warm.read(text) {
            *state.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(warm);
            return Ok(vector);
        }
    }
    let mut fresh = supervisor::program()
        .and_then(|program| Reader::start(&program, encoder))
        .map_err(|error| state.tell(error))?;
    let vector = fresh.read(text).map_err(told)?;
    *state.reader.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
    Ok(vector)
}

fn folder(state: &AppState) -> Answer<PathBuf> {
    state.with(|session, _| Ok(session.project.folder().to_owned()))
}

/// What was learnt last from the open project.
fn learnt(state: &AppState) -> Answer<Option<Arc<Assistant>>> {
    let open = folder(state)?;
    let kept = state.assistant.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(kept
        .as_ref()
        .filter(|(project, _)| *project == open)
        .map(|(_, assistant)| assistant.clone()))
}

/// Something that takes a moment, with a connection of its own: the window goes on.
fn beside<T>(state: &AppState, work: impl FnOnce(&Project) -> Result<T, EngineError>) -> Answer<T> {
    let project = folder(state)?;
    Project::open(&project)
        .map_err(EngineError::from)
        .and_then(|project| work(&project))
        .map_err(|error| state.tell(error))
}
