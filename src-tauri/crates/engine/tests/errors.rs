//! Every failure a user can meet, as they read it, in both languages.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io::{Error, ErrorKind};
use std::path::PathBuf;

use understudy_data::{ColumnRole, DataError, NotATable, SplitError};
use understudy_engine::error::WorkerEnding;
use understudy_engine::{EngineError, Language, words};
use understudy_hub::{HubError, SourceFailure};
use understudy_report::ReportError;
use understudy_train::{ModelError, TrainError};

fn path() -> PathBuf {
    "/home/ann/clauses.csv".into()
}

fn text(text: &str) -> String {
    text.to_owned()
}

fn data() -> Vec<DataError> {
    vec![
        DataError::Io {
            path: path(),
            source: Error::from(ErrorKind::NotFound),
        },
        DataError::Io {
            path: path(),
            source: Error::from(ErrorKind::PermissionDenied),
        },
        DataError::Io {
            path: path(),
            source: Error::other("device not ready"),
        },
        DataError::EmptyFile { path: path() },
        DataError::HeaderOnly {
            path: path(),
            columns: vec![text("text"), text("label")],
        },
        DataError::NotATable {
            path: path(),
            why: NotATable::Spreadsheet,
        },
        DataError::NotATable {
            path: path(),
            why: NotATable::Json,
        },
        DataError::PasswordProtected { path: path() },
        DataError::DamagedFile {
            path: path(),
            reason: text("invalid Zip archive"),
        },
        DataError::UnpacksTooLarge {
            path: path(),
            limit_bytes: 20_000_000_000,
        },
        DataError::UnknownSheet {
            path: path(),
            sheet: text("Sheet9"),
            sheets: vec![text("Sheet1"), text("Sheet2")],
        },
        DataError::NoTextFiles {
            path: path(),
            other_files: 4,
        },
        DataError::CellTooLarge {
            row: 7,
            limit_bytes: 50 << 20,
        },
        DataError::UnclosedQuote { row: 7, lines: 900 },
        DataError::UnknownEncoding {
            name: text("klingon"),
        },
        DataError::UnknownDelimiter { delimiter: text("x") },
        DataError::RolesMismatch { roles: 2, columns: 3 },
        DataError::NoTextColumn,
        DataError::EmptyText,
        DataError::UnknownProblem { id: 3 },
        DataError::TestLocked { runs: 2 },
        DataError::RepeatedRole {
            role: ColumnRole::Label,
            columns: 2,
        },
        DataError::TooManyLabels { limit: 1000 },
        DataError::NoUsableRows { problems: 12 },
        DataError::AllTextsEmpty { rows: 12 },
        DataError::Cancelled,
        DataError::FolderName { folder: path() },
        DataError::EmptyProjectName,
        DataError::FolderTaken { folder: path() },
        DataError::NotAProject { folder: path() },
        DataError::NewerVersion { found: 9, known: 1 },
        DataError::Corrupt {
            detail: text("database disk image is malformed"),
        },
        DataError::ReadOnly,
        DataError::Unreachable,
        DataError::Locked,
        DataError::DiskFull,
        DataError::UnknownExample { id: 5 },
        DataError::LabelName { limit: 200 },
        DataError::LabelExists { name: text("Term") },
        DataError::LabelInUse {
            name: text("Term"),
            rows: 3,
        },
        DataError::SheetFull { rows: 1_048_576 },
        DataError::LabelRetired { name: text("Term") },
        DataError::LabelKey { key: text("§") },
        DataError::OneLabelOnly { labels: 2 },
        DataError::SeveralLabels { rows: 3 },
        DataError::Split(SplitError::Percent {
            percent: [70, 20, 20],
        }),
        DataError::Split(SplitError::NoLabels),
        DataError::Split(SplitError::OneClass { label: text("Term") }),
        DataError::Split(SplitError::TooFewDates { days: 1 }),
        DataError::Split(SplitError::Fold { number: 6, of: 5 }),
        DataError::Split(SplitError::FoldsBesideTestFile),
        DataError::Split(SplitError::TooFewRows { rows: 2, classes: 2 }),
        DataError::NoSplit,
        DataError::RunId { id: text("..") },
    ]
}

