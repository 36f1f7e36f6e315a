//! What a run leaves and what is refused before there is one, on a tiny random model.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use support::{project, textbook};
use understudy_data::RunStatus;
use understudy_engine::verification::{Finding, Subject, verify};
use understudy_engine::{EngineError, Language, Session, runs, training};
use understudy_train::{Control, TrainError, TrainSettings};

/// A project whose texts are divided, and the settings of a run that takes a second.
fn prepared(place: &Path) -> (Session, TrainSettings) {
    let row = |i: usize| match i % 2 {
        0 => format!("the court ruled case {i},law\n"),
        _ => format!("heart pain of patient {i},medicine\n"),
    };
    let rows: String = (0..40).map(row).collect();
    let settings = TrainSettings {
        epochs: 2,
        ..textbook()
    };
    (project(place, &rows, &[50, 25, 25]), settings)
}

#[test]
fn settings_that_cannot_work_leave_no_run_and_a_plan_that_says_so() {
    let place = tempfile::tempdir().unwrap();
    let (mut session, settings) = prepared(place.path());
    let wrong = [
        TrainSettings {
            learning_rate: f64::NAN,
            ..settings.clone()
        },
        TrainSettings {
            windows: u32::MAX,
            ..settings.clone()
        },
        TrainSettings {
            max_length: u32::MAX,
            epochs: u32::MAX,
            ..settings.clone()
        },
    ];
    for wrong in wrong {
        let refused = runs::create(&mut session.project, &wrong);
        let is_a_setting = |error| matches!(error, EngineError::Train(TrainError::Setting { .. }));
        assert!(refused.is_err_and(is_a_setting));
        let plan = session.train_plan(None, Some(wrong), Language::En).unwrap();
        assert!(!plan.blockers.is_empty() && plan.memory_mb.is_none());
    }
    assert!(session.project.runs().unwrap().is_empty());
}

#[test]
fn a_finished_run_leaves_its_model_and_nothing_to_go_on_from() {
    let place = tempfile::tempdir().unwrap();
    let (mut session, settings) = prepared(place.path());
    let run = runs::create(&mut session.project, &settings).unwrap();
    training::execute(&mut session.project, &run, &Control::default(), &mut |_| {}).unwrap();
    let status = |session: &Session| runs::find(&session.project, &run).unwrap().status;
    assert_eq!(status(&session), RunStatus::Finished);
    let checkpoint = runs::checkpoint_folder(&session.project, &run);
    assert!(!checkpoint.exists());
    // What earlier versions left goes before the next run.
    std::fs::create_dir_all(&checkpoint).unwrap();
    std::fs::write(checkpoint.join("checkpoint.safetensors"), [0; 10]).unwrap();
    runs::create(&mut session.project, &settings).unwrap();
    assert!(!checkpoint.exists());
}

#[test]
fn notes_that_were_changed_after_a_run_are_found_but_for_what_the_user_may_decide() {
    let place = tempfile::tempdir().unwrap();
    let (mut session, settings) = prepared(place.path());
    let run = runs::create(&mut session.project, &settings).unwrap();
    training::execute(&mut session.project, &run, &Control::default(), &mut |_| {}).unwrap();
    let model = runs::model_folder(&session.project, &run);
    let finding = |session: &Session| {
        let found = verify(&session.project, &run).unwrap();
        found
            .checks
            .iter()
            .find(|check| check.subject == Subject::Model)
            .unwrap()
            .finding
    };
    assert_eq!(finding(&session), Finding::Same);
    understudy_train::note_review(&model, None).unwrap();
    assert_eq!(finding(&session), Finding::Same);
    let notes = model.join("understudy.json");
    let changed = std::fs::read_to_string(&notes)
        .unwrap()
        .replace("\"head\"", "\"head_and_tail\"");
    std::fs::write(&notes, changed).unwrap();
    assert_eq!(finding(&session), Finding::Changed);
}
