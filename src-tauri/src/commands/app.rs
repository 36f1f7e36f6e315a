//! The app itself: settings, samples, machine.

use serde::{Deserialize, Serialize};
use tauri::State;
use understudy_engine::settings::{RecentProject, Settings};
use understudy_engine::view::SampleInfo;
use understudy_engine::{Language, UserError, files, models, samples, supervisor};
use understudy_hub::Machine;

use crate::state::{Answer, AppState};

/// What the start page shows.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub struct AppInfo {
    /// The app's version.
    pub version: String,
    /// The user's choices.
    pub settings: Settings,
    /// The language that follows from them and the system.
    pub language: Language,
    /// The samples.
    pub samples: Vec<SampleInfo>,
    /// The projects opened last.
    pub recent: Vec<RecentProject>,
    /// Where new projects go.
    pub projects_folder: String,
    /// Why training and prediction will not start, if so.
    pub problem: Option<UserError>,
}

#[tauri::command(async)]
#[specta::specta]
pub fn app_info(state: State<'_, AppState>) -> Answer<AppInfo> {
    let language = state.language();
    let stored = state.stored().clone();
    Ok(AppInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        samples: samples::list().map_err(|error| state.tell(error))?,
        projects_folder: files::projects_folder().display().to_string(),
        problem: supervisor::program().err().map(|error| error.told(language)),
        settings: stored.settings,
        recent: stored.recent,
        language,
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn save_settings(state: State<'_, AppState>, settings: Settings) -> Answer<AppInfo> {
    let saved = {
        let mut stored = state.stored();
        stored.settings = settings;
        stored.write()
    };
    saved.map_err(|error| state.tell(error))?;
    app_info(state)
}

#[tauri::command(async)]
#[specta::specta]
pub fn machine() -> Machine {
    understudy_hub::machine(models::library().root())
}