fn hub() -> Vec<HubError> {
    let host = || text("huggingface.co");
    vec![
        HubError::UnknownModel { id: text("a/b") },
        HubError::NotInstalled {
            id: text("a/b"),
            folder: path(),
        },
        HubError::MissingFile { path: path() },
        HubError::WrongHash {
            file: text("model.safetensors"),
            expected: text("53aa"),
            found: text("0000"),
            origin: host(),
        },
        HubError::DiskFull {
            path: path(),
            needed: 183_000_000,
            free: 12_000_000,
        },
        HubError::AllSourcesFailed {
            id: text("a/b"),
            failures: vec![SourceFailure {
                source: host(),
                error: HubError::Unreachable {
                    host: host(),
                    reason: text("no route"),
                },
            }],
        },
        HubError::Unreachable {
            host: host(),
            reason: text("no route"),
        },
        HubError::Interrupted {
            host: host(),
            path: text("/m"),
            reason: text("connection reset"),
        },
        HubError::Gated {
            id: text("o/m"),
            token: false,
        },
        HubError::Gated {
            id: text("o/m"),
            token: true,
        },
        HubError::NoSuchModel {
            id: text("o/m"),
            host: text("huggingface.co"),
        },
        HubError::Offline {
            host: text("huggingface.co"),
        },
        HubError::NoWeights {
            id: text("o/m"),
            parts: false,
        },
        HubError::NoTokenizer { id: text("o/m") },
        HubError::NoModel { path: path() },
        HubError::Taken { path: path() },
        HubError::Busy,
        HubError::Refused {
            host: host(),
            path: text("/m"),
            status: 403,
            retry_after: None,
            code: text(""),
        },
        HubError::BadAnswer {
            host: host(),
            path: text("/m"),
            reason: text("not JSON"),
        },
        HubError::BadAddress {
            address: text("htp:/x"),
            reason: text("unknown scheme"),
        },
        HubError::BadArchive {
            path: path(),
            reason: text("not a zip"),
        },
        HubError::PickleOnly { path: path() },
    ]
}

fn training() -> Vec<TrainError> {
    vec![
        TrainError::Model(ModelError::UnsupportedArchitecture { found: text("gpt2") }),
        TrainError::Model(ModelError::NoDevice {
            kind: understudy_train::DeviceKind::Cuda,
            reason: text("CUDA_ERROR_NO_DEVICE"),
        }),
        TrainError::Model(ModelError::NotBuiltFor {
            kind: understudy_train::DeviceKind::Cuda,
        }),
        TrainError::Model(ModelError::DeviceMemory {
            reason: text("CUDA_ERROR_OUT_OF_MEMORY"),
        }),
        TrainError::Model(ModelError::Device {
            reason: text("CUDA_ERROR_ILLEGAL_ADDRESS"),
        }),
        TrainError::Model(ModelError::NotLowRank {
            name: text("bert.encoder.layer.0.output.dense.weight"),
        }),
        TrainError::Model(ModelError::OnnxTooLarge {
            bytes: 2_240_000_000,
            limit: 2_147_483_647,
        }),
        TrainError::Model(ModelError::MoreLayers {
            path: "/models/mine/config.json".into(),
            name: text("bert.encoder.layer.5.output.dense.weight"),
        }),
        TrainError::Model(ModelError::MissingTensor {
            name: text("pooler.dense.weight"),
        }),
        TrainError::Notes {
            path: path(),
            reason: text("windows is 0"),
        },
        TrainError::Checkpoint {
            path: path(),
            reason: text("it was written with other settings"),
        },
        TrainError::Setting {
            setting: "epochs",
            value: 0.0,
            low: 1.0,
            high: 1000.0,
        },
        TrainError::EmptyPart { part: "train" },
        TrainError::EmptyPart { part: "validation" },
        TrainError::Diverged {
            step: 12,
            loss: f64::NAN,
        },
    ]
}

