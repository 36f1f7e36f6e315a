//! A workbook's cells as a person reads them in the sheet.
//!
//! In: a workbook's file and the sheet wanted. Out: the sheets' names, then rows of texts, told one by one.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use calamine::{
    Data, Dimensions, ExcelDateTime, Ods, OdsError, Range, Reader, SheetType, SheetVisible, Xls, XlsError,
    Xlsb, XlsbError, Xlsx, XlsxError,
};

use super::claims::claims_too_much;
use super::{damaged, opendocument};
use crate::error::{DataError, NotATable, Result};

/// What is told of a workbook, in this order.
pub(super) enum Told {
    /// The names of its sheets.
    Sheets(Vec<String>),
    /// The sheet whose rows follow.
    Sheet(String),
    /// A row that is not empty.
    Row(SheetRow),
}

/// A row's filled cells.
pub(super) struct SheetRow {
    /// Its number in the sheet, from 1.
    pub(super) number: u32,
    /// Columns, from 0, and texts.
    pub(super) cells: Vec<(u32, String)>,
}

/// Whoever is told answers whether to go on.
type Tell<'a> = &'a mut dyn FnMut(Told) -> bool;

pub(super) type Workbook = BufReader<File>;

/// How much of an old container is looked through for what it is.
const CONTAINER_BYTES: u64 = 256 * 1024 * 1024;

/// Tells the rows of `sheet`, or of the first sheet that has any, hidden sheets last.
///
/// # Errors
/// `PasswordProtected`, `DamagedFile`, `NotATable`.
pub(super) fn pour(path: &Path, file: File, sheet: Option<&str>, tell: Tell<'_>) -> Result<()> {
    let mut magic = [0; 4];
    let mut file = BufReader::new(file);
    file.read_exact(&mut magic).map_err(DataError::io(path))?;
    file.rewind().map_err(DataError::io(path))?;
    if magic != *b"PK\x03\x04" {
        return pour_old(path, file, sheet, tell);
    }
    let parts = zip::ZipArchive::new(&mut file).map_err(|error| damaged(path, &error.to_string()))?;
    let has = |name| parts.index_for_name(name).is_some();
    let (xlsx, xlsb) = (has("xl/workbook.xml"), has("xl/workbook.bin"));
    drop(parts);
    file.rewind().map_err(DataError::io(path))?;
    if xlsx {
        let mut workbook: Xlsx<Workbook> = Xlsx::new(file).map_err(failed(path))?;
        let sheets = workbook.sheets_metadata().to_vec();
        pour_sheets(&sheets, sheet, tell, &mut |name, tell| {
            pour_xlsx(&mut workbook, name, tell).map_err(failed(path))
        })
    } else if xlsb {
        let mut workbook: Xlsb<Workbook> = Xlsb::new(file).map_err(failed(path))?;
        let sheets = workbook.sheets_metadata().to_vec();
        pour_sheets(&sheets, sheet, tell, &mut |name, tell| {
            let range = workbook.worksheet_range(name).map_err(failed(path))?;
            pour_range(&range, &[], tell);
            Ok(())
        })
    } else {
        let merged = opendocument::check(path, &mut file)?;
        let mut workbook: Ods<Workbook> = Ods::new(file).map_err(failed(path))?;
        let sheets = workbook.sheets_metadata().to_vec();
        pour_sheets(&sheets, sheet, tell, &mut |name, tell| {
            let range = workbook.worksheet_range(name).map_err(failed(path))?;
            let table = sheets.iter().position(|sheet| sheet.name == name);
            let merged = table.and_then(|table| merged.get(table));
            pour_range(&range, merged.map(Vec::as_slice).unwrap_or_default(), tell);
            Ok(())
        })
    }
}

