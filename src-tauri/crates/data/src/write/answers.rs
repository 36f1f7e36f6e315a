//! A file's rows with a model's answers, as bytes: what a long job appends to and cuts back to a length it has noted.
//!
//! A workbook cannot be appended to. Its rows are kept as CSV until all are there; [`workbook_of_answers`] then turns
//! them into a sheet, a row at a time.

use std::path::Path;

use rust_xlsxwriter::{Workbook, Worksheet};
use serde_json::Value;

use super::table::{CELL, SHEET, unusable};
use crate::error::{DataError, Result};

/// A table's format by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// An Excel workbook.
    Xlsx,
    /// JSON Lines, an object a row.
    Jsonl,
}

impl TableFormat {
    /// The format that `path` asks for by its ending; `None` where it asks for another one. Without an ending, CSV.
    pub fn of(path: &Path) -> Option<TableFormat> {
        let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
        Some(match ending.to_str()? {
            "" | "csv" | "txt" => TableFormat::Csv,
            "tsv" | "tab" => TableFormat::Tsv,
            "xlsx" => TableFormat::Xlsx,
            "jsonl" | "ndjson" => TableFormat::Jsonl,
            _ => return None,
        })
    }

    /// The most rows that a file of this format holds below its header, where there is such a limit.
    pub fn most_rows(self) -> Option<u64> {
        (self == TableFormat::Xlsx).then_some(u64::from(SHEET) - 1)
    }
}

/// What a model says about a row.
#[derive(Debug, Clone, PartialEq)]
pub struct RowAnswer {
    /// Names of the labels given.
    pub labels: Vec<String>,
    /// The probability that this is right; `None` where there was no text to judge.
    pub confidence: Option<f64>,
    /// Whether a person should look.
    pub review: bool,
}

/// Turns rows and answers into bytes of a format; of a workbook, into those of the CSV that it is made from.
pub struct AnswerWriter {
    format: TableFormat,
    /// The file's own columns and the three new ones.
    columns: Vec<String>,
    /// Whether a row may have several labels.
    several: bool,
    separator: &'static str,
}

/// Names of the new columns, distinct from the file's own.
fn added_columns(columns: &[String], several: bool) -> [String; 3] {
    let labels = if several {
        "predicted_labels"
    } else {
        "predicted_label"
    };
    [labels, "confidence", "review"].map(|name| {
        let taken = |name: &String| columns.contains(name);
        let numbered = (2..).map(|n| format!("{name}_{n}"));
        std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or_default()
    })
}

/// What stands between labels: something that none of them contains, as far as there is such a thing.
fn separator(labels: &[String]) -> &'static str {
    let free = |separator: &&str| !labels.iter().any(|label| label.contains(*separator));
    ["|", ";", "\t", " || "].into_iter().find(free).unwrap_or("|")
}

impl AnswerWriter {
    /// For a file with these columns, and a model that gives these labels, several a row or one.
    pub fn new(format: TableFormat, columns: &[String], labels: &[String], several: bool) -> Self {
        let added = added_columns(columns, several);
        AnswerWriter {
            format,
            columns: columns.iter().cloned().chain(added).collect(),
            several,
            separator: separator(labels),
        }
    }

    /// Appends what comes before all rows.
    pub fn header(&self, out: &mut Vec<u8>) {
        match self.format {
            TableFormat::Jsonl => {}
            _ => self.record(self.columns.iter().map(String::as_str), out),
        }
    }

    /// Appends a row: a cell for each of the file's columns, and the answer.
    pub fn row(&self, cells: &[String], answer: &RowAnswer, out: &mut Vec<u8>) {
        if self.format == TableFormat::Jsonl {
            return self.object(cells, answer, out);
        }
        let labels = answer.labels.join(self.separator);
        let confidence = answer
            .confidence
            .map_or(String::new(), |sure| format!("{sure:.4}"));
        let review = if answer.review { "yes" } else { "no" };
        let added = [labels.as_str(), confidence.as_str(), review];
        self.record(cells.iter().map(String::as_str).chain(added), out);
    }

