//! Excel and OpenDocument workbooks → the rows of one sheet.
//!
//! A thread of its own holds the workbook and hands over row after row, so that a large sheet is not held as cells,
//! and so that a workbook on which its reader panics ends that thread and nothing else. A sheet's empty rows are
//! passed over; empty columns at its edges, as far as its first rows tell, are no columns.

mod claims;
mod opendocument;
mod sheet;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::JoinHandle;

use super::dialect::{display_names, has_header, title_rows};
use super::record::Record;
use super::source::{Origin, sha256_of};
use super::table::{Opened, Reader, unknown_sheet};
use crate::error::{DataError, Result};
use crate::types::{Dialect, DialectOverrides, Format, Quoting};
use sheet::{SheetRow, Told, pour};

/// Rows from which width and header are taken.
const SAMPLE_ROWS: usize = 200;

/// A sheet with fewer rows, the header among them, is rather a title page.
const TABLE_ROWS: usize = 3;

/// Rows that wait for their reader.
const WAITING_ROWS: usize = 256;

/// Opens the workbook at `origin` at the chosen sheet, or at the first with a few rows: a cover sheet is no table.
///
/// # Errors
/// `PasswordProtected`, `DamagedFile`, `UnknownSheet`, `EmptyFile`, `Io`, and those of unpacking.
pub(super) fn open(origin: &Origin, overrides: &DialectOverrides) -> Result<Opened> {
    let path = &origin.path;
    let Beginning {
        mut rows,
        sheets,
        sheet,
        sample,
    } = begin(origin, overrides.sheet.as_deref())?;
    let columns = || {
        sample
            .iter()
            .flat_map(|row| row.cells.iter().map(|(column, _)| *column))
    };
    let (Some(first), Some(last)) = (columns().min(), columns().max()) else {
        return Err(DataError::EmptyFile { path: path.clone() });
    };
    rows.first = first;
    rows.width = (last - first + 1) as usize;

    let mut pending: VecDeque<Record> = sample.iter().map(|row| rows.record(row)).collect();
    let texts: Vec<Vec<String>> = pending
        .iter()
        .map(|record| record.cells().map(str::to_owned).collect())
        .collect();
    let apart = |row: usize| {
        let below = pending.get(row + 1).map(|below| below.row);
        below > pending.get(row).map(|row| row.row.saturating_add(1))
    };
    let titles = match overrides.header {
        Some(false) => 0,
        _ => title_rows(&texts, apart),
    };
    let header = overrides.header.unwrap_or_else(|| has_header(&texts[titles..]));
    let names = if header { pending.remove(titles) } else { None };
    let above = pending.iter_mut().take(titles);
    above.for_each(|title| title.is_title(rows.width));
    let names: Option<Vec<String>> = names.map(|record| record.cells().map(str::to_owned).collect());
    Ok(Opened {
        dialect: Dialect {
            format: Format::Workbook,
            encoding: String::new(),
            delimiter: String::new(),
            quoting: Quoting::default(),
            header,
            sheet: Some(sheet),
        },
        columns: display_names(names.as_deref(), rows.width),
        sheets: if sheets.len() > 1 { sheets } else { Vec::new() },
        pending,
        mixed: Vec::new(),
        reader: Box::new(rows),
    })
}

/// A sheet with its first rows.
struct Beginning {
    rows: Rows,
    sheets: Vec<String>,
    sheet: String,
    sample: VecDeque<SheetRow>,
}

fn begin(origin: &Origin, wanted: Option<&str>) -> Result<Beginning> {
    let first = Beginning::read(origin, wanted)?;
    if wanted.is_some() || first.sample.len() >= TABLE_ROWS {
        return Ok(first);
    }
    for other in first.sheets.iter().filter(|name| **name != first.sheet) {
        let second = Beginning::read(origin, Some(other))?;
        if second.sample.len() >= TABLE_ROWS {
            return Ok(second);
        }
    }
    Ok(first)
}

