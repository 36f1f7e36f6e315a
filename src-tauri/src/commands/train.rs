//! The training room, and the jobs of all rooms.

use std::path::PathBuf;

use tauri::{AppHandle, State};
use understudy_data::Project;
use understudy_engine::job::{Job, JobKind};
use understudy_engine::view::{CrossValidation, RunHistory, RunSummary, TrainPlan};
use understudy_engine::{EngineError, Problem, cross_validation, runs as engine};
use understudy_train::TrainSettings;
use understudy_train::presets::Preset;

use crate::state::{Answer, AppState};

#[tauri::command(async)]
#[specta::specta]
pub fn train_plan(
    state: State<'_, AppState>,
    preset: Option<Preset>,
    settings: Option<TrainSettings>,
) -> Answer<TrainPlan> {
    state.with(|session, language| session.plan_on(preset, settings, language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn start_training(app: AppHandle, state: State<'_, AppState>, settings: TrainSettings) -> Answer<String> {
    let (run, project) = state.with(|session, _| {
        let run = engine::create(&mut session.project, &settings)?;
        Ok((run, session.project.folder().to_owned()))
    })?;
    begin(&app, &state, &run, project)?;
    Ok(run)
}

#[tauri::command(async)]
#[specta::specta]
pub fn continue_training(app: AppHandle, state: State<'_, AppState>, run: String) -> Answer<()> {
    let project = state.with(|session, _| {
        engine::queue_again(&mut session.project, &run)?;
        Ok(session.project.folder().to_owned())
    })?;
    begin(&app, &state, &run, project)
}

#[tauri::command(async)]
#[specta::specta]
pub fn continue_with_half_the_rate(app: AppHandle, state: State<'_, AppState>, run: String) -> Answer<()> {
    let project = state.with(|session, _| {
        engine::halve_learning_rate(&mut session.project, &run)?;
        engine::queue_again(&mut session.project, &run)?;
        Ok(session.project.folder().to_owned())
    })?;
    begin(&app, &state, &run, project)
}

/// Starts the worker of a run that waits, in the project that it belongs to: another may have been opened meanwhile.
fn begin(app: &AppHandle, state: &AppState, run: &str, project: PathBuf) -> Answer<()> {
    let job = Job::Train {
        project: project.clone(),
        run: run.to_owned(),
    };
    let Err(error) = state.jobs.start(app, run, JobKind::Train, job) else {
        return Ok(());
    };
    let noted = Project::open(&project)
        .map_err(EngineError::from)
        .and_then(|mut project| engine::failed(&mut project, run, &Problem::from(&error)));
    noted.map_err(|error| state.tell(error))?;
    Err(state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn start_cross_validation(
    app: AppHandle,
    state: State<'_, AppState>,
    settings: TrainSettings,
    folds: u32,
) -> Answer<()> {
    let project = state.with(|session, _| {
        cross_validation::begin(&mut session.project, &settings, folds)?;
        Ok(session.project.folder().to_owned())
    })?;
    go_through_folds(&app, &state, project)
}

#[tauri::command(async)]
#[specta::specta]
pub fn continue_cross_validation(app: AppHandle, state: State<'_, AppState>) -> Answer<()> {
    state.with(|session, _| cross_validation::refuse_beside_another(&session.project))?;
    go_through_folds(&app, &state, state.folder()?)
}

fn go_through_folds(app: &AppHandle, state: &AppState, project: PathBuf) -> Answer<()> {
    let job = Job::CrossValidate { project };
    let started = state
        .jobs
        .start(app, cross_validation::JOB, JobKind::CrossValidate, job);
    started.map_err(|error| state.tell(error))
}

#[tauri::command(async)]
#[specta::specta]
pub fn cross_validation_result(state: State<'_, AppState>) -> Answer<Option<CrossValidation>> {
    state.with(|session, _| cross_validation::result(&session.project))
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
