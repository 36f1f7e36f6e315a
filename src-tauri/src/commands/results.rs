//! The results room.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use tauri::{AppHandle, State};
use tauri_plugin_opener::OpenerExt;
use understudy_engine::explanation::{self, Examination, Examined};
use understudy_engine::export::{ModelExported, ModelFormat, export_model as export_model_as};
use understudy_engine::job::{Job, JobKind};
use understudy_engine::judgement::{self, RankingCurves, ReviewState, RunComparison, RunJudgement};
use understudy_engine::report::ReportFormat;
use understudy_engine::session::file_name;
use understudy_engine::verification::{self, Verification};
use understudy_engine::view::{GroupBy, RunResults, WrongFilter, WrongGroup, WrongPage};
use understudy_engine::{EngineError, report, results, wrong};

use crate::state::{Answer, AppState, Group};
use crate::work::{WorkKind, long};

#[tauri::command(async)]
#[specta::specta]
pub fn run_results(state: State<'_, AppState>, run: String) -> Answer<RunResults> {
    state.with(|session, language| results::results(&session.project, &run, language))
}

#[tauri::command(async)]
#[specta::specta]
pub fn run_judgement(state: State<'_, AppState>, run: String) -> Answer<RunJudgement> {
    state.with_copy(|project, _| judgement::judgement(project, &run))
}

#[tauri::command(async)]
#[specta::specta]
pub fn class_curves(state: State<'_, AppState>, run: String, label: String) -> Answer<Option<RankingCurves>> {
    state.with_copy(|project, _| judgement::class_curves(project, &run, &label))
}

#[tauri::command(async)]
#[specta::specta]
pub fn compare_runs(state: State<'_, AppState>, first: String, second: String) -> Answer<RunComparison> {
    state.with_copy(|project, _| judgement::compare_runs(project, &first, &second))
}

#[tauri::command(async)]
#[specta::specta]
pub fn verify_run(state: State<'_, AppState>, run: String) -> Answer<Verification> {
    state.with_copy(|project, _| verification::verify(project, &run))
}

/// What was found when the run's answers were last explained.
#[tauri::command(async)]
#[specta::specta]
pub fn examined_answers(state: State<'_, AppState>, run: String) -> Answer<Option<Examined>> {
    state.with_copy(|project, _| explanation::examined(project, &run))
}

/// Explains the run's answers to its test part, at most so many of them; the answer is the job's id.
#[tauri::command(async)]
#[specta::specta]
pub fn examine_answers(app: AppHandle, state: State<'_, AppState>, run: String, most: u32) -> Answer<String> {
    let id = format!("examine-{run}");
    let job = Job::ExamineAnswers {
        project: state.folder()?,
        run,
        how: Examination {
            most,
            ..Examination::default()
        },
    };
    match state.jobs.start(&app, &id, JobKind::ExamineAnswers, job) {
        // Asked twice, it is done once.
        Ok(()) | Err(EngineError::RunActive { .. }) => Ok(id),
        Err(error) => Err(state.tell(error)),
    }
}

#[tauri::command(async)]
#[specta::specta]
pub fn set_review(
    state: State<'_, AppState>,
    run: String,
    errors_allowed: Option<f64>,
) -> Answer<ReviewState> {
    let found = state.with(|session, _| judgement::set_review(&mut session.project, &run, errors_allowed))?;
    // The warm worker has read the model by the rule before.
    state
        .answerer
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    Ok(found)
}

#[tauri::command(async)]
#[specta::specta]
pub fn wrong_answers(
    state: State<'_, AppState>,
    run: String,
    filter: WrongFilter,
    offset: u32,
    limit: u32,
) -> Answer<WrongPage> {
    let group = match &filter.group {
        None => None,
        Some((by, value)) => Some(members(&state, &run, *by, value)?),
    };
    let only = group.as_ref().map(|rows| rows.as_slice());
    state.with_copy(|project, _| wrong::page(project, &run, &filter, only, offset, limit))
}

/// The rows of a group, found once for all pages of its wrong answers.
fn members(state: &AppState, run: &str, by: GroupBy, value: &str) -> Answer<Arc<Vec<u32>>> {
    let of = Group {
        project: state.folder()?,
        run: run.to_owned(),
        by,
        value: value.to_owned(),
    };
    let mut known = state.group.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((group, rows)) = known.as_ref()
        && *group == of
    {
        return Ok(rows.clone());
    }
    let rows = state.with_copy(|project, _| wrong::members(project, run, by, value))?;
    let rows = Arc::new(rows);
    *known = Some((of, rows.clone()));
    Ok(rows)
}

#[tauri::command(async)]
#[specta::specta]
pub fn wrong_groups(state: State<'_, AppState>, run: String, by: GroupBy) -> Answer<Vec<WrongGroup>> {
    state.with_copy(|project, _| wrong::groups(project, &run, by))
}

#[tauri::command(async)]
#[specta::specta]
pub fn write_report(state: State<'_, AppState>, run: String) -> Answer<String> {
    Ok(written(&state, &run)?.display().to_string())
}

#[tauri::command(async)]
#[specta::specta]
pub fn save_report(state: State<'_, AppState>, run: String, format: ReportFormat) -> Answer<Option<String>> {
    let name = state.with(|session, _| Ok(session.project.name().to_owned()))?;
    let Some(target) = state.picker.save(&format!("{name}.{}", format.ending())) else {
        return Ok(None);
    };
    // Whoever gives the file another ending gets what that says.
    state.with(|session, language| report::write_to(&mut session.project, &run, language, &target))?;
    Ok(Some(target.display().to_string()))
}

#[tauri::command(async)]
#[specta::specta]
pub fn open_report(app: AppHandle, state: State<'_, AppState>, run: String) -> Answer<()> {
    let report = written(&state, &run)?;
    let opened = app.opener().open_path(report.display().to_string(), None::<&str>);
    opened.map_err(|error| {
        state.tell(EngineError::File {
            path: report,
            source: std::io::Error::other(error),
        })
    })
}

#[tauri::command(async)]
#[specta::specta]
pub fn export_model(
    app: AppHandle,
    state: State<'_, AppState>,
    run: String,
    format: ModelFormat,
) -> Answer<Option<ModelExported>> {
    let name = state.with(|session, _| Ok(format!("{} {run}", file_name(session.project.name()))))?;
    let target = match format {
        ModelFormat::Folder => state.picker.folder().map(|folder| folder.join(name)),
        ModelFormat::Onnx => state
            .picker
            .folder()
            .map(|folder| folder.join(format!("{name} onnx"))),
        ModelFormat::Adapter => state
            .picker
            .folder()
            .map(|folder| folder.join(format!("{name} adapter"))),
        ModelFormat::Zip => state.picker.save(&format!("{name}.zip")),
    };
    let Some(target) = target else {
        return Ok(None);
    };
    let language = state.language();
    // The dialog has asked whether a file may go.
    let done = long(&app, &state, WorkKind::Export, |session, go_on| {
        export_model_as(session, &run, &target, format, true, language, go_on)
    })?;
    Ok(Some(done))
}

fn written(state: &AppState, run: &str) -> Answer<PathBuf> {
    state.with(|session, language| report::write(&mut session.project, run, language))
}