impl Beginning {
    fn read(origin: &Origin, wanted: Option<&str>) -> Result<Self> {
        let mut rows = Rows::start(origin, wanted.map(str::to_owned))?;
        let sheets = match rows.receive()? {
            Some(Told::Sheets(names)) => names,
            _ => Vec::new(),
        };
        if let Some(sheet) = wanted.filter(|wanted| !sheets.iter().any(|sheet| sheet == wanted)) {
            return Err(unknown_sheet(&origin.path, sheet, &sheets));
        }
        let mut sheet = String::new();
        let mut sample: VecDeque<SheetRow> = VecDeque::new();
        while sample.len() < SAMPLE_ROWS {
            match rows.receive()? {
                Some(Told::Sheet(name)) => sheet = name,
                Some(Told::Row(row)) => sample.push_back(row),
                Some(Told::Sheets(_)) => {}
                None => break,
            }
        }
        Ok(Beginning {
            rows,
            sheets,
            sheet,
            sample,
        })
    }
}

/// The rows of a sheet as they come from the thread.
struct Rows {
    path: PathBuf,
    bytes: u64,
    told: Receiver<Result<Told>>,
    /// Taken when it is waited for.
    thread: Option<JoinHandle<()>>,
    /// The sheet's column that is the table's first, and how many there are.
    first: u32,
    width: usize,
    at: u32,
}

impl Rows {
    fn start(origin: &Origin, sheet: Option<String>) -> Result<Rows> {
        let file = origin.seekable()?;
        let path = origin.path.clone();
        let (sender, told) = sync_channel(WAITING_ROWS);
        let thread = std::thread::Builder::new()
            .name("workbook".to_owned())
            .spawn(move || {
                // Whoever has seen enough hangs up, which ends the pouring; there is nobody left to tell.
                let mut tell = |told| sender.send(Ok(told)).is_ok();
                if let Err(error) = pour(&path, file, sheet.as_deref(), &mut tell) {
                    let _ = sender.send(Err(error));
                }
            })
            .map_err(DataError::io(&origin.path))?;
        Ok(Rows {
            path: origin.path.clone(),
            bytes: origin.bytes,
            told,
            thread: Some(thread),
            first: 0,
            width: 0,
            at: 0,
        })
    }

    /// What the thread tells next; `None` when it has ended well.
    fn receive(&mut self) -> Result<Option<Told>> {
        if let Ok(told) = self.told.recv() {
            return told.map(Some);
        }
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(damaged(&self.path, "it breaks the rules of its format")),
            _ => Ok(None),
        }
    }

    fn record(&self, row: &SheetRow) -> Record {
        let mut record = Record::default();
        self.fill(&mut record, row);
        record
    }

    /// Puts the row's cells into the table's columns. A cell outside of them makes the row too long, and so one that
    /// is put aside.
    fn fill(&self, record: &mut Record, row: &SheetRow) {
        let mut cells = vec![""; self.width];
        let mut outside = Vec::new();
        for (column, cell) in &row.cells {
            let place = column.checked_sub(self.first).map(|place| place as usize);
            match place.and_then(|place| cells.get_mut(place)) {
                Some(slot) => *slot = cell,
                None => outside.push(cell.as_str()),
            }
        }
        record.begin(row.number);
        cells.iter().chain(&outside).for_each(|cell| record.push(cell));
        record.keep_cells_as_raw();
    }
}

impl Reader for Rows {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        while let Some(told) = self.receive()? {
            if let Told::Row(row) = told {
                self.fill(record, &row);
                self.at += 1;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn bytes_read(&mut self) -> u64 {
        // How long a sheet is nobody knows before its end: the estimate closes in on the file's size.
        let rows = f64::from(self.at);
        (self.bytes as f64 * rows / (rows + 10_000.0)) as u64
    }

    fn sha256(&mut self) -> Result<String> {
        sha256_of(&self.path)
    }
}

/// The error for a workbook that its reader does not understand.
pub(super) fn damaged(path: &Path, reason: &str) -> DataError {
    DataError::DamagedFile {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
}