    fn record<'a>(&self, cells: impl Iterator<Item = &'a str>, out: &mut Vec<u8>) {
        let delimiter = match self.format {
            TableFormat::Tsv => b'\t',
            _ => b',',
        };
        let mut writer = csv::WriterBuilder::new()
            .delimiter(delimiter)
            .from_writer(&mut *out);
        // Memory takes everything, and a record of its own has no neighbours to differ from in length.
        let written = writer.write_record(cells).and_then(|()| Ok(writer.flush()?));
        assert!(written.is_ok(), "{written:?}");
    }

    /// Field by field: the columns' order is the file's.
    fn object(&self, cells: &[String], answer: &RowAnswer, out: &mut Vec<u8>) {
        let labels = match (self.several, answer.labels.first()) {
            (true, _) => Value::from(answer.labels.as_slice()),
            (false, Some(label)) => Value::from(label.as_str()),
            (false, None) => Value::Null,
        };
        let rounded = |sure: f64| (sure * 10_000.0).round() / 10_000.0;
        let confidence = answer
            .confidence
            .map_or(Value::Null, |sure| Value::from(rounded(sure)));
        let added = [labels, confidence, Value::Bool(answer.review)];
        let values = cells.iter().map(|cell| Value::from(cell.as_str())).chain(added);
        for (place, (column, value)) in self.columns.iter().zip(values).enumerate() {
            out.push(if place == 0 { b'{' } else { b',' });
            out.extend_from_slice(Value::from(column.as_str()).to_string().as_bytes());
            out.push(b':');
            out.extend_from_slice(value.to_string().as_bytes());
        }
        out.extend_from_slice(b"}\n");
    }
}

/// Writes the CSV that an [`AnswerWriter`] made of a workbook's rows as that workbook. Answers how many cells had to
/// be cut, because a cell of a workbook holds no more than 32,767 characters. `go_on` is asked for each row.
///
/// # Errors
/// `Io`, `DiskFull`, `SheetFull`, `Cancelled`.
pub fn workbook_of_answers(rows: &Path, workbook: &Path, go_on: &mut dyn FnMut() -> bool) -> Result<u64> {
    let io = |error: csv::Error| DataError::io(rows)(error.into());
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_path(rows)
        .map_err(io)?;
    let mut book = Workbook::new();
    // Rows go to a file as they come.
    let sheet = book
        .add_worksheet_with_constant_memory()
        .map_err(unusable(workbook))?;
    let mut record = csv::StringRecord::new();
    let (mut row, mut cut) = (0, 0);
    while reader.read_record(&mut record).map_err(io)? {
        if row == SHEET {
            return Err(DataError::SheetFull { rows: SHEET });
        }
        if !go_on() {
            return Err(DataError::Cancelled);
        }
        cut += write_row(sheet, row, &record).map_err(unusable(workbook))?;
        row += 1;
    }
    book.save(workbook).map_err(unusable(workbook))?;
    Ok(cut)
}

