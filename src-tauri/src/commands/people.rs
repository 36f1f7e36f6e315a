//! Several people in the label room.

use serde::{Deserialize, Serialize};
use tauri::State;
use understudy_data::{DisagreementPage, LabelState};
use understudy_engine::people::{self, People, Taken};

use crate::state::{Answer, AppState};

/// Who labels, and how far they agree.
#[tauri::command(async)]
#[specta::specta]
pub fn people(state: State<'_, AppState>) -> Answer<People> {
    state.with(|session, _| people::people(&session.project))
}

#[tauri::command(async)]
#[specta::specta]
pub fn set_person(state: State<'_, AppState>, name: String) -> Answer<LabelState> {
    state.with(|session, _| {
        session.project.set_person(&name)?;
        Ok(session.project.label_state()?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn set_second_share(state: State<'_, AppState>, percent: u32) -> Answer<()> {
    state.with(|session, _| Ok(session.project.set_second_share(percent)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn next_for_second_opinion(state: State<'_, AppState>, after: Option<u32>) -> Answer<Option<u32>> {
    state.with(|session, _| {
        let who = session.project.person()?;
        Ok(session.project.next_for_second_opinion(after, &who)?)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn disagreements_page(state: State<'_, AppState>, offset: u32, limit: u32) -> Answer<DisagreementPage> {
    state.with(|session, _| Ok(session.project.disagreements_page(offset, limit)?))
}

#[tauri::command(async)]
#[specta::specta]
pub fn decide_disagreement(state: State<'_, AppState>, example: u32, labels: Vec<u32>) -> Answer<LabelState> {
    state.with(|session, _| {
        let who = session.project.person()?;
        Ok(session.project.decide(example, &labels, &who)?)
    })
}

/// A file of answers that was written.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub struct SentFile {
    /// Where.
    pub path: String,
    /// How many answers.
    pub answers: u32,
    /// The short form of the key that signed it.
    pub key: String,
}

/// Writes the answers of whoever labels now where they say; `None` when they said nowhere.
#[tauri::command(async)]
#[specta::specta]
pub fn send_answers(state: State<'_, AppState>) -> Answer<Option<SentFile>> {
    let who = state.with(|session, _| Ok(session.project.person()?))?;
    let Some(path) = state.picker.save(&format!("{who} answers.json")) else {
        return Ok(None);
    };
    let (answers, key) = state.with(|session, _| people::send(&mut session.project, &path))?;
    Ok(Some(SentFile {
        path: path.display().to_string(),
        answers,
        key,
    }))
}

/// Takes in a file of answers that the user chooses; `None` when they chose none.
#[tauri::command(async)]
#[specta::specta]
pub fn take_answers(state: State<'_, AppState>) -> Answer<Option<Taken>> {
    let Some(path) = state.picker.table() else {
        return Ok(None);
    };
    state.with(|session, _| people::take(&mut session.project, &path).map(Some))
}
