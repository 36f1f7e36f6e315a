//! A file or folder → its format → rows of cells.
//!
//! In: a path and what the user decided. Out: a `Table` that yields one record at a time, or a [`preview`]
//! of its beginning. Never touches a database, never changes a cell. Memory stays bounded whatever the file's size,
//! but for workbooks, whose formats keep all strings in one place.
//!
//! `table` opens anything and delegates to one reader a format: `text` (with `records`, `lines` and `json`),
//! `workbook`, `parquet`, `folder`. `format` tells them apart, `source` and `unpack` deal with compression.

mod decoded;
mod dialect;
mod encoding;
mod flags;
mod folder;
mod format;
mod json;
mod lines;
mod marks;
mod misfit;
mod parquet;
mod preview;
mod record;
mod records;
mod roles;
mod rows;
mod source;
mod stray;
mod table;
mod text;
mod unpack;
mod workbook;

pub(crate) use flags::{flag, parts};
pub(crate) use marks::Marks;
pub(crate) use misfit::Misfit;
pub(crate) use preview::cell_problem;
pub use preview::preview;
pub(crate) use record::Record;
pub(crate) use records::cells_of_line;
pub(crate) use roles::part_from_word;
pub use rows::{FileRow, Rows};
pub(crate) use table::{Extent, Table, file_name};
pub(crate) use unpack::UnpackError;

#[cfg(test)]
mod making;
#[cfg(test)]
mod tests;

/// The longest piece of a problem row that is kept.
pub(crate) const RAW_LIMIT: usize = 2_000;

/// Bytes of UTF-8. No text that an expert labels is that long; a cell beyond it is a quote gone astray or no text.
const CELL_LIMIT: usize = 50_000_000;