/// A file in the container of old Office programs: an xls workbook, a document, or anything encrypted.
fn pour_old(path: &Path, file: Workbook, sheet: Option<&str>, tell: Tell<'_>) -> Result<()> {
    let mut copy = file.get_ref().try_clone().map_err(DataError::io(path))?;
    match claims_too_much(&mut copy).map_err(DataError::io(path))? {
        Some(false) => {}
        Some(true) => {
            return Err(damaged(path, "a sheet claims more cells than the format allows"));
        }
        // Its reader is not let near it: what is broken in the container could lead it round in circles.
        None => {
            let broken = std::io::Error::other("the container is broken");
            return Err(no_workbook(path, copy, XlsError::Io(broken)));
        }
    }
    let mut workbook: Xls<Workbook> = match Xls::new(file) {
        Ok(workbook) => workbook,
        Err(error) => return Err(no_workbook(path, copy, error)),
    };
    let sheets = workbook.sheets_metadata().to_vec();
    pour_sheets(&sheets, sheet, tell, &mut |name, tell| {
        let range = workbook.worksheet_range(name).map_err(failed(path))?;
        let merged = workbook.merge_cells_by_sheet_name(name).map_err(failed(path))?;
        pour_range(&range, &merged, tell);
        Ok(())
    })
}

/// What it is that was no xls workbook: the container's directory names its streams.
fn no_workbook(path: &Path, mut file: File, error: XlsError) -> DataError {
    let mut bytes = Vec::new();
    let read = file
        .rewind()
        .and_then(|()| file.take(CONTAINER_BYTES).read_to_end(&mut bytes));
    if let Err(error) = read {
        return DataError::io(path)(error);
    }
    let holds = |name: &str| {
        let wide: Vec<u8> = name.bytes().flat_map(|byte| [byte, 0]).collect();
        bytes.windows(wide.len()).any(|window| window == wide)
    };
    if holds("EncryptedPackage") {
        DataError::PasswordProtected {
            path: path.to_path_buf(),
        }
    } else if holds("WordDocument") || holds("PowerPoint Document") {
        DataError::NotATable {
            path: path.to_path_buf(),
            why: NotATable::Document,
        }
    } else {
        failed(path)(error)
    }
}

