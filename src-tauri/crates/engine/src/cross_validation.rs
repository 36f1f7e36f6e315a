//! Cross-validation: one training a fold, so that every labelled row is judged once, by a model that never saw it.
//!
//! In: settings and a number of folds. Out: finished runs, and what they say together. Where it stands is kept in the
//! project, so that it goes on after a stop or a power cut with the folds that are left. While it goes on the rows are
//! divided by folds; afterwards, however it ends, the division that was there before is back.

use serde::{Deserialize, Serialize};
use understudy_data::{DataError, Project, RunStatus, SplitWay, Wanted};
use understudy_eval::{Scores, mean_score};
use understudy_train::{Control, DeviceKind, TrainSettings};

use crate::error::{EngineError, Result, WorkerEnding};
use crate::files;
use crate::job::Event;
use crate::runs;
use crate::training;
use crate::view::{CrossValidation, FoldScore};

/// The id of the job; there is one at a time in a project.
pub const JOB: &str = "cross-validation";

/// The setting that says where it stands.
const KEY: &str = "cross_validation";

/// Where it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct State {
    folds: u32,
    settings: serde_json::Value,
    percent: [u32; 3],
    /// The version of the split that was there before.
    back_to: u32,
    /// Whether the rows are divided by folds now.
    away: bool,
    /// The draw of the folds, once there is one.
    draw: Option<u32>,
    /// One run a fold, as far as they were begun.
    runs: Vec<String>,
}

impl State {
    fn read(project: &Project) -> Result<Option<State>> {
        let stored = project.setting(KEY)?;
        let state = stored.map(|json| serde_json::from_str(&json));
        state.transpose().map_err(|error| EngineError::Protocol {
            reason: error.to_string(),
        })
    }

    fn keep(&self, project: &mut Project) -> Result<()> {
        let json = runs::to_value(self)?.to_string();
        Ok(project.set_setting(KEY, &json)?)
    }

    fn settings(&self) -> Result<TrainSettings> {
        let settings = TrainSettings::from_stored(self.settings.clone());
        settings.map_err(|error| EngineError::Protocol {
            reason: error.to_string(),
        })
    }

    fn wanted(&self, number: u32, seed: u32) -> Wanted {
        Wanted {
            percent: self.percent,
            seed,
            way: SplitWay::Fold {
                number,
                of: self.folds,
            },
        }
    }
}

/// Where the cross-validation that was begun computes.
///
/// # Errors
/// [`EngineError::Protocol`], and those of the database.
pub fn device(project: &Project) -> Result<DeviceKind> {
    let state = State::read(project)?;
    let settings = state.map(|state| state.settings()).transpose()?;
    Ok(settings.map_or(DeviceKind::Cpu, |settings| settings.device))
}

/// Notes that a cross-validation is to be made; [`carry_on`] makes it. It takes the place of an earlier one, whose runs stay.
///
/// # Errors
/// [`EngineError::RunActive`], `NoSplit`, and those of the database.
pub fn begin(project: &mut Project, settings: &TrainSettings, folds: u32) -> Result<()> {
    recover(project)?;
    refuse_beside_another(project)?;
    let split = project.split_at_a_glance()?.ok_or(DataError::NoSplit)?;
    let state = State {
        folds,
        settings: runs::to_value(settings)?,
        percent: <[u32; 3]>::try_from(split.percent).map_err(|percent| EngineError::Protocol {
            reason: format!("{} percentages", percent.len()),
        })?,
        back_to: split.version,
        away: false,
        draw: None,
        runs: Vec::new(),
    };
    state.keep(project)
}

/// Refuses where a run is at work.
///
/// # Errors
/// [`EngineError::RunActive`], and those of the database.
pub fn refuse_beside_another(project: &Project) -> Result<()> {
    match project
        .runs()?
        .into_iter()
        .find(|run| runs::is_active(run.status))
    {
        Some(active) => Err(EngineError::RunActive { id: active.id }),
        None => Ok(()),
    }
}

/// Refuses while the rows are divided by folds: what is divided meanwhile would be given up at the end.
///
/// # Errors
/// [`EngineError::RunActive`], and those of the database.
pub fn refuse_while_away(project: &Project) -> Result<()> {
    match State::read(project)?.is_some_and(|state| state.away) {
        true => Err(EngineError::RunActive { id: JOB.to_owned() }),
        false => Ok(()),
    }
}

/// Trains the folds that are left.
///
/// # Errors
/// Whatever stopped it; the fold's run says so, too.
pub fn carry_on(project: &mut Project, control: &Control, emit: &mut dyn FnMut(Event)) -> Result<()> {
    let _held = hold(project)?;
    let Some(mut state) = State::read(project)? else {
        return Err(EngineError::NoCrossValidation);
    };
    if !state.away {
        // Somebody may have divided the rows since it was stopped.
        state.back_to = project.split_at_a_glance()?.ok_or(DataError::NoSplit)?.version;
        state.away = true;
        state.keep(project)?;
    }
    let result = go_through(project, &mut state, control, emit);
    let back = give_back(project);
    result.and(back)
}

