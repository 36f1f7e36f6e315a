//! What the reader of OpenDocument workbooks does not tell: whether the workbook is whole, and which cells are merged.

use std::io::{BufReader, Seek};
use std::path::Path;

use calamine::Dimensions;
use quick_xml::events::{BytesStart, Event};

use super::damaged;
use super::sheet::Workbook;
use crate::error::{DataError, Result};

/// Sheets have no more rows than this; a repetition beyond it is one to the sheet's end.
const MOST_ROWS: u32 = 1_048_576;

/// Goes through the workbook, which must be well-formed: its reader looks for the end of a table beyond the end of a file.
/// Tells the merged cells of each table, in the order of the tables.
///
/// # Errors
/// `PasswordProtected`, `DamagedFile`, `Io`.
pub(super) fn check(path: &Path, file: &mut Workbook) -> Result<Vec<Vec<Dimensions>>> {
    let mut archive = zip::ZipArchive::new(&mut *file).map_err(|error| damaged(path, &error.to_string()))?;
    let content = archive.by_name("content.xml").map_err(|error| match error {
        zip::result::ZipError::UnsupportedArchive(zip::result::ZipError::PASSWORD_REQUIRED) => {
            DataError::PasswordProtected {
                path: path.to_path_buf(),
            }
        }
        other => damaged(path, &other.to_string()),
    })?;
    let mut xml = quick_xml::Reader::from_reader(BufReader::new(content));
    let mut buffer = Vec::new();
    let mut depth = 0_u32;
    let mut tables = Tables::default();
    loop {
        buffer.clear();
        match xml.read_event_into(&mut buffer) {
            Ok(Event::Start(element)) => {
                depth += 1;
                tables.begin(&element);
            }
            Ok(Event::Empty(element)) => {
                tables.begin(&element);
                tables.end(element.name().as_ref());
            }
            Ok(Event::End(element)) => {
                depth = depth.saturating_sub(1);
                tables.end(element.name().as_ref());
            }
            Ok(Event::Eof) if depth > 0 => return Err(damaged(path, "content.xml is cut")),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            // An encrypted part is no XML, and whether it is encrypted is told elsewhere.
            Err(_) if depth == 0 => break,
            Err(error) => return Err(damaged(path, &error.to_string())),
        }
    }
    drop(xml);
    drop(archive);
    file.rewind().map_err(DataError::io(path))?;
    Ok(tables.merged)
}

/// Where one is while going through the tables.
#[derive(Default)]
struct Tables {
    merged: Vec<Vec<Dimensions>>,
    /// The row and the column that come next, and how often the row at hand is repeated.
    row: u32,
    column: u32,
    repeated: u32,
    /// Tables begun and not ended: one within a cell of another is no sheet.
    nested: u32,
}

impl Tables {
    fn begin(&mut self, element: &BytesStart<'_>) {
        match element.name().as_ref() {
            "table:table" => {
                self.nested += 1;
                if self.nested == 1 {
                    self.merged.push(Vec::new());
                    self.row = 0;
                }
            }
            _ if self.nested != 1 => {}
            "table:table-row" => {
                self.column = 0;
                self.repeated = count(element, "table:number-rows-repeated");
            }
            "table:table-cell" | "table:covered-table-cell" => {
                let rows = count(element, "table:number-rows-spanned");
                if rows > 1 {
                    let columns = count(element, "table:number-columns-spanned");
                    let end = (
                        self.row.saturating_add(rows - 1),
                        self.column.saturating_add(columns - 1),
                    );
                    if let Some(merged) = self.merged.last_mut() {
                        merged.push(Dimensions::new((self.row, self.column), end));
                    }
                }
                let repeated = count(element, "table:number-columns-repeated");
                self.column = self.column.saturating_add(repeated);
            }
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "table:table" => self.nested = self.nested.saturating_sub(1),
            "table:table-row" if self.nested == 1 => {
                self.row = self.row.saturating_add(self.repeated).min(MOST_ROWS);
            }
            _ => {}
        }
    }
}

/// A number that an attribute tells; 1 where it tells none.
fn count(element: &BytesStart<'_>, attribute: &str) -> u32 {
    let found = element.try_get_attribute(attribute).ok().flatten();
    let number = found.and_then(|found| found.value.parse().ok());
    number.unwrap_or(1).max(1)
}
