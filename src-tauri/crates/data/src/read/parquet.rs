//! Apache Parquet → records, row by row; a group of rows is read a page at a time.
//!
//! Texts, numbers, truth values and dates are cells, a list of such is joined by `|`, anything nested is JSON. Columns of
//! intervals, which the crate behind this does not read, are left out.
//! The crate behind this asserts where others return errors, so a file that breaks its rules is caught here.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use parquet::basic::{ConvertedType, LogicalType, TimeUnit};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

use super::dialect::display_names;
use super::record::Record;
use super::source::{Origin, sha256_of};
use super::table::{Opened, Reader};
use crate::error::{DataError, Result};
use crate::text::hex;
use crate::types::{Dialect, Format, Quoting};

/// Bytes of a value that is no text, which are shown.
const BYTES_SHOWN: usize = 64;

/// Opens the Parquet file at `origin`.
///
/// # Errors
/// `DamagedFile`, `PasswordProtected` (an encrypted footer), `Io`, and those of unpacking.
pub(super) fn open(origin: &Origin) -> Result<Opened> {
    let path = &origin.path;
    if origin.head(4)? == b"PARE" {
        return Err(DataError::PasswordProtected { path: path.clone() });
    }
    let file = origin.seekable()?;
    let reader = guarded(path, || SerializedFileReader::new(file))?;
    let metadata = reader.metadata().file_metadata();
    let fields = metadata.schema().get_fields();
    let readable: Vec<_> = (fields.iter().filter(|field| !has_interval(field)).cloned()).collect();
    let names: Vec<String> = readable.iter().map(|field| field.name().to_owned()).collect();
    let meanings = readable.iter().map(|field| Meaning::of(field)).collect();
    if names.is_empty() {
        return Err(DataError::EmptyFile { path: path.clone() });
    }
    let wanted = (readable.len() < fields.len()).then(|| {
        let schema = Type::group_type_builder(metadata.schema().name());
        schema.with_fields(readable).build()
    });
    let total = u64::try_from(metadata.num_rows()).unwrap_or(0);
    Ok(Opened {
        dialect: Dialect {
            format: Format::Parquet,
            encoding: String::new(),
            delimiter: String::new(),
            quoting: Quoting::default(),
            header: false,
            sheet: None,
        },
        columns: display_names(Some(&names), names.len()),
        sheets: Vec::new(),
        pending: Default::default(),
        mixed: Vec::new(),
        reader: Box::new(Rows {
            path: path.clone(),
            bytes: origin.bytes,
            total,
            rows: guarded(path, || {
                RowIter::from_file_into(Box::new(reader)).project(wanted.transpose()?)
            })?,
            meanings,
            row: 0,
        }),
    })
}

struct Rows {
    path: PathBuf,
    bytes: u64,
    total: u64,
    rows: RowIter<'static>,
    /// What the values of each column mean.
    meanings: Vec<Meaning>,
    row: u32,
}

impl Reader for Rows {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        let (rows, meanings) = (&mut self.rows, &self.meanings);
        let cells = guarded(&self.path, || {
            let row: Option<Row> = rows.next().transpose()?;
            Ok(row.map(|row| {
                (row.get_column_iter().zip(meanings))
                    .map(|((_, field), meaning)| cell(field, *meaning))
                    .collect::<Vec<String>>()
            }))
        })?;
        let Some(cells) = cells else {
            return Ok(false);
        };
        self.row += 1;
        record.begin(self.row);
        cells.iter().for_each(|cell| record.push(cell));
        record.keep_cells_as_raw();
        Ok(true)
    }

    fn bytes_read(&mut self) -> u64 {
        let share = f64::from(self.row) / self.total.max(1) as f64;
        (self.bytes as f64 * share) as u64
    }

    fn sha256(&mut self) -> Result<String> {
        sha256_of(&self.path)
    }
}