fn go_through(
    project: &mut Project,
    state: &mut State,
    control: &Control,
    emit: &mut dyn FnMut(Event),
) -> Result<()> {
    for number in 1..=state.folds {
        let begun = state.runs.get(number as usize - 1).cloned();
        if let Some(id) = begun {
            if runs::find(project, &id)?.status == RunStatus::Finished {
                continue;
            }
            match go_on(project, state, number, &id, control, emit) {
                // Labels were given since: the fold begins again.
                Err(EngineError::DataChanged { .. }) => {
                    state.runs.truncate(number as usize - 1);
                }
                ended => {
                    ended?;
                    continue;
                }
            }
        }
        control.check().map_err(EngineError::from)?;
        let settings = state.settings()?;
        let draw = project.draw_fold(state.wanted(number, settings.seed), state.draw)?;
        let id = runs::create(project, &settings)?;
        state.draw = Some(draw);
        state.runs.push(id.clone());
        state.keep(project)?;
        train(project, state, number, &id, control, emit)?;
    }
    Ok(())
}

/// Goes on with a fold's run that was stopped, on the rows that it was begun with.
fn go_on(
    project: &mut Project,
    state: &State,
    number: u32,
    id: &str,
    control: &Control,
    emit: &mut dyn FnMut(Event),
) -> Result<()> {
    if let Some(version) = runs::find(project, id)?.split_version {
        project.return_to_split(version)?;
    }
    runs::queue_again(project, id)?;
    train(project, state, number, id, control, emit)
}

fn train(
    project: &mut Project,
    state: &State,
    number: u32,
    id: &str,
    control: &Control,
    emit: &mut dyn FnMut(Event),
) -> Result<()> {
    emit(Event::Fold {
        number,
        of: state.folds,
        run: id.to_owned(),
    });
    training::execute(project, id, control, emit)
}

/// Holds the cross-validation for this process, as a run is held.
fn hold(project: &Project) -> Result<std::fs::File> {
    project.check_reachable()?;
    let folder = project.run_folder(JOB);
    std::fs::create_dir_all(&folder).map_err(files::failed(&folder))?;
    runs::lock(&folder, JOB)
}

/// Brings the division back that was there before.
fn give_back(project: &mut Project) -> Result<()> {
    let Some(mut state) = State::read(project)? else {
        return Ok(());
    };
    if state.away {
        project.return_to_split(state.back_to)?;
        state.away = false;
        state.keep(project)?;
    }
    Ok(())
}

/// Brings the division back that a cross-validation left, which nobody works on any more.
///
/// # Errors
/// Those of the database.
pub fn recover(project: &mut Project) -> Result<()> {
    let away = State::read(project)?.is_some_and(|state| state.away);
    if away && let Ok(_held) = hold(project) {
        runs::recover(project)?;
        give_back(project)?;
    }
    Ok(())
}

/// Writes down that its worker is gone.
///
/// # Errors
/// Those of the database.
pub fn interrupted(project: &mut Project, ending: WorkerEnding) -> Result<()> {
    if let Some(run) = current_run(project)? {
        runs::interrupted(project, &run, ending)?;
    }
    recover(project)
}

/// The run of the fold that was begun last.
///
/// # Errors
/// Those of the database.
pub fn current_run(project: &Project) -> Result<Option<String>> {
    Ok(State::read(project)?.and_then(|state| state.runs.last().cloned()))
}

/// What the finished folds of the latest cross-validation say together; `None` where there was none.
///
/// # Errors
/// Those of the database.
pub fn result(project: &Project) -> Result<Option<CrossValidation>> {
    let Some(state) = State::read(project)? else {
        return Ok(None);
    };
    let mut scores = Vec::new();
    for (number, id) in (1..).zip(&state.runs) {
        let run = runs::find(project, id)?;
        if run.status != RunStatus::Finished {
            continue;
        }
        if let Some(test) = runs::outcome(&run)?.test {
            scores.push(FoldScore {
                number,
                run: id.clone(),
                rows: test.examples,
                accuracy: test.accuracy,
                macro_f1: test.macro_f1,
                micro_f1: several(&test).then_some(test.micro_f1),
            });
        }
    }
    let mean = |score: &dyn Fn(&FoldScore) -> f64| {
        let values: Vec<f64> = scores.iter().map(score).collect();
        mean_score(&values)
    };
    let micro_f1: Vec<f64> = scores.iter().filter_map(|fold| fold.micro_f1).collect();
    Ok(Some(CrossValidation {
        folds: state.folds,
        accuracy: mean(&|fold| fold.accuracy),
        macro_f1: mean(&|fold| fold.macro_f1),
        micro_f1: mean_score(&micro_f1),
        scores,
    }))
}

