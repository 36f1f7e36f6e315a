//! Tables: CSV and Excel.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::{ExportHead, ExportRow, RowWriter, names};
use crate::error::{DataError, Result};

/// Characters that a cell of a workbook holds.
pub(super) const CELL: usize = 32_767;

/// Rows of a sheet, the header included.
pub(super) const SHEET: u32 = 1_048_576;

fn header(head: &ExportHead) -> [&'static str; 7] {
    let label = if head.several { "labels" } else { "label" };
    ["id", "text", label, "part", "unsure", "flagged", "comment"]
}

/// The cells beside the number and the text. That none of the labels applies is another thing than no label.
fn cells(head: &ExportHead, row: &ExportRow) -> [String; 5] {
    const NONE: &str = "(none)";
    let labels = match row.labels.as_deref() {
        None => String::new(),
        Some([]) => NONE.to_owned(),
        Some(labels) => names(head, labels).collect::<Vec<&str>>().join("|"),
    };
    let part = row
        .part
        .map_or("", |part| ["train", "validation", "test"][part.index()]);
    let yes = |yes: bool| if yes { "yes" } else { "" }.to_owned();
    [
        labels,
        part.to_owned(),
        yes(row.unsure),
        yes(row.flagged),
        row.comment.clone(),
    ]
}

pub(super) struct Csv {
    path: PathBuf,
    file: csv::Writer<File>,
    head: ExportHead,
}

impl Csv {
    pub(super) fn begin(path: &Path, head: ExportHead) -> Result<Self> {
        let mut file = csv::Writer::from_writer(File::create(path).map_err(DataError::io(path))?);
        file.write_record(header(&head)).map_err(failed(path))?;
        Ok(Csv {
            path: path.to_owned(),
            file,
            head,
        })
    }
}

impl RowWriter for Csv {
    fn row(&mut self, row: &ExportRow) -> Result<bool> {
        let id = row.example.to_string();
        let others = cells(&self.head, row);
        let record = [id.as_str(), row.text.as_str()]
            .into_iter()
            .chain(others.iter().map(String::as_str));
        self.file.write_record(record).map_err(failed(&self.path))?;
        Ok(false)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.file.flush().map_err(DataError::io(&self.path))
    }
}

fn failed(path: &Path) -> impl FnOnce(csv::Error) -> DataError {
    move |error| DataError::io(path)(error.into())
}

pub(super) struct Workbook {
    path: PathBuf,
    book: rust_xlsxwriter::Workbook,
    head: ExportHead,
    rows: u32,
}

impl Workbook {
    pub(super) fn begin(path: &Path, head: ExportHead) -> Result<Self> {
        let mut book = rust_xlsxwriter::Workbook::new();
        // Rows go to a file as they come.
        let sheet = book
            .add_worksheet_with_constant_memory()
            .map_err(unusable(path))?;
        for (column, name) in header(&head).into_iter().enumerate() {
            sheet
                .write_string(0, column as u16, name)
                .map_err(unusable(path))?;
        }
        Ok(Workbook {
            path: path.to_owned(),
            book,
            head,
            rows: 0,
        })
    }
}

impl RowWriter for Workbook {
    fn row(&mut self, row: &ExportRow) -> Result<bool> {
        if self.rows + 1 >= SHEET {
            return Err(DataError::SheetFull { rows: SHEET });
        }
        self.rows += 1;
        let cut = row.text.encode_utf16().count() > CELL;
        let text: String = match cut {
            true => row.text.chars().take(CELL / 2).collect(),
            false => row.text.clone(),
        };
        let others = cells(&self.head, row).map(|cell| cell.chars().take(CELL / 2).collect::<String>());
        let sheet = self.book.worksheet_from_index(0).map_err(unusable(&self.path))?;
        sheet
            .write_number(self.rows, 0, f64::from(row.example))
            .map_err(unusable(&self.path))?;
        for (column, cell) in std::iter::once(text).chain(others).enumerate() {
            // Nothing is a formula, whatever it begins with.
            sheet
                .write_string(self.rows, column as u16 + 1, cell)
                .map_err(unusable(&self.path))?;
        }
        Ok(cut)
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.book.save(&self.path).map_err(unusable(&self.path))
    }
}

pub(super) fn unusable(path: &Path) -> impl FnOnce(rust_xlsxwriter::XlsxError) -> DataError {
    move |error| match error {
        rust_xlsxwriter::XlsxError::IoError(error) => DataError::io(path)(error),
        other => DataError::io(path)(std::io::Error::other(other.to_string())),
    }
}
