//! Decoded text → records of cells, one at a time, in bounded memory.
//!
//! Quoting, doubled quotes and line ends (LF, CRLF, CR) are `csv-core`'s. Blank lines are skipped. What a
//! record looked like is kept (its first 2,000 characters).

use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use csv_core::ReadRecordResult;
use encoding_rs::Encoding;

use super::decoded::Decoded;
use super::record::Record;
use super::{CELL_LIMIT, RAW_LIMIT};
use crate::error::{DataError, NotATable, Result};
use crate::types::ProblemKind;

const CHUNK: usize = 64 * 1024;

/// A record that ends inside quotes and spans more lines than this has swallowed other rows.
const SWALLOWED_LINES: u32 = 100;

/// The records of a byte stream.
pub(super) struct Records<R> {
    path: PathBuf,
    input: Decoded<R>,
    parser: csv_core::Reader,
    row: u32,
    cells: Vec<u8>,
    ends: Vec<usize>,
}

/// What one record has come to while it is being read.
#[derive(Default)]
struct Progress {
    cells: usize,
    ends: usize,
    quotes: usize,
    lines: u32,
    raw: Vec<u8>,
}

impl<R: Read> Records<R> {
    pub(super) fn new(path: &Path, source: R, encoding: &'static Encoding, delimiter: u8) -> Self {
        Records {
            path: path.to_path_buf(),
            input: Decoded::new(source, encoding),
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            row: 0,
            cells: vec![0; CHUNK],
            ends: vec![0; 64],
        }
    }

    pub(super) fn source(&mut self) -> &mut R {
        self.input.source()
    }