fn several(test: &Scores) -> bool {
    test.multi_label.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Session;
    use std::path::Path;
    use understudy_data::{ColumnRole, DialectOverrides, ImportOptions, Part};
    use understudy_report::Language;

    fn project(place: &Path) -> Session {
        let mut session = Session::create(&place.join("p.understudy"), "p").unwrap();
        let rows: String = (0..24)
            .map(|i| {
                format!(
                    "{} {},{}\n",
                    ["law court", "heart pain"][i % 2],
                    ["a", "b", "c"][i % 3].repeat(i + 1),
                    i % 2
                )
            })
            .collect();
        let file = place.join("rows.csv");
        std::fs::write(&file, format!("text,label\n{rows}")).unwrap();
        let options = ImportOptions {
            dialect: DialectOverrides::default(),
            roles: vec![ColumnRole::Text, ColumnRole::Label],
            label_separator: None,
        };
        session.import(&file, &options, None, &mut |_, _| true).unwrap();
        session
            .make_split(&[50, 25, 25], 0, SplitWay::Random, Language::En)
            .unwrap();
        session
    }

    fn settings() -> TrainSettings {
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert");
        TrainSettings {
            epochs: 1,
            batch_size: 4,
            max_length: 24,
            ..TrainSettings::textbook(&tiny.canonicalize().unwrap().display().to_string())
        }
    }

    fn tested(session: &Session) -> Vec<u32> {
        let rows = session.project.labelled(Part::Test).unwrap();
        rows.iter().map(|row| row.example).collect()
    }

    #[test]
    fn every_row_is_judged_once_also_when_it_is_stopped_between_and_the_division_comes_back() {
        let place = tempfile::tempdir().unwrap();
        let mut session = project(place.path());
        let before = tested(&session);
        begin(&mut session.project, &settings(), 3).unwrap();
        let control = Control::default();
        let folder = session.project.folder().to_owned();
        let mut divided = Vec::new();
        let stopped = carry_on(&mut session.project, &control, &mut |event| {
            if let Event::Fold { number: 2, .. } = event {
                // As the window would, beside the worker.
                let mut window = Session::open(&folder).unwrap();
                divided.push(window.make_split(&[50, 25, 25], 9, SplitWay::Random, Language::En));
                control.cancel();
            }
        });
        assert!(
            matches!(divided[..], [Err(EngineError::RunActive { .. })]),
            "{divided:?}"
        );
        assert!(stopped.unwrap_err().is_cancelled());
        assert_eq!(tested(&session), before, "the division is back");
        let found = result(&session.project).unwrap().unwrap();
        assert_eq!((found.folds, found.scores.len(), found.accuracy), (3, 1, None));
        let first = found.scores[0].run.clone();

        let mut begun = Vec::new();
        carry_on(&mut session.project, &Control::default(), &mut |event| {
            if let Event::Fold { number, .. } = event {
                begun.push(number);
            }
        })
        .unwrap();
        assert_eq!(begun, [2, 3], "what is done is not done again");
        assert_eq!(tested(&session), before);
        let found = result(&session.project).unwrap().unwrap();
        assert_eq!(found.scores[0].run, first);
        assert_eq!(found.scores.iter().map(|fold| fold.rows).sum::<u32>(), 24);
        assert!(found.accuracy.is_some() && found.micro_f1.is_none());
    }

    #[test]
    fn after_a_power_cut_the_division_comes_back_and_the_fold_goes_on() {
        let place = tempfile::tempdir().unwrap();
        let mut session = project(place.path());
        let before = tested(&session);
        begin(&mut session.project, &settings(), 2).unwrap();
        let mut state = State::read(&session.project).unwrap().unwrap();
        state.draw = Some(session.project.draw_fold(state.wanted(1, 0), None).unwrap());
        state.away = true;
        state.runs = vec![runs::create(&mut session.project, &settings()).unwrap()];
        state.keep(&mut session.project).unwrap();
        assert_ne!(tested(&session), before);
        let folder = session.project.folder().to_owned();
        drop(session);

        let mut session = Session::open(&folder).unwrap();
        assert_eq!(tested(&session), before);
        let run = runs::find(&session.project, &state.runs[0]).unwrap();
        assert_eq!(run.status, RunStatus::Interrupted);
        carry_on(&mut session.project, &Control::default(), &mut |_| {}).unwrap();
        let found = result(&session.project).unwrap().unwrap();
        assert_eq!(found.scores[0].run, state.runs[0]);
        assert_eq!(found.scores.len(), 2);
    }

    #[test]
    fn labels_given_meanwhile_begin_the_stopped_fold_again() {
        let place = tempfile::tempdir().unwrap();
        let mut session = project(place.path());
        begin(&mut session.project, &settings(), 2).unwrap();
        let control = Control::default();
        let stopped = carry_on(&mut session.project, &control, &mut |event| {
            if let Event::Step { .. } = event {
                control.cancel();
            }
        });
        assert!(stopped.unwrap_err().is_cancelled());
        session.project.annotate(1, Some(&[2]), "person").unwrap();
        carry_on(&mut session.project, &Control::default(), &mut |_| {}).unwrap();
        let found = result(&session.project).unwrap().unwrap();
        assert_eq!(found.scores.iter().map(|fold| fold.rows).sum::<u32>(), 24);
        assert_eq!(session.project.runs().unwrap().len(), 3);
    }
}
