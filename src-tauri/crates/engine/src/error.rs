//! Every failure a user can meet: the facts come from the crates below, the sentences from
//! `resources/messages/engine.{en,zh}.json`.
//!
//! A failure has a `kind` (stable, for programs), and the texts `error.KIND.what`, `.why` and `.next`.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use understudy_data::{DataError, SplitError};
use understudy_hub::HubError;
use understudy_report::{Language, ReportError};
use understudy_train::TrainError;

use crate::words;

/// Shorthand for results of this crate.
pub type Result<T> = std::result::Result<T, EngineError>;

/// A failure of a use case.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Of rows and projects.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Of models and downloads.
    #[error(transparent)]
    Hub(#[from] HubError),
    /// Of learning and predicting.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// Of judging.
    #[error(transparent)]
    Eval(#[from] understudy_eval::EvalError),
    /// Of the report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A file outside of projects and models.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The environment says where the library of models is.
    #[error("UNDERSTUDY_MODELS says where the library is")]
    LibraryGiven,
    /// The system's keyring cannot keep a secret.
    #[error("the keyring: {reason}")]
    NoKeyring {
        /// What the system said.
        reason: String,
    },
    /// No project is open.
    #[error("no project is open")]
    NoProject,
    /// No sample with this id.
    #[error("no sample {id}")]
    UnknownSample {
        /// The id asked for.
        id: String,
    },
    /// The project has no finished run.
    #[error("nothing is trained in this project")]
    NothingTrained,
    /// A cross-validation is to go on, and none was begun.
    #[error("no cross-validation was begun")]
    NoCrossValidation,
    /// The run has no results yet.
    #[error("run {id} is not finished")]
    RunNotFinished {
        /// The run.
        id: String,
    },
    /// No threshold keeps the errors that low.
    #[error("no threshold allows errors of {errors_allowed} by {cases} cases")]
    NoSuchPromise {
        /// Share of the answers given that may be wrong.
        errors_allowed: f64,
        /// Cases of the validation part.
        cases: u32,
    },
    /// Two runs have no judged text in common.
    #[error("runs {first} and {second} were judged on different texts")]
    NothingToCompare {
        /// One run.
        first: String,
        /// The other.
        second: String,
    },
    /// A run is already at work.
    #[error("run {id} is at work")]
    RunActive {
        /// The run.
        id: String,
    },
    /// The run is finished: there is nothing to go on with.
    #[error("run {id} is finished")]
    RunFinished {
        /// The run.
        id: String,
    },
    /// The file to write is the file to read.
    #[error("{path} would be overwritten")]
    SameFile {
        /// The file.
        path: PathBuf,
    },
    /// The ending of the file to write asks for a format that is not written.
    #[error("{path}: no format that can be written")]
    OutputFormat {
        /// The file.
        path: PathBuf,
    },
    /// Another job writes this file.
    #[error("{path} is being written")]
    OutputBusy {
        /// The file.
        path: PathBuf,
    },
    /// A sheet does not hold the rows of the file.
    #[error("{rows} rows, a sheet holds {most}")]
    SheetTooSmall {
        /// Rows of the file.
        rows: u64,
        /// Rows that a sheet holds below its header.
        most: u64,
    },
    /// The server for other programs cannot begin.
    #[error("port {port}: {reason}")]
    CannotListen {
        /// The port asked for.
        port: u16,
        /// What the system said.
        reason: String,
    },
    /// The data have changed since the run began, so it cannot go on.
    #[error("the data have changed since run {id} began")]
    DataChanged {
        /// The run.
        id: String,
    },
    /// The file to predict has no column of texts.
    #[error("{file} has no column {column:?}")]
    NoTextColumn {
        /// The file.
        file: String,
        /// The column looked for.
        column: String,
    },
    /// A file has no column that says which rows a person should look at.
    #[error("{file} has no column \"review\"")]
    NoReviewColumn {
        /// The file.
        file: String,
    },
    /// What adapters have learned is asked of a run that had none.
    #[error("the run {run} was not trained with adapters")]
    NoAdapters {
        /// The run.
        run: String,
    },
    /// A run has no test part whose texts could be looked at.
    #[error("run {run} was judged on no test texts that have enough words")]
    NoTestTexts {
        /// The run.
        run: String,
    },
    /// No label has this name.
    #[error("no label {name:?}")]
    NoSuchLabel {
        /// As asked for.
        name: String,
    },
    /// The file holds no label scheme.
    #[error("{path} is no label scheme: {reason}")]
    NoScheme {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// The file holds nobody's answers.
    #[error("{path} holds no answers: {reason}")]
    NoAnswers {
        /// The file.
        path: PathBuf,
        /// What the reader said.
        reason: String,
    },
    /// The file of answers was changed after it was signed.
    #[error("{path}: the signature does not hold")]
    Forged {
        /// The file.
        path: PathBuf,
    },
    /// No cleaning rule has this name.
    #[error("no rule {name:?}")]
    NoSuchRule {
        /// As asked for.
        name: String,
    },
    /// The worker's program is missing or does not start.
    #[error("the worker does not start: {reason}")]
    WorkerMissing {
        /// What the system said.
        reason: String,
    },
    /// The worker ended without a last word.
    #[error("the worker ended: {ending}")]
    WorkerDied {
        /// How.
        ending: WorkerEnding,
    },
    /// A message that is none of the protocol.
    #[error("protocol: {reason}")]
    Protocol {
        /// What was wrong with it.
        reason: String,
    },
}

/// How a worker can end without saying so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum WorkerEnding {
    /// The system or somebody killed it; running out of memory looks like this too.
    #[error("killed")]
    Killed,
    /// It crashed.
    #[error("crashed")]
    Crashed,
    /// The app was closed or the machine switched off while it worked.
    #[error("closed")]
    Closed,
}

/// A failure in the user's language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct UserError {
    /// Which failure, stable over versions and languages.
    pub kind: String,
    /// What happened.
    pub what: String,
    /// Why.
    pub why: String,
    /// What to do next.
    pub next: String,
}

