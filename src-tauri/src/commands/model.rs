//! The model room.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use tauri::{AppHandle, State};
use understudy_engine::job::{Job, JobKind};
use understudy_engine::models::cards::{self, ModelCard, ModelShelf, ModelUse};
use understudy_engine::models::fit::Fitting;
use understudy_engine::models::hub::{self, FoundModel, HubSearch};
use understudy_engine::models::{self, bring, speed};
use understudy_engine::network::{MIRROR, NetworkSettings, Secret};
use understudy_engine::view::Overview;
use understudy_engine::{EngineError, files};
use understudy_hub::HubError;

use crate::state::{Answer, AppState};

/// Connections shown at most; the log has all of them.
const MOST_CONNECTIONS: usize = 500;

/// How to reach the model hub, as the window shows it.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub struct NetworkState {
    /// What the user has set.
    pub settings: NetworkSettings,
    /// The hub that is asked.
    pub hub: String,
    /// The mirror that is offered.
    pub mirror: String,
    /// Whether the keyring holds a token for the hub.
    pub has_token: bool,
    /// Whether the hub is told who asks by a token from elsewhere: the environment or another program.
    pub other_token: bool,
    /// Whether the keyring holds a password for the proxy.
    pub has_proxy_password: bool,
}

/// A connection that was opened.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub struct ConnectionTold {
    /// When, UTC.
    pub at: String,
    /// The host.
    pub host: String,
    /// What was asked for there.
    pub path: String,
    /// What for: a model, or `search`.
    pub why: String,
    /// Bytes received.
    pub bytes: f64,
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u32>,
}

/// The latest connections.
#[derive(Debug, Clone, Serialize, Deserialize, specta::Type)]
pub struct Connections {
    /// The newest first.
    pub latest: Vec<ConnectionTold>,
    /// How many there are in all.
    pub count: u32,
    /// The file that has all of them.
    pub log: String,
}

#[tauri::command(async)]
#[specta::specta]
pub fn model_shelf(state: State<'_, AppState>) -> Answer<ModelShelf> {
    state.with_copy(|project, language| cards::shelf(Some(project), language))
}

/// Measures this machine, which takes a few seconds, then tells the models again.
#[tauri::command(async)]
#[specta::specta]
pub fn measure_machine(state: State<'_, AppState>) -> Answer<ModelShelf> {
    speed::measure().map_err(|error| state.tell(error))?;
    model_shelf(state)
}