    /// Reads the next record into `record`; `false` at the end.
    ///
    /// # Errors
    /// `Io`, `NotATable` (a NUL character), `CellTooLarge`, `UnclosedQuote` when it swallowed many lines.
    pub(super) fn next(&mut self, record: &mut Record) -> Result<bool> {
        let mut so_far = Progress::default();
        loop {
            let input = self.input.fill_buf().map_err(DataError::io(&self.path))?;
            let at_end = input.is_empty();
            let (result, read, written, ended) = self.parser.read_record(
                input,
                &mut self.cells[so_far.cells..],
                &mut self.ends[so_far.ends..],
            );
            so_far.note(&input[..read], written, ended);
            self.input.consume(read);
            if self.input.has_nul() {
                return Err(self.binary());
            }
            self.check_cell(&so_far)?;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    self.row += 1;
                    self.finish(record, &so_far, at_end)?;
                    record.misfit = self.input.misfit();
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    fn check_cell(&self, so_far: &Progress) -> Result<()> {
        let start = if so_far.ends == 0 {
            0
        } else {
            self.ends[so_far.ends - 1]
        };
        if so_far.cells.saturating_sub(start) > CELL_LIMIT {
            return Err(DataError::CellTooLarge {
                row: self.row + 1,
                limit_bytes: CELL_LIMIT,
            });
        }
        Ok(())
    }

    fn finish(&self, record: &mut Record, so_far: &Progress, at_end: bool) -> Result<()> {
        let cells = std::str::from_utf8(&self.cells[..so_far.cells]).map_err(|_| self.binary())?;
        record.begin(self.row);
        record.extend(cells, &self.ends[..so_far.ends]);
        // Nearly always the raw row was kept whole, which is checked more quickly.
        let raw = match std::str::from_utf8(&so_far.raw) {
            Ok(raw) => Cow::Borrowed(raw),
            Err(_) => String::from_utf8_lossy(&so_far.raw),
        };
        record.keep_raw(raw.trim_matches(['\r', '\n']));
        // Only quotes that opened a cell make line breaks part of it, so an odd count over several lines at the
        // end of the file means that the last one was never closed.
        let unclosed = at_end && so_far.lines > 0 && so_far.quotes % 2 == 1;
        record.problem = unclosed.then_some(ProblemKind::UnclosedQuote);
        if unclosed && so_far.lines > SWALLOWED_LINES {
            return Err(DataError::UnclosedQuote {
                row: self.row,
                lines: so_far.lines,
            });
        }
        Ok(())
    }

    fn binary(&self) -> DataError {
        DataError::NotATable {
            path: self.path.clone(),
            why: NotATable::Binary,
        }
    }
}

impl Progress {
    fn note(&mut self, read: &[u8], written: usize, ended: usize) {
        let count = |wanted: u8| count(read, wanted);
        self.cells += written;
        self.ends += ended;
        self.quotes += count(b'"');
        self.lines += count(b'\n').max(count(b'\r')) as u32;
        // Four bytes a character at most; cutting inside one is mended by the lossy conversion and `head`.
        let room = (RAW_LIMIT * 4 + 8).saturating_sub(self.raw.len()).min(read.len());
        self.raw.extend_from_slice(&read[..room]);
    }
}

/// How often a byte occurs. Counted in bytes, which the processor adds up sixty-four at a time.
fn count(bytes: &[u8], wanted: u8) -> usize {
    let ones = |part: &[u8]| {
        let ones = part.iter().map(|byte| u8::from(*byte == wanted));
        // No part is longer than a byte can count; a check for that would keep the loop from being vectorised.
        ones.fold(0, u8::wrapping_add)
    };
    bytes
        .chunks(u8::MAX.into())
        .map(|part| usize::from(ones(part)))
        .sum()
}

/// The cells of one row as it stands in a file; a quote that is never closed takes what is left.
pub(crate) fn cells_of_line(line: &str, delimiter: u8) -> Vec<String> {
    let mut parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    // Cells are never longer than what they are written with.
    let mut cells = vec![0; line.len() + 1];
    let mut ends = vec![0; line.len() + 2];
    let (result, read, mut written, mut count) = parser.read_record(line.as_bytes(), &mut cells, &mut ends);
    if matches!(result, ReadRecordResult::InputEmpty) {
        // Nothing comes after: that ends the row.
        let (_, _, more, further) = parser.read_record(
            &line.as_bytes()[read..],
            &mut cells[written..],
            &mut ends[count..],
        );
        written += more;
        count += further;
    }
    let bounds = std::iter::once(0).chain(ends[..count].iter().copied());
    let cell =
        |(start, end): (usize, usize)| String::from_utf8_lossy(&cells[start..end.min(written)]).into_owned();
    bounds.zip(ends[..count].iter().copied()).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::UTF_8;

    fn read(text: &str) -> Result<Vec<Vec<String>>> {
        let mut records = Records::new(Path::new("x.csv"), text.as_bytes(), UTF_8, b',');
        let mut record = Record::default();
        let mut rows = Vec::new();
        while records.next(&mut record)? {
            rows.push(record.cells().map(str::to_owned).collect());
        }
        Ok(rows)
    }

    #[test]
    fn quotes_hold_delimiters_newlines_and_doubled_quotes() {
        let rows = read("a,b\n\"x, y\",\"one\r\ntwo \"\"three\"\"\"\n").unwrap();
        assert_eq!(rows[1], ["x, y", "one\r\ntwo \"three\""]);
    }

    #[test]
    fn every_line_end_ends_a_row_and_blank_lines_are_none() {
        for text in ["a,b\n1,2\n", "a,b\r\n1,2", "a,b\r1,2\r", "\n\na,b\n\n1,2\n\n"] {
            assert_eq!(read(text).unwrap(), [["a", "b"], ["1", "2"]], "{text:?}");
        }
    }

    #[test]
    fn a_cell_of_a_million_characters_is_read_whole() {
        let long = "合".repeat(1_000_000);
        assert_eq!(
            read(&format!("a,b\n{long},x\n")).unwrap()[1][0].chars().count(),
            1_000_000
        );
    }

    #[test]
    fn a_cell_beyond_the_limit_is_refused_with_its_row() {
        let text = format!("a,b\n{},x\n", "y".repeat(CELL_LIMIT + CHUNK));
        assert!(matches!(read(&text), Err(DataError::CellTooLarge { row: 2, .. })));
    }

    #[test]
    fn a_quote_that_swallows_the_file_is_refused_with_its_row() {
        let text = format!("a,b\n1,2\n\"open,{}", "x,y\n".repeat(200));
        assert!(matches!(
            read(&text),
            Err(DataError::UnclosedQuote { row: 3, lines: 200 })
        ));
    }

    #[test]
    fn a_file_cut_inside_a_quote_keeps_its_rows_and_marks_the_last() {
        let mut records = Records::new(Path::new("x.csv"), &b"a,b\n1,2\n\"cut\nhere"[..], UTF_8, b',');
        let mut record = Record::default();
        let mut marks = Vec::new();
        while records.next(&mut record).unwrap() {
            marks.push(record.problem.is_some());
        }
        assert_eq!(marks, [false, false, true]);
    }

    #[test]
    fn a_nul_character_means_that_this_is_no_table() {
        assert!(matches!(
            read("a,b\n1,\0\n"),
            Err(DataError::NotATable {
                why: NotATable::Binary,
                ..
            })
        ));
    }

    #[test]
    fn the_raw_row_is_kept_as_it_stands() {
        let mut records = Records::new(Path::new("x.csv"), &b"a,b\r\n\"x\",\"y\",z\r\n"[..], UTF_8, b',');
        let mut record = Record::default();
        records.next(&mut record).unwrap();
        records.next(&mut record).unwrap();
        assert_eq!(
            (record.row, record.raw.as_str(), record.len()),
            (2, "\"x\",\"y\",z", 3)
        );
    }
}