/// A failure in every language: what is stored with a run and sent by a worker, which do not know the window's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// In English.
    pub en: UserError,
    /// In Chinese.
    pub zh: UserError,
}

impl Problem {
    /// The failure in one language.
    pub fn told(&self, language: Language) -> &UserError {
        match language {
            Language::En => &self.en,
            Language::Zh => &self.zh,
        }
    }
}

impl From<&EngineError> for Problem {
    fn from(error: &EngineError) -> Self {
        Problem {
            en: error.told(Language::En),
            zh: error.told(Language::Zh),
        }
    }
}

/// The kind of a failure and what its texts mention.
pub(crate) type Facts = (&'static str, Vec<(&'static str, String)>);

impl EngineError {
    /// The failure in one language.
    pub fn told(&self, language: Language) -> UserError {
        let (kind, facts) = self.facts(language);
        explain(kind, &facts, language)
    }

    /// Whether the user asked for the stop, so that nothing is wrong.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            EngineError::Data(DataError::Cancelled)
                | EngineError::Hub(HubError::Cancelled)
                | EngineError::Train(TrainError::Cancelled)
        )
    }

    fn facts(&self, language: Language) -> Facts {
        match self {
            EngineError::Data(error) => data_facts(error, language),
            EngineError::Hub(error) => hub_facts(error),
            EngineError::Train(error) => train_facts(error),
            EngineError::Eval(error) => internal(error),
            EngineError::Report(ReportError::NoFont { characters }) => {
                let some: String = characters.chars().take(12).collect();
                ("no_font", vec![("characters", some)])
            }
            EngineError::Report(error) => internal(error),
            EngineError::File { path, source } => file_facts(path, source),
            EngineError::NoProject => ("no_project", vec![]),
            EngineError::NothingTrained => ("nothing_trained", vec![]),
            EngineError::NoCrossValidation => ("no_cross_validation", vec![]),
            EngineError::UnknownSample { id } => ("not_found", vec![("name", id.clone())]),
            EngineError::RunNotFinished { id } => ("run_not_finished", vec![("run", id.clone())]),
            EngineError::NoSuchPromise {
                errors_allowed,
                cases,
            } => (
                "no_such_promise",
                vec![
                    ("percent", format!("{}", (errors_allowed * 1000.0).round() / 10.0)),
                    ("cases", cases.to_string()),
                ],
            ),
            EngineError::NothingToCompare { first, second } => (
                "nothing_to_compare",
                vec![("first", first.clone()), ("second", second.clone())],
            ),
            EngineError::RunActive { id } => ("run_active", vec![("run", id.clone())]),
            EngineError::RunFinished { id } => ("run_finished", vec![("run", id.clone())]),
            EngineError::SameFile { path } => ("same_file", vec![("file", path.display().to_string())]),
            EngineError::OutputFormat { path } => ("output_format", vec![("file", name(path))]),
            EngineError::OutputBusy { path } => ("output_busy", vec![("file", name(path))]),
            EngineError::SheetTooSmall { rows, most } => (
                "sheet_too_small",
                vec![("rows", rows.to_string()), ("most", most.to_string())],
            ),
            EngineError::CannotListen { port, reason } => (
                "cannot_listen",
                vec![("port", port.to_string()), ("reason", reason.clone())],
            ),
            EngineError::DataChanged { id } => ("data_changed", vec![("run", id.clone())]),
            EngineError::NoTextColumn { file, column } => (
                "no_predict_column",
                vec![("file", file.clone()), ("column", column.clone())],
            ),
            EngineError::NoReviewColumn { file } => ("no_review_column", vec![("file", file.clone())]),
            EngineError::NoTestTexts { run } => ("no_test_texts", vec![("run", run.clone())]),
            EngineError::NoAdapters { run } => ("no_adapters", vec![("run", run.clone())]),
            EngineError::NoSuchLabel { name } => ("no_such_label", vec![("name", name.clone())]),
            EngineError::NoScheme { path, reason } => (
                "no_scheme",
                vec![("file", name(path)), ("reason", reason.clone())],
            ),
            EngineError::NoAnswers { path, reason } => (
                "no_answers",
                vec![("file", name(path)), ("reason", reason.clone())],
            ),
            EngineError::Forged { path } => ("forged", vec![("file", name(path))]),
            EngineError::NoSuchRule { name } => ("no_such_rule", vec![("name", name.clone())]),
            EngineError::WorkerMissing { reason } => ("worker_missing", vec![("reason", reason.clone())]),
            EngineError::WorkerDied { ending } => match ending {
                WorkerEnding::Killed => ("worker_killed", vec![]),
                WorkerEnding::Crashed => ("worker_crashed", vec![]),
                WorkerEnding::Closed => ("app_closed", vec![]),
            },
            EngineError::LibraryGiven => ("library_given", vec![]),
            EngineError::NoKeyring { reason } => ("no_keyring", vec![("reason", reason.clone())]),
            EngineError::Protocol { reason } => internal(reason),
        }
    }
}

