//! Rows in: readers, cleaning, duplicates, splits, and the project store.
//!
//! - `read`: a file's bytes → encoding → dialect → rows of cells. Bounded memory, no database.
//! - [`split`]: a pure function from labelled rows to train, validation and test.
//! - `store`: the project folder and its SQLite database; the only code that knows its layout.
//!
//! This crate never sees a tensor, a window or the network, and it never writes a sentence for the user:
//! what went wrong is a [`DataError`], what is odd is a [`ProblemKind`] or a [`SplitNote`], all with the facts.

mod clean;
mod date;
mod error;
mod near;
mod read;
pub mod split;
mod store;
mod text;
mod types;
mod write;

pub use clean::{Pipeline, language};
pub use error::{DataError, NotATable, Result};
pub use read::{FileRow, Rows, preview};
pub use split::{SplitError, SplitNote, SplitWay, Wanted};
pub use store::{
    AuditReport, BreakKind, BrokenEntry, ImportedBefore, LabelledRow, LongWrite, Project, RowOrigin,
    RunRecord, StoredPrediction, TextHash, VectorFile, WhichWrong, WrongRow,
};
pub use text::{hex, joined_text, unhex};
pub use types::*;
pub use write::{AnswerWriter, ExportFormat, ExportSummary, RowAnswer, TableFormat, workbook_of_answers};
