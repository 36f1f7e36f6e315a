//! A small project and the tiny random model, for the tests of whole runs.

use std::path::Path;

use understudy_data::{ColumnRole, DialectOverrides, ImportOptions, SplitWay};
use understudy_engine::{Language, Session};
use understudy_train::TrainSettings;

/// A project of these rows (`text,label`), divided in these percentages.
pub fn project(place: &Path, rows: &str, percent: &[u32]) -> Session {
    let mut session = Session::create(&place.join("p.understudy"), "p").unwrap();
    let file = place.join("rows.csv");
    std::fs::write(&file, format!("text,label\n{rows}")).unwrap();
    let options = ImportOptions {
        dialect: DialectOverrides::default(),
        roles: vec![ColumnRole::Text, ColumnRole::Label],
        label_separator: None,
    };
    session.import(&file, &options, None, &mut |_, _| true).unwrap();
    session
        .make_split(percent, 0, SplitWay::Random, Language::En)
        .unwrap();
    session
}

/// The textbook's settings for the tiny model.
pub fn textbook() -> TrainSettings {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert");
    TrainSettings {
        max_length: 24,
        ..TrainSettings::textbook(&tiny.canonicalize().unwrap().display().to_string())
    }
}