/// The three sentences of a kind.
pub(crate) fn explain(kind: &str, facts: &[(&'static str, String)], language: Language) -> UserError {
    let arguments: Vec<(&str, &str)> = facts
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let text = |part: &str| words::catalogue(language).text(&format!("error.{kind}.{part}"), &arguments);
    UserError {
        kind: kind.to_owned(),
        what: text("what"),
        why: text("why"),
        next: text("next"),
    }
}

fn internal(error: &impl ToString) -> Facts {
    ("internal", vec![("detail", error.to_string())])
}

fn file_facts(path: &std::path::Path, source: &std::io::Error) -> Facts {
    use std::io::ErrorKind;
    let file = path.display().to_string();
    match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ("disk_full", vec![]),
        ErrorKind::NotFound => ("file_missing", vec![("file", file)]),
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            ("file_forbidden", vec![("file", file)])
        }
        _ => (
            "file_unusable",
            vec![("file", file), ("reason", source.to_string())],
        ),
    }
}

/// The file's name without folders.
fn name(path: &std::path::Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

fn data_facts(error: &DataError, language: Language) -> Facts {
    use understudy_data::NotATable;
    let file = |path: &PathBuf| vec![("file", name(path))];
    match error {
        DataError::Io { path, source } => file_facts(path, source),
        DataError::EmptyFile { path } => ("file_empty", file(path)),
        DataError::HeaderOnly { path, columns } => (
            "header_only",
            vec![("file", name(path)), ("columns", columns.join(", "))],
        ),
        DataError::NotATable { path, why } => {
            let kind = match why {
                NotATable::Spreadsheet => "spreadsheet",
                NotATable::Document => "document",
                NotATable::Pdf => "pdf",
                NotATable::Image => "image",
                NotATable::Archive => "archive",
                NotATable::Json => "json",
                NotATable::Binary => "binary",
            };
            let what = words::catalogue(language).text(&format!("file_kind.{kind}"), &[]);
            ("not_a_table", vec![("file", name(path)), ("found", what)])
        }
        DataError::PasswordProtected { path } => ("password_protected", file(path)),
        DataError::DamagedFile { path, reason } => (
            "damaged_file",
            vec![("file", name(path)), ("reason", reason.clone())],
        ),
        DataError::UnpacksTooLarge { path, limit_bytes } => (
            "unpacks_too_large",
            vec![
                ("file", name(path)),
                ("limit", (limit_bytes / 1_000_000_000).to_string()),
            ],
        ),
        DataError::UnknownSheet { path, sheet, sheets } => (
            "unknown_sheet",
            vec![
                ("file", name(path)),
                ("name", sheet.clone()),
                ("known", sheets.join(", ")),
            ],
        ),
        DataError::NoTextFiles { path, other_files } => (
            "no_text_files",
            vec![("file", name(path)), ("others", other_files.to_string())],
        ),
        DataError::CellTooLarge { row, limit_bytes } => (
            "cell_too_large",
            vec![
                ("row", row.to_string()),
                ("limit", (limit_bytes >> 20).to_string()),
            ],
        ),
        DataError::UnclosedQuote { row, lines } => (
            "unclosed_quote",
            vec![("row", row.to_string()), ("lines", lines.to_string())],
        ),
        DataError::UnknownEncoding { name } => ("unknown_encoding", vec![("name", name.clone())]),
        DataError::UnknownDelimiter { delimiter } => ("unknown_delimiter", vec![("name", delimiter.clone())]),
        DataError::RolesMismatch { roles, columns } => (
            "roles_mismatch",
            vec![("roles", roles.to_string()), ("columns", columns.to_string())],
        ),
        DataError::NoTextColumn => ("no_text_column", vec![]),
        DataError::UnknownProblem { .. } => ("not_found", vec![("name", error.to_string())]),
        DataError::StillAProblem { kind } => crate::words::problem_facts(kind),
        DataError::EmptyText => ("empty_text", vec![]),
        DataError::TestLocked { runs } => ("test_locked", vec![("count", runs.to_string())]),
        DataError::RepeatedRole { role, columns } => {
            let role = serde_json::to_value(role)
                .ok()
                .and_then(|v| v.as_str().map(str::to_owned))
                .unwrap_or_default();
            let role = words::catalogue(language).text(&format!("role.{role}"), &[]);
            (
                "repeated_role",
                vec![("role", role), ("found", columns.to_string())],
            )
        }
        DataError::TooManyLabels { limit } => ("too_many_labels", vec![("limit", limit.to_string())]),
        DataError::NoUsableRows { problems } => ("no_usable_rows", vec![("problems", problems.to_string())]),
        DataError::AllTextsEmpty { rows } => ("all_texts_empty", vec![("rows", rows.to_string())]),
        DataError::Cancelled => ("cancelled", vec![]),
        DataError::FolderName { folder } => ("folder_name", vec![("folder", folder.display().to_string())]),
        DataError::EmptyProjectName => ("project_name_empty", vec![]),
        DataError::FolderTaken { folder } => ("folder_taken", vec![("folder", folder.display().to_string())]),
        DataError::NotAProject { folder } => {
            ("not_a_project", vec![("folder", folder.display().to_string())])
        }
        DataError::NewerVersion { found, known } => (
            "newer_version",
            vec![("found", found.to_string()), ("known", known.to_string())],
        ),
        DataError::Corrupt { detail } => ("project_damaged", vec![("detail", detail.clone())]),
        DataError::ReadOnly => ("read_only", vec![]),
        DataError::Unreachable => ("project_unreachable", vec![]),
        DataError::Locked => ("project_locked", vec![]),
        DataError::DiskFull => ("disk_full", vec![]),
        DataError::Store(error) => internal(error),
        DataError::UnknownExample { id } => ("not_found", vec![("name", id.to_string())]),
        DataError::UnknownLabel { id } => ("not_found", vec![("name", id.to_string())]),
        DataError::UnknownStep { id } => ("not_found", vec![("name", id.to_string())]),
        DataError::UnknownRun { id } => ("not_found", vec![("name", id.clone())]),
        DataError::LabelName { limit } => ("label_name", vec![("limit", limit.to_string())]),
        DataError::LabelExists { name } => ("label_exists", vec![("name", name.clone())]),
        DataError::LabelInUse { name, rows } => (
            "label_in_use",
            vec![("name", name.clone()), ("rows", rows.to_string())],
        ),
        DataError::SheetFull { rows } => ("sheet_full", vec![("rows", rows.to_string())]),
        DataError::LabelRetired { name } => ("label_retired", vec![("name", name.clone())]),
        DataError::LabelKey { key } => ("label_key", vec![("key", key.clone())]),
        DataError::OneLabelOnly { labels } => ("one_label_only", vec![("labels", labels.to_string())]),
        DataError::SeveralLabels { rows } => ("several_labels", vec![("rows", rows.to_string())]),
        DataError::Split(SplitError::Percent { percent }) => (
            "split_percent",
            vec![("percent", percent.map(|p| p.to_string()).join(" / "))],
        ),
        DataError::Split(SplitError::NoLabels) => ("no_labels", vec![]),
        DataError::Split(SplitError::OneClass { label }) => ("one_class", vec![("label", label.clone())]),
        DataError::Split(SplitError::TooFewDates { days }) => {
            ("too_few_dates", vec![("count", days.to_string())])
        }
        DataError::Split(SplitError::Fold { number, of }) => (
            "fold",
            vec![("number", number.to_string()), ("of", of.to_string())],
        ),
        DataError::Split(SplitError::FoldsBesideTestFile) => ("folds_beside_test_file", vec![]),
        DataError::Split(SplitError::TooFewRows { rows, classes }) => (
            "too_few_rows",
            vec![("rows", rows.to_string()), ("classes", classes.to_string())],
        ),
        DataError::NoSplit => ("no_split", vec![]),
        DataError::RunId { .. } => internal(error),
    }
}

fn hub_facts(error: &HubError) -> Facts {
    let model_file = |path: &PathBuf| vec![("file", path.display().to_string())];
    match error {
        HubError::UnknownModel { id } => ("unknown_model", vec![("model", id.clone())]),
        HubError::NotInstalled { id, .. } => ("model_not_installed", vec![("model", id.clone())]),
        HubError::MissingFile { path } => ("model_file_missing", model_file(path)),
        HubError::WrongSize { file, origin, .. } | HubError::WrongHash { file, origin, .. } => (
            "wrong_hash",
            vec![("file", file.clone()), ("origin", origin.clone())],
        ),
        HubError::DiskFull { needed, free, .. } => (
            "disk_full_model",
            vec![("needed", megabytes(*needed)), ("free", megabytes(*free))],
        ),
        HubError::Cancelled => ("cancelled", vec![]),
        HubError::AllSourcesFailed { id, failures } => {
            let reasons: Vec<String> = failures
                .iter()
                .map(|failure| format!("{}: {}", failure.source, failure.error))
                .collect();
            (
                "download_failed",
                vec![("model", id.clone()), ("reasons", reasons.join("; "))],
            )
        }
        HubError::Unreachable { host, reason } => (
            "unreachable",
            vec![("host", host.clone()), ("reason", reason.clone())],
        ),
        HubError::Interrupted { host, reason, .. } => (
            "interrupted_download",
            vec![("host", host.clone()), ("reason", reason.clone())],
        ),
        HubError::Refused { host, status, .. } => (
            "refused",
            vec![("host", host.clone()), ("status", status.to_string())],
        ),
        HubError::BadAnswer { host, reason, .. } => (
            "bad_answer",
            vec![("host", host.clone()), ("reason", reason.clone())],
        ),
        HubError::NotOffered { host, file } => (
            "bad_answer",
            vec![
                ("host", host.clone()),
                ("reason", format!("{file} is not offered")),
            ],
        ),
        HubError::BadAddress { address, reason } => (
            "bad_address",
            vec![("address", address.clone()), ("reason", reason.clone())],
        ),
        HubError::BadArchive { path, reason } => (
            "model_damaged",
            vec![("file", path.display().to_string()), ("reason", reason.clone())],
        ),
        HubError::BadManifest { reason } => internal(reason),
        HubError::Gated { id, token: false } => ("gated", vec![("model", id.clone())]),
        HubError::Gated { id, token: true } => ("gated_with_token", vec![("model", id.clone())]),
        HubError::NoSuchModel { id, host } => (
            "no_such_model",
            vec![("model", id.clone()), ("host", host.clone())],
        ),
        HubError::Offline { host } => ("offline", vec![("host", host.clone())]),
        HubError::NoWeights { id, .. } => ("no_weights", vec![("model", id.clone())]),
        HubError::NoTokenizer { id } => ("no_tokenizer", vec![("model", id.clone())]),
        HubError::NoModel { path } => ("no_model", model_file(path)),
        HubError::Taken { path } => ("place_taken", model_file(path)),
        HubError::Busy => ("library_busy", vec![]),
        HubError::PickleOnly { path } => ("pickle_only", model_file(path)),
        HubError::Unreadable { path, reason } => (
            "model_damaged",
            vec![("file", path.display().to_string()), ("reason", reason.clone())],
        ),
        HubError::Truncated {
            path,
            expected,
            found,
        } => (
            "model_damaged",
            vec![
                ("file", path.display().to_string()),
                ("reason", format!("{found} / {expected} bytes")),
            ],
        ),
        HubError::Io { path, error } => file_facts(path, error),
    }
}

fn megabytes(bytes: u64) -> String {
    bytes.div_ceil(1_000_000).to_string()
}

fn train_facts(error: &TrainError) -> Facts {
    use understudy_train::ModelError;
    match error {
        TrainError::Model(ModelError::File { path, source })
            if source.kind() == std::io::ErrorKind::NotFound =>
        {
            ("model_file_missing", vec![("file", path.display().to_string())])
        }
        TrainError::Model(ModelError::File { path, source }) | TrainError::File { path, source } => {
            file_facts(path, source)
        }
        TrainError::Model(ModelError::UnsupportedArchitecture { found }) => {
            ("unsupported_architecture", vec![("found", found.clone())])
        }
        TrainError::Model(ModelError::NotLowRank { name }) => ("not_low_rank", vec![("name", name.clone())]),
        TrainError::Model(ModelError::OnnxTooLarge { bytes, limit }) => (
            "onnx_too_large",
            vec![("size", megabytes(*bytes)), ("limit", megabytes(*limit))],
        ),
        TrainError::Model(ModelError::Weights { path, reason }) => (
            "model_damaged",
            vec![("file", path.display().to_string()), ("reason", reason.clone())],
        ),
        TrainError::Model(
            error @ (ModelError::Config { .. }
            | ModelError::MissingTensor { .. }
            | ModelError::Shape { .. }
            | ModelError::NotFinite { .. }),
        ) => ("model_unfit", vec![("reason", error.to_string())]),
        TrainError::Model(ModelError::MoreLayers { path, name }) => (
            "more_layers",
            vec![("file", path.display().to_string()), ("name", name.clone())],
        ),
        TrainError::Model(ModelError::NoDevice { kind, reason }) => (
            "no_device",
            vec![
                ("device", format!("{kind:?}").to_lowercase()),
                ("reason", reason.clone()),
            ],
        ),
        TrainError::Model(ModelError::NotBuiltFor { kind }) => (
            "not_built_for_device",
            vec![("device", format!("{kind:?}").to_lowercase())],
        ),
        TrainError::Model(ModelError::DeviceMemory { reason }) => {
            ("device_memory", vec![("reason", reason.clone())])
        }
        TrainError::Model(ModelError::Device { reason }) => {
            ("device_failed", vec![("reason", reason.clone())])
        }
        TrainError::Model(error @ (ModelError::Batch { .. } | ModelError::MissingGradient { .. })) => {
            internal(error)
        }
        TrainError::Tokenizer { path, reason } => (
            "model_damaged",
            vec![("file", path.display().to_string()), ("reason", reason.clone())],
        ),
        TrainError::Notes { path, reason } => (
            "model_notes",
            vec![("file", path.display().to_string()), ("reason", reason.clone())],
        ),
        TrainError::VocabularyMismatch { .. } => ("model_unfit", vec![("reason", error.to_string())]),
        TrainError::Checkpoint { reason, .. } => ("checkpoint_unusable", vec![("reason", reason.clone())]),
        TrainError::Setting {
            setting,
            value,
            low,
            high,
        } => (
            "setting",
            vec![
                ("setting", (*setting).to_owned()),
                ("value", value.to_string()),
                ("low", low.to_string()),
                ("high", high.to_string()),
            ],
        ),
        TrainError::EmptyPart { part: "train" } => ("empty_train", vec![]),
        TrainError::EmptyPart { .. } => ("empty_validation", vec![]),
        TrainError::Diverged { step, .. } => ("diverged", vec![("step", step.to_string())]),
        TrainError::Judging(error) => internal(error),
        TrainError::Cancelled => ("cancelled", vec![]),
    }
}