/// Writes a row; the last but one of its cells is a number. Nothing is a formula, whatever it begins with.
fn write_row(
    sheet: &mut Worksheet,
    row: u32,
    record: &csv::StringRecord,
) -> std::result::Result<u64, rust_xlsxwriter::XlsxError> {
    let mut cut = 0;
    for (column, cell) in record.iter().enumerate() {
        let place = column as u16;
        let number = match column + 2 == record.len() && row > 0 {
            true => cell.parse::<f64>().ok(),
            false => None,
        };
        if let Some(number) = number {
            sheet.write_number(row, place, number)?;
        } else if cell.len() > CELL && cell.encode_utf16().count() > CELL {
            cut += 1;
            sheet.write_string(row, place, cell.chars().take(CELL / 2).collect::<String>())?;
        } else {
            sheet.write_string(row, place, cell)?;
        }
    }
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{FileRow, Rows};
    use crate::types::DialectOverrides;

    fn columns(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn answer(labels: &[&str], confidence: Option<f64>, review: bool) -> RowAnswer {
        RowAnswer {
            labels: columns(labels),
            confidence,
            review,
        }
    }

    fn written(format: TableFormat, several: bool) -> Vec<u8> {
        let labels = columns(&["a", "b|c"]);
        let writer = AnswerWriter::new(format, &columns(&["text", "n"]), &labels, several);
        let mut out = Vec::new();
        writer.header(&mut out);
        writer.row(
            &columns(&["=1+1, \"so\"\nit is", "1"]),
            &answer(&["b|c"], Some(0.98765), false),
            &mut out,
        );
        writer.row(&columns(&["", "2"]), &answer(&[], None, true), &mut out);
        out
    }

    #[test]
    fn new_columns_never_hide_the_files_own() {
        let columns = columns(&["text", "confidence", "confidence_2"]);
        assert_eq!(
            added_columns(&columns, false),
            ["predicted_label", "confidence_3", "review"]
        );
        assert_eq!(added_columns(&columns, true)[0], "predicted_labels");
    }

    #[test]
    fn labels_are_parted_by_what_none_of_them_contains() {
        assert_eq!(separator(&columns(&["a", "b"])), "|");
        assert_eq!(separator(&columns(&["a|b", "c"])), ";");
    }

    #[test]
    fn every_format_reads_back_as_the_same_rows() {
        let place = tempfile::tempdir().unwrap();
        for (name, format) in [
            ("a.csv", TableFormat::Csv),
            ("a.tsv", TableFormat::Tsv),
            ("a.jsonl", TableFormat::Jsonl),
            ("a.xlsx", TableFormat::Xlsx),
        ] {
            let path = place.path().join(name);
            assert_eq!(TableFormat::of(&path), Some(format));
            if format == TableFormat::Xlsx {
                let rows = place.path().join("rows");
                std::fs::write(&rows, written(format, false)).unwrap();
                assert_eq!(workbook_of_answers(&rows, &path, &mut || true).unwrap(), 0);
            } else {
                std::fs::write(&path, written(format, false)).unwrap();
            }
            let mut rows = Rows::open(&path, &DialectOverrides::default()).unwrap();
            let mut names = rows.columns().to_vec();
            let place = |name: &str| names.iter().position(|column| column == name).unwrap();
            let places = ["text", "n", "predicted_label", "confidence", "review"].map(place);
            let mut next = || match rows.next().unwrap().unwrap() {
                FileRow::Cells(cells) => places.map(|place| cells[place].clone()),
                FileRow::Problem(problem) => unreachable!("{name}: {problem:?}"),
            };
            let first = next();
            assert_eq!(first[..3], ["=1+1, \"so\"\nit is", "1", "b|c"], "{name}");
            assert!(
                ["0.9877", "0.9876"].contains(&first[3].as_str()),
                "{name}: {first:?}"
            );
            assert_ne!(first[4], next()[4], "{name}");
            names.sort_unstable();
            assert_eq!(names.len(), 5, "{name}");
        }
        assert_eq!(TableFormat::of(Path::new("a.pdf")), None);
    }

    #[test]
    fn several_labels_are_a_list_in_json_and_parted_in_a_table() {
        let lines = String::from_utf8(written(TableFormat::Jsonl, true)).unwrap();
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["predicted_labels"], serde_json::json!(["b|c"]));
        assert_eq!(first["review"], false);
        let second: Value = serde_json::from_str(lines.lines().nth(1).unwrap()).unwrap();
        assert_eq!(second["confidence"], Value::Null);
    }

    #[test]
    fn a_cell_that_no_workbook_holds_is_cut_and_counted() {
        let place = tempfile::tempdir().unwrap();
        let writer = AnswerWriter::new(TableFormat::Xlsx, &columns(&["text"]), &[], false);
        let mut out = Vec::new();
        writer.header(&mut out);
        writer.row(&["界".repeat(40_000)], &answer(&[], None, true), &mut out);
        let rows = place.path().join("rows");
        std::fs::write(&rows, out).unwrap();
        let book = place.path().join("a.xlsx");
        assert_eq!(workbook_of_answers(&rows, &book, &mut || true).unwrap(), 1);
        let stopped = workbook_of_answers(&rows, &book, &mut || false);
        assert!(matches!(stopped, Err(DataError::Cancelled)));
    }
}