/// Goes through the sheets wanted until one had a row.
fn pour_sheets(
    sheets: &[calamine::Sheet],
    wanted: Option<&str>,
    tell: Tell<'_>,
    pour: &mut dyn FnMut(&str, Tell<'_>) -> Result<()>,
) -> Result<()> {
    let worksheets = || sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let names = worksheets().map(|sheet| sheet.name.clone()).collect();
    let mut go_on = tell(Told::Sheets(names));
    let visible = |sheet: &&calamine::Sheet| sheet.visible == SheetVisible::Visible;
    let hidden = |sheet: &&calamine::Sheet| sheet.visible != SheetVisible::Visible;
    let in_order = worksheets().filter(visible).chain(worksheets().filter(hidden));
    for sheet in in_order.filter(|sheet| wanted.is_none_or(|wanted| wanted == sheet.name)) {
        let mut any = false;
        let mut announced = |told| {
            if !any {
                any = true;
                go_on = go_on && tell(Told::Sheet(sheet.name.clone()));
            }
            go_on = go_on && tell(told);
            go_on
        };
        pour(&sheet.name, &mut announced)?;
        if any || !go_on {
            break;
        }
    }
    Ok(())
}

/// An xlsx sheet, cell by cell.
fn pour_xlsx(
    workbook: &mut Xlsx<Workbook>,
    name: &str,
    tell: Tell<'_>,
) -> std::result::Result<(), XlsxError> {
    let mut merged = Merged::new(&workbook.merge_cells_by_sheet_name(name)?);
    let mut cells = workbook.worksheet_cells_reader(name)?;
    let mut row = Vec::new();
    let mut at = 0;
    while let Some(cell) = cells.next_cell()? {
        let (number, column) = cell.get_position();
        if number != at && !merged.tell(at, std::mem::take(&mut row), tell) {
            return Ok(());
        }
        at = number;
        let text = text(&Data::from(cell.get_value().clone()));
        row.push((column, text));
    }
    merged.tell(at, row, tell);
    Ok(())
}

/// A sheet that its reader holds whole.
fn pour_range(range: &Range<Data>, merged: &[Dimensions], tell: Tell<'_>) {
    let mut merged = Merged::new(merged);
    let (top, left) = range.start().unwrap_or_default();
    for (number, cells) in (top..).zip(range.rows()) {
        let row = (left..).zip(cells.iter().map(text)).collect();
        if !merged.tell(number, row, tell) {
            return;
        }
    }
}

/// Merged cells that span rows: what their first row says holds for all of them.
struct Merged {
    /// First and last row of each, by column; the last ones first.
    spans: HashMap<u32, Vec<(u32, u32)>>,
    /// The texts of those that have begun, by column, with their last rows.
    open: HashMap<u32, (u32, String)>,
}

impl Merged {
    fn new(regions: &[Dimensions]) -> Self {
        let mut spans: HashMap<u32, Vec<(u32, u32)>> = HashMap::new();
        for region in regions.iter().filter(|region| region.end.0 > region.start.0) {
            let span = (region.start.0, region.end.0);
            spans.entry(region.start.1).or_default().push(span);
        }
        spans.values_mut().for_each(|spans| spans.sort_unstable());
        Merged {
            spans,
            open: HashMap::new(),
        }
    }

    /// Tells a row with what reaches down into it; a row that has nothing of its own is none.
    fn tell(&mut self, number: u32, mut cells: Vec<(u32, String)>, tell: Tell<'_>) -> bool {
        cells.retain(|(_, text)| !text.is_empty());
        if cells.is_empty() {
            return true;
        }
        for (column, text) in &cells {
            let spans = self.spans.get(column).map(Vec::as_slice).unwrap_or_default();
            if let Ok(found) = spans.binary_search_by_key(&number, |(first, _)| *first) {
                self.open.insert(*column, (spans[found].1, text.clone()));
            }
        }
        self.open.retain(|_, (last, _)| *last >= number);
        for (column, (_, text)) in &self.open {
            if !cells.iter().any(|(filled, _)| filled == column) {
                cells.push((*column, text.clone()));
            }
        }
        cells.sort_by_key(|(column, _)| *column);
        tell(Told::Row(SheetRow {
            number: number.saturating_add(1),
            cells,
        }))
    }
}

/// A cell as a person reads it.
fn text(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::String(text) => text.clone(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => float(*number),
        Data::Bool(true) => "TRUE".to_owned(),
        Data::Bool(false) => "FALSE".to_owned(),
        Data::DateTime(moment) => date(moment),
        Data::DateTimeIso(text) => text.trim_end_matches("T00:00:00").to_owned(),
        Data::DurationIso(text) => text.clone(),
    }
}

/// A number with the fifteen digits that spreadsheets show at most: 0.3, not 0.30000000000000004.
fn float(number: f64) -> String {
    let shown: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    // No number is shown as minus zero.
    (shown + 0.0).to_string()
}

/// A date, time or duration in ISO 8601.
fn date(moment: &ExcelDateTime) -> String {
    let serial = moment.as_f64();
    if moment.is_duration() {
        let seconds = (serial * 86_400.0).round() as i64;
        let sign = if seconds < 0 { "-" } else { "" };
        let seconds = seconds.unsigned_abs();
        return format!(
            "{sign}{}:{:02}:{:02}",
            seconds / 3_600,
            seconds / 60 % 60,
            seconds % 60
        );
    }
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    match (serial < 1.0, hour, minute, second) {
        (true, ..) => format!("{hour:02}:{minute:02}:{second:02}"),
        (false, 0, 0, 0) => format!("{year:04}-{month:02}-{day:02}"),
        _ => format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"),
    }
}

/// An error of one of the workbook readers.
trait Failure: std::fmt::Display {
    /// Whether only a password is missing.
    fn wants_password(&self) -> bool;
}

impl Failure for XlsxError {
    fn wants_password(&self) -> bool {
        matches!(self, XlsxError::Password)
    }
}

impl Failure for XlsbError {
    fn wants_password(&self) -> bool {
        matches!(self, XlsbError::Password)
    }
}

impl Failure for XlsError {
    fn wants_password(&self) -> bool {
        matches!(self, XlsError::Password)
    }
}

impl Failure for OdsError {
    fn wants_password(&self) -> bool {
        matches!(self, OdsError::Password)
    }
}

fn failed<E: Failure>(path: &Path) -> impl FnOnce(E) -> DataError {
    move |error| match error.wants_password() {
        true => DataError::PasswordProtected {
            path: path.to_path_buf(),
        },
        false => damaged(path, &error.to_string()),
    }
}
