//! A file's bytes → encoding → dialect → rows of cells.
//!
//! In: a path and what the user decided. Out: a `Table` that yields one record at a time, or a [`preview`]
//! of its beginning. Never loads a whole file, never touches a database, never changes a cell.

mod dialect;
mod encoding;
mod flags;
mod preview;
mod records;
mod roles;
mod rows;
mod table;

pub(crate) use flags::{flag, parts};
pub(crate) use preview::cell_problem;
pub use preview::preview;
pub(crate) use records::Record;
pub(crate) use roles::part_from_word;
pub use rows::{FileRow, Rows};
pub(crate) use table::{Extent, Table};

/// The longest piece of a problem row that is kept.
pub(crate) const RAW_LIMIT: usize = 2_000;
