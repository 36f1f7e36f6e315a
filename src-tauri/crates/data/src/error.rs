//! What can go wrong with rows and projects: one variant a cause, each with the facts.
//! The sentence for the user is made elsewhere, from the variant, in the user's language.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::read::UnpackError;
use crate::split::SplitError;
use crate::types::{ColumnRole, ProblemKind};

/// The crate's result.
pub type Result<T> = std::result::Result<T, DataError>;

/// Why a file cannot be read as a table of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NotATable {
    /// A spreadsheet that only its own program reads (Apple Numbers).
    Spreadsheet,
    /// A word processor's document.
    Document,
    /// A PDF.
    Pdf,
    /// A picture.
    Image,
    /// An archive of a kind that is not unpacked here (7z, tar, …), or a zip with no table in it.
    Archive,
    /// JSON without a list of objects.
    Json,
    /// Bytes that are no text in any encoding (a NUL character was met).
    Binary,
}

/// Every failure of this crate.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// The operating system refused a file or folder.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's own error.
        source: std::io::Error,
    },
    /// The file has no rows at all.
    #[error("{path}: empty file")]
    EmptyFile {
        /// The file.
        path: PathBuf,
    },
    /// The file has column names and nothing under them.
    #[error("{path}: only a header ({columns:?})")]
    HeaderOnly {
        /// The file.
        path: PathBuf,
        /// The names found.
        columns: Vec<String>,
    },
    /// The file is something other than a table of text.
    #[error("{path}: not a table ({why:?})")]
    NotATable {
        /// The file.
        path: PathBuf,
        /// What it seems to be.
        why: NotATable,
    },
    /// The file cannot be opened without its password.
    #[error("{path}: protected by a password")]
    PasswordProtected {
        /// The file.
        path: PathBuf,
    },
    /// A workbook, Parquet file or archive that is cut or broken.
    #[error("{path}: damaged ({reason})")]
    DamagedFile {
        /// The file.
        path: PathBuf,
        /// What its reader found.
        reason: String,
    },
    /// A compressed file grows beyond every sensible measure.
    #[error("{path}: unpacks to more than {limit_bytes} bytes")]
    UnpacksTooLarge {
        /// The file.
        path: PathBuf,
        /// Where unpacking was stopped.
        limit_bytes: u64,
    },
    /// The workbook, document or archive has no part of this name.
    #[error("{path}: no sheet {sheet:?}")]
    UnknownSheet {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        sheet: String,
        /// The names there are.
        sheets: Vec<String>,
    },
    /// A folder without a single text file.
    #[error("{path}: no .txt file, {other_files} others")]
    NoTextFiles {
        /// The folder.
        path: PathBuf,
        /// Its other files.
        other_files: u32,
    },
    /// One cell is larger than any text can be.
    #[error("row {row}: a cell larger than {limit_bytes} bytes")]
    CellTooLarge {
        /// Row in the file, counted from 1, the header included.
        row: u32,
        /// The limit in bytes of UTF-8.
        limit_bytes: usize,
    },
    /// A quote opened in this row is never closed and swallows the rest of the file.
    #[error("row {row}: a quote swallows {lines} lines up to the end of the file")]
    UnclosedQuote {
        /// Row in the file, counted from 1, the header included.
        row: u32,
        /// Lines swallowed.
        lines: u32,
    },
    /// The encoding asked for has no decoder.
    #[error("unknown encoding {name:?}")]
    UnknownEncoding {
        /// The name as given.
        name: String,
    },
    /// The delimiter asked for is not one character of ASCII that can stand between cells.
    #[error("unknown delimiter {delimiter:?}")]
    UnknownDelimiter {
        /// The delimiter as given.
        delimiter: String,
    },
    /// The roles do not fit the file's columns.
    #[error("{roles} roles for {columns} columns")]
    RolesMismatch {
        /// Roles given.
        roles: usize,
        /// Columns in the file.
        columns: usize,
    },
    /// At least one column must hold the text.
    #[error("no text column")]
    NoTextColumn,
    /// A model was judged on the test part: it is not drawn again without the user's word.
    #[error("{runs} runs were judged on the test part")]
    TestLocked {
        /// Finished runs that were judged on it.
        runs: u32,
    },
    /// No row that was put aside, and not mended yet, has this id.
    #[error("no row put aside has the id {id}")]
    UnknownProblem {
        /// The id.
        id: u32,
    },
    /// A row that was mended by hand cannot be taken either.
    #[error("still a problem: {kind:?}")]
    StillAProblem {
        /// What is wrong with it now.
        kind: ProblemKind,
    },
    /// A text cannot be corrected to nothing.
    #[error("an empty text")]
    EmptyText,
    /// A role that at most one column may have was given to several.
    #[error("{columns} columns with the role {role:?}")]
    RepeatedRole {
        /// The role.
        role: ColumnRole,
        /// Columns that have it.
        columns: usize,
    },
    /// The label column holds so many different values that it is no label column.
    #[error("more than {limit} different labels")]
    TooManyLabels {
        /// The largest number of labels in a project.
        limit: usize,
    },
    /// Every row was put aside.
    #[error("no usable row, {problems} put aside")]
    NoUsableRows {
        /// Rows put aside.
        problems: u32,
    },
    /// The text column is empty in every row.
    #[error("all {rows} texts are empty")]
    AllTextsEmpty {
        /// Rows read.
        rows: u32,
    },
    /// The caller stopped the work; nothing of it was kept.
    #[error("cancelled")]
    Cancelled,
    /// A project's folder must be called `NAME.understudy`.
    #[error("{folder}: a project's folder ends in .understudy")]
    FolderName {
        /// The folder as given.
        folder: PathBuf,
    },
    /// A project without a name.
    #[error("a project needs a name")]
    EmptyProjectName,
    /// The folder is taken.
    #[error("{folder}: already exists and is not empty")]
    FolderTaken {
        /// The folder as given.
        folder: PathBuf,
    },
    /// The folder is missing or holds no project.
    #[error("{folder}: not a project")]
    NotAProject {
        /// The folder as given.
        folder: PathBuf,
    },
    /// A later version of the app wrote this project.
    #[error("project format {found}, this version knows {known}")]
    NewerVersion {
        /// The project's format.
        found: u32,
        /// The newest format this version reads.
        known: u32,
    },
    /// The database or something stored in it is damaged.
    #[error("damaged project: {detail}")]
    Corrupt {
        /// What was found.
        detail: String,
    },
    /// The project lies where this user may not write.
    #[error("the project is read-only")]
    ReadOnly,
    /// The project's folder is not where it was, or its disk does not read or write any more.
    #[error("the project's folder cannot be reached")]
    Unreachable,
    /// Another process held the project for longer than the wait of five seconds.
    #[error("the project is in use by another process")]
    Locked,
    /// The disk is full; nothing of the last step was kept.
    #[error("disk full")]
    DiskFull,
    /// Any other failure of the database.
    #[error(transparent)]
    Store(rusqlite::Error),
    /// No row with this id.
    #[error("no example {id}")]
    UnknownExample {
        /// The id asked for.
        id: u32,
    },
    /// No label with this id.
    #[error("no label {id}")]
    UnknownLabel {
        /// The id asked for.
        id: u32,
    },
    /// A label without a name, or with a name too long to be one.
    #[error("a label's name has 1 to {limit} characters")]
    LabelName {
        /// The most characters a name may have.
        limit: usize,
    },
    /// Another label has this name.
    #[error("label {name:?} exists")]
    LabelExists {
        /// The name.
        name: String,
    },
    /// Rows carry this label.
    #[error("label {name:?} is carried by {rows} rows")]
    LabelInUse {
        /// The name.
        name: String,
        /// Rows that carry it, hidden ones included.
        rows: u32,
    },
    /// A workbook's sheet holds no more rows.
    #[error("a sheet holds {rows} rows")]
    SheetFull {
        /// Its rows, the header included.
        rows: u32,
    },
    /// A retired label is given to no more rows.
    #[error("label {name:?} is retired")]
    LabelRetired {
        /// The name.
        name: String,
    },
    /// A label's key is one digit or letter from a to z.
    #[error("no label can have the key {key:?}")]
    LabelKey {
        /// The key as given.
        key: String,
    },
    /// In a single-label project a row carries one label.
    #[error("{labels} labels for one row")]
    OneLabelOnly {
        /// Labels given.
        labels: usize,
    },
    /// Rows carry several labels, or none of them, so the project cannot become one with a single label a row.
    #[error("{rows} rows carry several labels or none")]
    SeveralLabels {
        /// Such rows, hidden ones included.
        rows: u32,
    },
    /// No cleaning step with this id.
    #[error("no cleaning step {id}")]
    UnknownStep {
        /// The id asked for.
        id: u32,
    },
    /// The rows cannot be divided.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The rows are not divided yet.
    #[error("no split yet")]
    NoSplit,
    /// No run with this id.
    #[error("no run {id:?}")]
    UnknownRun {
        /// The id asked for.
        id: String,
    },
    /// A run's id names its folder: letters, digits, `-` and `_` only, and not used before.
    #[error("run id {id:?} is taken or no folder name")]
    RunId {
        /// The id as given.
        id: String,
    },
}

