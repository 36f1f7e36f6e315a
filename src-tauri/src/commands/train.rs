//! The training room, and the jobs of all rooms.

use tauri::{AppHandle, State};
use understudy_engine::job::{Job, JobKind};
use understudy_engine::view::{RunHistory, RunSummary, TrainPlan};
use understudy_engine::{EngineError, runs as engine};
use understudy_train::TrainSettings;

use crate::state::{Answer, AppState};

#[tauri::command(async)]
#[specta::specta]
pub fn train_plan(state: State<'_, AppState>, settings: Option<TrainSettings>) -> Answer<TrainPlan> {
    state.with(|session, language| session.train_plan(settings, language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn start_training(app: AppHandle, state: State<'_, AppState>, settings: TrainSettings) -> Answer<String> {
    let run = state.with(|session, _| engine::create(&mut session.project, &settings))?;
    begin(&app, &state, &run)?;
    Ok(run)
}

#[tauri::command(async)]
#[specta::specta]
pub fn continue_training(app: AppHandle, state: State<'_, AppState>, run: String) -> Answer<()> {
    state.with(|session, _| engine::queue_again(&mut session.project, &run))?;
    begin(&app, &state, &run)
}

/// Starts the worker of a run that waits.
fn begin(app: &AppHandle, state: &AppState, run: &str) -> Answer<()> {
    let project = state.with(|session, _| Ok(session.project.folder().to_owned()))?;
    let job = Job::Train {
        project,
        run: run.to_owned(),
    };
    match state.jobs.start(app, run, JobKind::Train, job) {
        Ok(()) => Ok(()),
        Err(error) => {
            state.with(|session, _| engine::failed(&mut session.project, run, &error))?;
            Err(state.tell(error))
        }
    }
}

#[tauri::command(async)]
#[specta::specta]
pub fn cancel_job(state: State<'_, AppState>, job: String) {
    state.jobs.cancel(&job);
}

#[tauri::command(async)]
#[specta::specta]
pub fn runs(state: State<'_, AppState>) -> Answer<Vec<RunSummary>> {
    state.with(|session, language| session.runs(language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn run_history(state: State<'_, AppState>, run: String) -> Answer<RunHistory> {
    state.with(|session, language| -> Result<_, EngineError> {
        let record = engine::find(&session.project, &run)?;
        engine::history(&session.project, &record, language)
    })
}
