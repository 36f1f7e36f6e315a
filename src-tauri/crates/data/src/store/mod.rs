//! The project: a folder `NAME.understudy` with `project.db` (SQLite) and `runs/ID/`.
//!
//! In: files, labels, decisions. Out: pages, summaries, rows to learn from. Raw rows are never changed; labels and
//! the audit log only grow. Several processes may have one project open: readers never wait (but for the first
//! import of a large file, when there is nothing to read yet), writers take turns (immediate transactions, five seconds of
//! patience), and what a call returned is on disk.

mod assist;
mod audit;
mod cleaning;
mod export;
mod import;
mod label_sets;
mod labels;
mod marks;
mod near;
mod part_rows;
mod people;
mod predictions;
mod project;
mod rows;
mod runs;
mod search;
mod spellings;
mod splits;
mod sql;
mod summary;
#[cfg(test)]
mod testing;
mod texts;
mod vectors;

pub use assist::LabelledRow;
pub use audit::{AuditReport, BreakKind, BrokenEntry};
pub use import::ImportedBefore;
pub use predictions::{RowOrigin, StoredPrediction, WhichWrong, WrongRow};
pub use project::{LongWrite, Project};
pub use runs::RunRecord;
pub use vectors::{TextHash, VectorFile};

/// Bytes beyond which a text's beginning is stored apart: a longer one lies on pages of its own, which a list of rows
/// should not have to read.
pub(crate) const LONG_TEXT: usize = 3_000;

/// Characters of a text in a page.
pub(crate) const HEAD_CHARS: usize = 300;
