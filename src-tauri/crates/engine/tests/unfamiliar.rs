//! Texts unlike those learned from go to a person however sure the answer: what is told of the errors allowed counts them,
//! and of projects written before they were noted it says that it does not.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use support::{project, textbook};
use understudy_data::{Part, Project, StoredPrediction};
use understudy_engine::verification::{Finding, Subject, verify};
use understudy_engine::{Session, judgement, runs, training};
use understudy_train::{Control, TrainSettings};

/// A project with a trained run.
fn trained(place: &Path) -> (Session, String) {
    // No two alike, in words that the model knows.
    let row = |i: usize| {
        let (a, b) = (" a".repeat(i % 8), " b".repeat(i / 8 % 20));
        format!("{}{a}{b},{}\n", ["law court", "heart pain"][i % 2], i % 2)
    };
    let rows: String = (0..160).map(row).collect();
    let mut session = project(place, &rows, &[25, 50, 25]);
    let settings = TrainSettings {
        epochs: 6,
        batch_size: 4,
        learning_rate: 3e-3,
        ..textbook()
    };
    let run = runs::create(&mut session.project, &settings).unwrap();
    training::execute(&mut session.project, &run, &Control::default(), &mut |_| {}).unwrap();
    (session, run)
}

fn scores_are(project: &Project, run: &str) -> Finding {
    let found = verify(project, run).unwrap();
    let scores = found.checks.iter().find(|check| check.subject == Subject::Scores);
    scores.unwrap().finding
}

/// Calls every text of a part unfamiliar whose number is divisible by four.
fn call_a_quarter_unfamiliar(project: &mut Project, run: &str, part: Part) -> u32 {
    let answers = project.predictions(run, part).unwrap();
    let flagged: Vec<_> = answers
        .into_iter()
        .map(|answer| StoredPrediction {
            unfamiliar: Some(answer.example % 4 == 0),
            ..answer
        })
        .collect();
    project.save_predictions(run, part, &flagged).unwrap();
    flagged
        .iter()
        .filter(|answer| answer.unfamiliar == Some(true))
        .count() as u32
}

#[test]
fn what_is_told_of_errors_counts_texts_that_a_person_gets_anyway() {
    let place = tempfile::tempdir().unwrap();
    let (mut session, run) = trained(place.path());
    let project = &mut session.project;
    let outcome = runs::outcome(&runs::find(project, &run).unwrap()).unwrap();
    assert!(outcome.unfamiliar.is_some());
    let noted = project.predictions(&run, Part::Validation).unwrap();
    let strange = noted
        .iter()
        .filter(|answer| answer.unfamiliar == Some(true))
        .count();
    assert!(strange > 0 && noted.iter().all(|answer| answer.unfamiliar.is_some()));
    let before = judgement::judgement(project, &run).unwrap().review;
    assert!(before.unfamiliar_counted);
    assert_eq!(before.promised.withheld as usize, strange);
    assert_eq!(scores_are(project, &run), Finding::Same);

    let withheld = call_a_quarter_unfamiliar(project, &run, Part::Validation);
    assert!(withheld > 10 && withheld as usize > strange, "{withheld}");
    let all = judgement::set_review(project, &run, None).unwrap();
    let texts = noted.len() as u32;
    assert_eq!(
        (all.promised.answered, all.promised.withheld),
        (texts - withheld, withheld)
    );
    assert!((all.curve[0].coverage - f64::from(texts - withheld) / f64::from(texts)).abs() < 1e-12);
    assert_eq!(
        scores_are(project, &run),
        Finding::Same,
        "the test part is as it was"
    );
    call_a_quarter_unfamiliar(project, &run, Part::Test);
    assert_eq!(
        scores_are(project, &run),
        Finding::Changed,
        "more than were told of at the end"
    );
}

#[test]
fn a_project_written_before_unfamiliar_texts_were_noted_still_shows_its_judgement() {
    let place = tempfile::tempdir().unwrap();
    let (mut session, run) = trained(place.path());
    let withheld = call_a_quarter_unfamiliar(&mut session.project, &run, Part::Validation);
    let folder = session.project.folder().to_owned();
    let after = judgement::judgement(&session.project, &run).unwrap();
    drop(session);
    let database = rusqlite::Connection::open(folder.join("project.db")).unwrap();
    let back = "ALTER TABLE source DROP COLUMN folder; DROP TABLE part_rows; ALTER TABLE prediction DROP COLUMN unfamiliar; PRAGMA user_version = 6";
    database.execute_batch(back).unwrap();
    drop(database);

    let mut session = Session::open(&folder).unwrap();
    let found = judgement::judgement(&session.project, &run).unwrap();
    assert_eq!(found.measures, after.measures);
    assert_eq!(found.calibration, after.calibration);
    assert!(after.review.unfamiliar_counted && !found.review.unfamiliar_counted);
    assert_eq!(
        (after.review.promised.withheld, found.review.promised.withheld),
        (withheld, 0)
    );
    assert_eq!(found.review.curve[0].coverage, 1.0, "a text is like any other");
    assert_eq!(scores_are(&session.project, &run), Finding::Same);
    let again = judgement::set_review(&mut session.project, &run, None).unwrap();
    assert_eq!((again.promised.coverage, again.unfamiliar_counted), (1.0, false));
}