#[tauri::command(async)]
#[specta::specta]
pub fn choose_model(state: State<'_, AppState>, id: String) -> Answer<Overview> {
    state.with(|session, language| {
        session.choose_model(&id)?;
        session.overview(language)
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn fetch_model(app: AppHandle, state: State<'_, AppState>, id: String) -> Answer<String> {
    // The model names its download: whoever opens the room finds it, and nobody starts it twice.
    let job = format!("fetch {id}");
    start(&app, &state, JobKind::FetchModel, &job, Job::FetchModel { id })
}

/// Gives up what has arrived of a model.
#[tauri::command(async)]
#[specta::specta]
pub fn discard_download(state: State<'_, AppState>, id: String) -> Answer<()> {
    models::library().discard(&id).map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn remove_model(state: State<'_, AppState>, id: String) -> Answer<()> {
    models::library().remove(&id).map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn verify_model(state: State<'_, AppState>, id: String) -> Answer<()> {
    models::library().verify(&id).map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn model_uses(state: State<'_, AppState>) -> Answer<Vec<ModelUse>> {
    cards::uses().map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn search_hub(state: State<'_, AppState>, search: HubSearch) -> Answer<Vec<FoundModel>> {
    let never = AtomicBool::new(false);
    hub::find(&search, state.language(), &never).map_err(|error| state.tell(error))
}

/// Asks the hub about one model.
#[tauri::command(async)]
#[specta::specta]
pub fn look_at_model(state: State<'_, AppState>, id: String) -> Answer<ModelCard> {
    let fitting = state.with_copy(|project, _| Fitting::new(Some(project), speed::known()))?;
    let never = AtomicBool::new(false);
    hub::look(&id, &fitting, &never).map_err(|error| state.tell(error))
}

/// Asks for a folder with a model and copies it; `None` when the user gave up.
#[tauri::command(async)]
#[specta::specta]
pub fn add_model_folder(app: AppHandle, state: State<'_, AppState>) -> Answer<Option<String>> {
    state
        .picker
        .folder()
        .map(|path| add(&app, &state, path))
        .transpose()
}

/// Asks for an archive with a model and copies it; `None` when the user gave up.
#[tauri::command(async)]
#[specta::specta]
pub fn add_model_archive(app: AppHandle, state: State<'_, AppState>) -> Answer<Option<String>> {
    state
        .picker
        .archive()
        .map(|path| add(&app, &state, path))
        .transpose()
}

fn add(app: &AppHandle, state: &AppState, path: PathBuf) -> Answer<String> {
    start(app, state, JobKind::CopyModels, COPY, Job::AddModel { path })
}

/// Puts a run's model into the library under a name.
#[tauri::command(async)]
#[specta::specta]
pub fn keep_run(app: AppHandle, state: State<'_, AppState>, run: String, name: String) -> Answer<String> {
    let project = state.folder()?;
    let id = bring::plain_name(&name);
    start(
        &app,
        &state,
        JobKind::CopyModels,
        COPY,
        Job::KeepRun { project, run, id },
    )
}

/// Asks where to, and writes a model as one archive; `None` when the user gave up.
#[tauri::command(async)]
#[specta::specta]
pub fn export_base_model(app: AppHandle, state: State<'_, AppState>, id: String) -> Answer<Option<String>> {
    let proposed = format!("{}.zip", id.replace('/', "--"));
    let target = state.picker.save(&proposed);
    target
        .map(|target| {
            start(
                &app,
                &state,
                JobKind::CopyModels,
                COPY,
                Job::ExportModel { id, target },
            )
        })
        .transpose()
}

/// Asks where to, and moves the library of models; `None` when the user gave up.
#[tauri::command(async)]
#[specta::specta]
pub fn move_library(app: AppHandle, state: State<'_, AppState>) -> Answer<Option<String>> {
    let root = state.picker.folder();
    root.map(|root| {
        // What is chosen may hold other things.
        let root = root.join("understudy-models");
        start(&app, &state, JobKind::CopyModels, COPY, Job::MoveLibrary { root })
    })
    .transpose()
}

#[tauri::command(async)]
#[specta::specta]
pub fn network_state(state: State<'_, AppState>) -> Answer<NetworkState> {
    told_network().map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn save_network(state: State<'_, AppState>, settings: NetworkSettings) -> Answer<NetworkState> {
    settings
        .write()
        .and_then(|()| told_network())
        .map_err(|error| state.tell(error))
}

/// Keeps a secret in the system's keyring; an empty one is forgotten.
#[tauri::command(async)]
#[specta::specta]
pub fn keep_secret(state: State<'_, AppState>, secret: Secret, value: String) -> Answer<NetworkState> {
    secret
        .keep(&value)
        .and_then(|()| told_network())
        .map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn connections(state: State<'_, AppState>) -> Answer<Connections> {
    let log = files::connection_log();
    let (latest, count) =
        understudy_hub::connections(&log, MOST_CONNECTIONS).map_err(|error| state.tell(error))?;
    Ok(Connections {
        latest: latest
            .into_iter()
            .map(|connection| ConnectionTold {
                at: connection.at,
                host: connection.host,
                path: connection.path,
                why: connection.why,
                bytes: connection.bytes as f64,
                status: connection.status.map(u32::from),
            })
            .collect(),
        count: u32::try_from(count).unwrap_or(u32::MAX),
        log: log.display().to_string(),
    })
}

fn told_network() -> Result<NetworkState, EngineError> {
    let settings = NetworkSettings::read()?;
    let (network, has_token) = (settings.network()?, Secret::HubToken.read().is_some());
    Ok(NetworkState {
        other_token: network.has_token() && !has_token,
        hub: network.hub,
        mirror: MIRROR.to_owned(),
        has_token,
        has_proxy_password: Secret::ProxyPassword.read().is_some(),
        settings,
    })
}

/// The one job that copies models: into the library, out of it, or all of it.
const COPY: &str = "copy models";

fn start(app: &AppHandle, state: &AppState, kind: JobKind, id: &str, job: Job) -> Answer<String> {
    match state.jobs.start(app, id, kind, job) {
        Err(EngineError::RunActive { .. }) => Err(state.tell(HubError::Busy)),
        started => started.map(|()| id.to_owned()).map_err(|error| state.tell(error)),
    }
}