impl DataError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> DataError {
        let path = path.to_path_buf();
        move |source| match (
            source.kind(),
            source.get_ref().and_then(|inner| inner.downcast_ref()),
        ) {
            (_, Some(UnpackError::TooLarge(limit))) => DataError::UnpacksTooLarge {
                path,
                limit_bytes: *limit,
            },
            (_, Some(UnpackError::Damaged(reason))) => DataError::DamagedFile {
                path,
                reason: reason.clone(),
            },
            (std::io::ErrorKind::StorageFull, None) => DataError::DiskFull,
            (_, None) => DataError::Io { path, source },
        }
    }
}

impl From<rusqlite::Error> for DataError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => DataError::DiskFull,
            // A file that is there and does not open, or whose journal cannot be made, is one we may not write.
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                DataError::ReadOnly
            }
            // A share or a stick that is gone while the project is open.
            Some(ErrorCode::SystemIoFailure) => DataError::Unreachable,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DataError::Locked,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => DataError::Corrupt {
                detail: error.to_string(),
            },
            _ => DataError::Store(error),
        }
    }
}

impl From<serde_json::Error> for DataError {
    /// JSON is only parsed back from the project's own database.
    fn from(error: serde_json::Error) -> Self {
        DataError::Corrupt {
            detail: error.to_string(),
        }
    }
}
