//! Rows out: labelled texts in the formats of the tools that people go on with, a row at a time.

mod answers;
mod hugging_face;
mod json;
mod table;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::types::Part;

pub use answers::{AnswerWriter, RowAnswer, TableFormat, workbook_of_answers};

/// A format that labelled texts are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// Comma-separated values, several labels of a text with a bar between.
    Csv,
    /// An Excel workbook, the same columns.
    Xlsx,
    /// Label Studio's tasks with annotations (choices).
    LabelStudio,
    /// doccano's JSON lines.
    Doccano,
    /// Prodigy's JSON lines (`textcat` with `choice`).
    Prodigy,
    /// A folder that `datasets.load_dataset` opens: Parquet with features, a file a part.
    HuggingFace,
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportRow {
    /// Its id in the project.
    pub example: u32,
    /// The present text.
    pub text: String,
    /// Places of its labels in the list of names; `None` = not labelled.
    pub labels: Option<Vec<usize>>,
    /// Its part of the split.
    pub part: Option<Part>,
    /// Whoever labelled it was not sure.
    pub unsure: bool,
    /// A flag stands on it.
    pub flagged: bool,
    /// A comment; empty without.
    pub comment: String,
}

/// What all rows have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportHead {
    /// The project's name.
    pub name: String,
    /// The labels' names.
    pub labels: Vec<String>,
    /// Whether a text may carry several.
    pub several: bool,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ExportSummary {
    /// Rows written.
    pub rows: u32,
    /// Of them with labels.
    pub labelled: u32,
    /// Texts that were cut because a cell of the format holds no more.
    pub cut: u32,
}

/// Takes rows one after the other.
pub(crate) trait RowWriter {
    /// Writes a row; `true` when its text had to be cut.
    fn row(&mut self, row: &ExportRow) -> Result<bool>;

    /// Writes what comes last.
    fn finish(self: Box<Self>) -> Result<()>;
}

/// Begins to write at `path`: a file, or a new folder for [`ExportFormat::HuggingFace`].
///
/// # Errors
/// `Io`, `DiskFull`.
pub(crate) fn begin(path: &Path, format: ExportFormat, head: ExportHead) -> Result<Box<dyn RowWriter>> {
    Ok(match format {
        ExportFormat::Csv => Box::new(table::Csv::begin(path, head)?),
        ExportFormat::Xlsx => Box::new(table::Workbook::begin(path, head)?),
        ExportFormat::LabelStudio => Box::new(json::Json::begin(path, head, json::Shape::LabelStudio)?),
        ExportFormat::Doccano => Box::new(json::Json::begin(path, head, json::Shape::Doccano)?),
        ExportFormat::Prodigy => Box::new(json::Json::begin(path, head, json::Shape::Prodigy)?),
        ExportFormat::HuggingFace => Box::new(hugging_face::Folder::begin(path, head)?),
    })
}

/// The names of a row's labels.
fn names<'a>(head: &'a ExportHead, labels: &'a [usize]) -> impl Iterator<Item = &'a str> {
    labels.iter().map(|label| head.labels[*label].as_str())
}