/// Whether there are intervals in a column.
fn has_interval(column: &Type) -> bool {
    match column.is_group() {
        true => column.get_fields().iter().any(|field| has_interval(field)),
        false => column.get_basic_info().converted_type() == ConvertedType::INTERVAL,
    }
}

/// What a column says of its values that the crate behind this does not heed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Plain,
    /// Numbers are billionths of a second since 1970.
    Nanoseconds,
    /// Bytes are a UUID.
    Uuid,
}

impl Meaning {
    /// Of a column, or of the elements of a list.
    fn of(column: &Type) -> Meaning {
        if column.is_group() {
            return match column.get_fields() {
                [only] => Meaning::of(only),
                _ => Meaning::Plain,
            };
        }
        match column.get_basic_info().logical_type_ref() {
            Some(LogicalType::Uuid) => Meaning::Uuid,
            Some(LogicalType::Timestamp(kind)) if kind.unit == TimeUnit::NANOS => Meaning::Nanoseconds,
            _ => Meaning::Plain,
        }
    }
}

/// A value as a cell.
fn cell(field: &Field, meaning: Meaning) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(value) => bytes(value.data(), meaning),
        Field::Long(number) if meaning == Meaning::Nanoseconds => nanoseconds(*number),
        Field::Float(number) => number.to_string(),
        Field::Double(number) => number.to_string(),
        Field::Float16(number) => f32::from(*number).to_string(),
        Field::TimestampMillis(_) | Field::TimestampMicros(_) => timestamp(&field.to_string()),
        Field::ListInternal(list) if list.elements().iter().all(plain) => {
            let cells: Vec<String> = list.elements().iter().map(|field| cell(field, meaning)).collect();
            cells.join("|")
        }
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_) => field.to_json_value().to_string(),
        other => other.to_string(),
    }
}

/// Before there was a type for text, text was bytes. What is none is shown in hexadecimal: a hash is as good a name as any,
/// and of a picture nobody wants more than the beginning.
fn bytes(bytes: &[u8], meaning: Meaning) -> String {
    match (meaning, std::str::from_utf8(bytes)) {
        (Meaning::Uuid, _) => {
            let parts = [0..4, 4..6, 6..8, 8..10, 10..bytes.len().max(10)];
            let parts = parts.map(|part| hex(bytes.get(part).unwrap_or_default()));
            parts.join("-")
        }
        (_, Ok(text)) => text.to_owned(),
        (_, Err(_)) if bytes.len() > BYTES_SHOWN => format!("{}…", hex(&bytes[..BYTES_SHOWN])),
        (_, Err(_)) => hex(bytes),
    }
}

fn nanoseconds(number: i64) -> String {
    let micros = Field::TimestampMicros(number.div_euclid(1_000)).to_string();
    timestamp(&format!(
        "{}{:03}",
        micros.trim_end_matches(" +00:00"),
        number.rem_euclid(1_000)
    ))
}

fn plain(field: &Field) -> bool {
    !matches!(
        field,
        Field::Group(_) | Field::ListInternal(_) | Field::MapInternal(_)
    )
}

/// `2024-05-01 08:00:00.000 +00:00` in ISO 8601, without a fraction or a time that is zero.
fn timestamp(text: &str) -> String {
    let text = text.trim_end_matches(" +00:00");
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    match (seconds.strip_suffix(" 00:00:00"), fraction) {
        (Some(date), "") => date.to_owned(),
        (_, "") => seconds.replace(' ', "T"),
        (_, fraction) => format!("{}.{fraction}", seconds.replace(' ', "T")),
    }
}

/// Runs the crate's code; what it panics about is a fault of the file.
fn guarded<T>(path: &Path, work: impl FnOnce() -> std::result::Result<T, ParquetError>) -> Result<T> {
    let damaged = |reason: String| DataError::DamagedFile {
        path: path.to_path_buf(),
        reason,
    };
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(damaged(error.to_string())),
        Err(_) => Err(damaged("it breaks the rules of its format".to_owned())),
    }
}