fn own() -> Vec<EngineError> {
    let died = |ending| EngineError::WorkerDied { ending };
    vec![
        EngineError::LibraryGiven,
        EngineError::Report(ReportError::NoFont {
            characters: text("合同"),
        }),
        EngineError::NoKeyring {
            reason: text("no default store"),
        },
        EngineError::NoProject,
        EngineError::NothingTrained,
        EngineError::NoCrossValidation,
        EngineError::RunNotFinished { id: text("r1") },
        EngineError::NoSuchPromise {
            errors_allowed: 0.01,
            cases: 40,
        },
        EngineError::NothingToCompare {
            first: text("r1"),
            second: text("r2"),
        },
        EngineError::RunActive { id: text("r1") },
        EngineError::RunFinished { id: text("r1") },
        EngineError::SameFile { path: path() },
        EngineError::OutputFormat { path: path() },
        EngineError::OutputBusy { path: path() },
        EngineError::CannotListen {
            port: 8080,
            reason: text("address already in use"),
        },
        EngineError::SheetTooSmall {
            rows: 2_000_000,
            most: 1_048_575,
        },
        EngineError::DataChanged { id: text("r1") },
        EngineError::NoTextColumn {
            file: text("new.csv"),
            column: text("text"),
        },
        EngineError::NoReviewColumn {
            file: text("new.csv"),
        },
        EngineError::NoTestTexts { run: text("r1") },
        EngineError::NoAdapters { run: text("r1") },
        EngineError::NoSuchLabel { name: "x".into() },
        EngineError::NoScheme {
            path: path(),
            reason: text("expected value at line 1 column 1"),
        },
        EngineError::NoAnswers {
            path: path(),
            reason: text("missing field `format`"),
        },
        EngineError::Forged { path: path() },
        EngineError::NoSuchRule { name: "x".into() },
        EngineError::WorkerMissing {
            reason: text("no such file"),
        },
        died(WorkerEnding::Killed),
        died(WorkerEnding::Crashed),
        died(WorkerEnding::Closed),
    ]
}

fn all() -> Vec<EngineError> {
    let mut all: Vec<EngineError> = data().into_iter().map(EngineError::from).collect();
    all.extend(hub().into_iter().map(EngineError::from));
    all.extend(training().into_iter().map(EngineError::from));
    all.extend(own());
    all
}

#[test]
fn failures_read_as_they_were_approved() {
    let mut told = String::new();
    for error in all() {
        for language in [Language::En, Language::Zh] {
            let e = error.told(language);
            told += &format!("{} | {} | {} | {}\n", e.kind, e.what, e.why, e.next);
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn no_placeholder_is_left_and_no_kind_is_without_words() {
    for error in all() {
        for language in [Language::En, Language::Zh] {
            let e = error.told(language);
            for sentence in [&e.what, &e.why, &e.next] {
                assert!(
                    !sentence.contains('{') && !sentence.starts_with("error."),
                    "{}: {sentence}",
                    e.kind
                );
            }
        }
    }
}

#[test]
fn every_kind_in_the_catalogue_is_one_that_can_happen() {
    let happen: BTreeSet<String> = all().iter().map(|error| error.told(Language::En).kind).collect();
    let written: BTreeSet<String> = words::catalogue(Language::En)
        .keys()
        .filter_map(|key| {
            key.strip_prefix("error.")?
                .strip_suffix(".what")
                .map(str::to_owned)
        })
        .filter(|kind| !kind.starts_with("row_"))
        .collect();
    assert_eq!(happen, written);
}
