//! A text → its encoding → a table, lines, or JSON.

use std::collections::VecDeque;

use encoding_rs::Encoding;

use super::dialect::{Sample, delimiter_from, display_names, has_header, title_rows};
use super::encoding::{by_name, detect, fill};
use super::json;
use super::lines::{self, Lines};
use super::marks::{Marks, quoting_of};
use super::record::Record;
use super::records::Records;
use super::source::{Origin, Source};
use super::table::{Extent, Opened, Reader};
use crate::error::{DataError, Result};
use crate::types::{Dialect, DialectOverrides, Format, MixedEncoding, Quoting};

/// Bytes from which format, delimiter and header are guessed.
const SAMPLE_BYTES: usize = 256 * 1024;

/// Bytes from which a preview guesses the encoding.
const ENCODING_BYTES: u64 = 1024 * 1024;

/// Opens the text at `origin`.
///
/// # Errors
/// `EmptyFile`, `UnknownEncoding`, `UnknownDelimiter`, `Cancelled`, and those of reading the first row.
pub(super) fn open(
    origin: &Origin,
    overrides: &DialectOverrides,
    extent: Extent,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Opened> {
    let path = &origin.path;
    let limit = match extent {
        Extent::Whole => u64::MAX,
        Extent::Beginning => ENCODING_BYTES,
    };
    let guessed = detect(path, &mut origin.look()?, limit, go_on)?;
    let encoding = overrides.encoding.as_deref().map_or(Ok(guessed), by_name)?;

    let mut bytes = vec![0; SAMPLE_BYTES];
    let length = fill(&mut origin.look()?, &mut bytes).map_err(DataError::io(path))?;
    let bytes = &bytes[..length];
    let (beginning, _) = encoding.decode_with_bom_removal(bytes);
    let sample = Sample {
        path,
        bytes,
        encoding,
        quoting: overrides.quoting.unwrap_or_else(|| quoting_of(&beginning)),
        whole: length < SAMPLE_BYTES,
    };
    let delimiter = match overrides.delimiter.as_deref() {
        Some("") => None,
        Some(given) => Some(delimiter_from(given)?),
        None => {
            if let Some(layout) = json::layout(&beginning, sample.whole, &origin.name()) {
                return json::open(origin, encoding, layout, overrides);
            }
            match origin.name().ends_with(".txt") {
                true => sample.certain_delimiter(),
                false => Some(sample.delimiter()),
            }
        }
    };
    match delimiter {
        None => open_lines(origin, encoding, overrides),
        Some(delimiter) => open_table(origin, &sample, delimiter, overrides),
    }
}

fn open_lines(origin: &Origin, encoding: &'static Encoding, overrides: &DialectOverrides) -> Result<Opened> {
    let header = overrides.header.unwrap_or(false);
    let dialect = Dialect {
        format: Format::Lines,
        encoding: encoding.name().to_owned(),
        delimiter: String::new(),
        quoting: Quoting::default(),
        header,
        sheet: None,
    };
    let mut reader = Lines::new(&origin.path, origin.open()?, encoding);
    let first = first_record(&mut reader, origin)?;
    Ok(Opened {
        dialect,
        columns: vec![match header {
            true => first.cell(0).trim().to_owned(),
            false => lines::COLUMN.to_owned(),
        }],
        sheets: Vec::new(),
        mixed: told(&first, header),
        pending: (!header).then_some(first).into_iter().collect(),
        reader: Box::new(reader),
    })
}

fn open_table(
    origin: &Origin,
    sample: &Sample<'_>,
    delimiter: u8,
    overrides: &DialectOverrides,
) -> Result<Opened> {
    let rows = sample.rows(delimiter);
    let titles = match overrides.header {
        Some(false) => 0,
        _ => title_rows(&rows, |_| false),
    };
    let header = overrides.header.unwrap_or_else(|| has_header(&rows[titles..]));
    let dialect = Dialect {
        format: Format::Delimited,
        encoding: sample.encoding.name().to_owned(),
        delimiter: (delimiter as char).to_string(),
        quoting: sample.quoting,
        header,
        sheet: None,
    };
    let mut reader = Records::new(
        &origin.path,
        origin.open()?,
        sample.encoding,
        Marks::new(delimiter, sample.quoting),
    );
    let above = (0..titles).map(|_| first_record(&mut reader, origin));
    let mut pending = above.collect::<Result<VecDeque<Record>>>()?;
    let first = first_record(&mut reader, origin)?;
    reader.expect(first.len());
    pending.iter_mut().for_each(|title| title.is_title(first.len()));
    let names: Vec<String> = first.cells().map(str::to_owned).collect();
    Ok(Opened {
        dialect,
        columns: display_names(header.then_some(&names), names.len()),
        sheets: Vec::new(),
        mixed: told(&first, header),
        pending: pending.into_iter().chain((!header).then_some(first)).collect(),
        reader: Box::new(reader),
    })
}

/// The row of names is told of here, because it is no row of the table.
fn told(first: &Record, header: bool) -> Vec<MixedEncoding> {
    let mut told = Vec::new();
    if let Some(misfit) = first.misfit.filter(|_| header) {
        misfit.tell(&mut told, first.row, None);
    }
    told
}

fn first_record(reader: &mut impl Reader, origin: &Origin) -> Result<Record> {
    let mut first = Record::default();
    match reader.next(&mut first)? {
        true => Ok(first),
        false => Err(DataError::EmptyFile {
            path: origin.path.clone(),
        }),
    }
}

impl Reader for Records<Source> {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        Records::next(self, record)
    }

    fn bytes_read(&mut self) -> u64 {
        self.source().bytes_read()
    }

    fn sha256(&mut self) -> Result<String> {
        self.source().sha256()
    }
}
