//! A file's rows as they come, for whoever only passes through: predicting a file.

use std::path::Path;

use super::preview::cell_problem;
use super::record::Record;
use super::table::{Extent, Table};
use crate::error::Result;
use crate::types::{Dialect, DialectOverrides, RowProblem};

/// An open file whose rows are read one by one, in bounded memory.
pub struct Rows {
    table: Table,
    record: Record,
}

/// A row of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileRow {
    /// One cell a column.
    Cells(Vec<String>),
    /// A row that does not fit the columns.
    Problem(RowProblem),
}

impl Rows {
    /// Opens a file.
    ///
    /// # Errors
    /// Those of [`crate::preview`].
    pub fn open(path: &Path, overrides: &DialectOverrides) -> Result<Rows> {
        let table = Table::open(path, overrides, Extent::Whole, &mut || true)?;
        Ok(Rows {
            table,
            record: Record::default(),
        })
    }

    /// Distinct display names, as many as the table has columns.
    pub fn columns(&self) -> &[String] {
        &self.table.columns
    }

    /// How the file is read.
    pub fn dialect(&self) -> &Dialect {
        &self.table.dialect
    }

    /// Bytes read so far.
    pub fn bytes_read(&self) -> u64 {
        self.table.bytes_read()
    }

    /// SHA-256 of the file as it lies on disk, once all rows were read.
    pub fn sha256(&self) -> String {
        self.table.sha256()
    }

    /// Bytes of the file.
    pub fn bytes(&self) -> u64 {
        self.table.bytes
    }
}

impl Iterator for Rows {
    type Item = Result<FileRow>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.table.next(&mut self.record) {
            Ok(false) => None,
            Err(error) => Some(Err(error)),
            Ok(true) => Some(Ok(match cell_problem(&self.record, self.table.columns.len()) {
                None => FileRow::Cells(self.record.cells().map(str::to_owned).collect()),
                Some(kind) => FileRow::Problem(RowProblem {
                    id: None,
                    row: self.record.row,
                    kind,
                    raw: self.record.raw.clone(),
                }),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_in_order_with_the_bad_ones_marked() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.csv");
        std::fs::write(&path, "text,n\n\"a, b\",1\nc\n\"d\ne\",2\n").unwrap();
        let mut rows = Rows::open(&path, &DialectOverrides::default()).unwrap();
        assert_eq!(rows.columns(), ["text", "n"]);
        let cells = |row: Option<Result<FileRow>>| row.unwrap().unwrap();
        assert_eq!(
            cells(rows.next()),
            FileRow::Cells(vec!["a, b".into(), "1".into()])
        );
        assert!(matches!(cells(rows.next()), FileRow::Problem(problem) if problem.row == 3));
        assert_eq!(
            cells(rows.next()),
            FileRow::Cells(vec!["d\ne".into(), "2".into()])
        );
        assert!(rows.next().is_none());
        assert_eq!(rows.bytes_read(), rows.bytes());
    }
}
