//! Decoded text → records of cells, one at a time, in bounded memory.
//!
//! Quoting, doubled quotes and line ends (LF, CRLF, CR) are `csv-core`'s. Blank lines are skipped. What a
//! record looked like is kept (its first 2,000 characters). A quote that opens a cell by mistake takes its own row along and
//! no other: what it swallowed is read again.

use std::borrow::Cow;
use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use csv_core::ReadRecordResult;
use encoding_rs::Encoding;

use super::decoded::Decoded;
use super::marks::Marks;
use super::record::Record;
use super::stray::stray_quote;
use super::{CELL_LIMIT, RAW_LIMIT};
use crate::error::{DataError, NotATable, Result};
use crate::types::ProblemKind;

const CHUNK: usize = 64 * 1024;

/// A record that ends inside quotes and spans more lines than this has swallowed other rows.
const SWALLOWED_LINES: u32 = 100;

/// Of what a record looked like, so many bytes are enough for what is kept: four a character at most; cutting inside one
/// is mended by the lossy conversion and `head`.
const RAW_BYTES: usize = RAW_LIMIT * 4 + 8;

/// How much of a record can be read again.
const AGAIN_BYTES: usize = CELL_LIMIT + 2 * CHUNK;

/// The records of a byte stream.
pub(super) struct Records<R> {
    path: PathBuf,
    input: Decoded<R>,
    parser: csv_core::Reader,
    marks: Marks,
    row: u32,
    /// Cells of a row: those of the first, unless told otherwise.
    columns: usize,
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
    pub(super) fn new(path: &Path, source: R, encoding: &'static Encoding, marks: Marks) -> Self {
        Records {
            path: path.to_path_buf(),
            input: Decoded::new(source, encoding),
            parser: marks.parser(),
            marks,
            row: 0,
            columns: 0,
            cells: vec![0; CHUNK],
            ends: vec![0; 64],
        }
    }

    /// Tells how many cells a row has, where it is not the first that says so.
    pub(super) fn expect(&mut self, columns: usize) {
        self.columns = columns;
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
            so_far.note(&input[..read], written, ended, self.marks.quote);
            self.input.consume(read);
            if self.input.has_nul() {
                return Err(self.binary());
            }
            if self.cell_bytes(&so_far) > CELL_LIMIT {
                return match self.stray_quote(&so_far, true) {
                    Some(end) => self.put_aside(record, &so_far.raw, end),
                    None => Err(DataError::CellTooLarge {
                        row: self.row + 1,
                        limit_bytes: CELL_LIMIT,
                    }),
                };
            }
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::Record => {
                    if let Some(end) = self.stray_quote(&so_far, at_end) {
                        return self.put_aside(record, &so_far.raw, end);
                    }
                    self.row += 1;
                    if self.row == 1 {
                        self.columns = so_far.ends;
                    }
                    self.finish(record, &so_far, at_end)?;
                    record.misfit = self.input.misfit();
                    return Ok(true);
                }
                ReadRecordResult::End => return Ok(false),
            }
        }
    }

    /// Bytes of the cell at hand.
    fn cell_bytes(&self, so_far: &Progress) -> usize {
        let start = match so_far.ends {
            0 => 0,
            ends => self.ends[ends - 1],
        };
        so_far.cells.saturating_sub(start)
    }

    /// Where the row of a quote ends that has opened a cell by mistake. Most records are one line and are not looked through.
    fn stray_quote(&self, so_far: &Progress, at_end: bool) -> Option<usize> {
        let several_lines = so_far.lines > 1 || (at_end && so_far.lines == 1);
        if so_far.quotes == 0 || !several_lines || so_far.raw.len() >= AGAIN_BYTES {
            return None;
        }
        let raw = std::str::from_utf8(&so_far.raw).ok()?;
        stray_quote(raw, self.marks, self.columns)
    }

    /// Makes a row that is put aside of the first `end` bytes of a record, and goes back to what comes after them.
    fn put_aside(&mut self, record: &mut Record, raw: &[u8], end: usize) -> Result<bool> {
        let (row, swallowed) = raw.split_at(end);
        self.input.unread(swallowed);
        self.parser.reset();
        self.row += 1;
        record.begin(self.row);
        let row = String::from_utf8_lossy(row);
        let row = row.trim_matches(['\r', '\n']);
        let cells = cells_of_line(row, self.marks);
        cells.iter().for_each(|cell| record.push(cell));
        record.keep_raw(row);
        record.problem = Some(ProblemKind::UnclosedQuote);
        record.misfit = self.input.misfit();
        Ok(true)
    }

    fn finish(&self, record: &mut Record, so_far: &Progress, at_end: bool) -> Result<()> {
        let cells = std::str::from_utf8(&self.cells[..so_far.cells]).map_err(|_| self.binary())?;
        record.begin(self.row);
        record.extend(cells, &self.ends[..so_far.ends]);
        // Nearly always the raw row was kept whole, which is checked more quickly.
        let raw = &so_far.raw[..so_far.raw.len().min(RAW_BYTES)];
        let raw = match std::str::from_utf8(raw) {
            Ok(raw) => Cow::Borrowed(raw),
            Err(_) => String::from_utf8_lossy(raw),
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
    fn note(&mut self, read: &[u8], written: usize, ended: usize, quote: Option<u8>) {
        let count = |wanted: u8| count(read, wanted);
        self.cells += written;
        self.ends += ended;
        self.quotes += quote.map_or(0, count);
        self.lines += count(b'\n').max(count(b'\r')) as u32;
        let room = AGAIN_BYTES.saturating_sub(self.raw.len()).min(read.len());
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

/// The cells of one row as it stands in a file. A quote that is never closed is an ordinary character; where the row has
/// several lines, it takes what is left.
pub(crate) fn cells_of_line(line: &str, marks: Marks) -> Vec<String> {
    let cells = cut(line, marks);
    let otherwise = || match marks.quote.filter(|_| line.contains(['\n', '\r'])) {
        Some(quote) => cut(&format!("{line}{}", char::from(quote)), marks),
        None => cut(line, marks.unquoted()),
    };
    cells.or_else(otherwise).unwrap_or_default()
}

/// The cells of a row, unless a quote in it is never closed.
fn cut(line: &str, marks: Marks) -> Option<Vec<String>> {
    let mut parser = marks.parser();
    // A line end ends the row, unless it stands within quotes.
    let line = format!("{line}\n");
    // Cells are never longer than what they are written with.
    let mut cells = vec![0; line.len() + 1];
    let mut ends = vec![0; line.len() + 1];
    let (result, _, _, count) = parser.read_record(line.as_bytes(), &mut cells, &mut ends);
    let ends = &ends[..count];
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let cell = |(start, end): (usize, usize)| String::from_utf8_lossy(&cells[start..end]).into_owned();
    let whole = matches!(result, ReadRecordResult::Record);
    whole.then(|| starts.zip(ends.iter().copied()).map(cell).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Quoting;
    use encoding_rs::UTF_8;

    fn read(text: &str) -> Result<Vec<Vec<String>>> {
        let mut records = Records::new(
            Path::new("x.csv"),
            text.as_bytes(),
            UTF_8,
            Marks::new(b',', Quoting::Double),
        );
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
        let mut records = Records::new(
            Path::new("x.csv"),
            &b"a,b\n1,2\n\"cut\nhere"[..],
            UTF_8,
            Marks::new(b',', Quoting::Double),
        );
        let mut record = Record::default();
        let mut marks = Vec::new();
        while records.next(&mut record).unwrap() {
            marks.push(record.problem.is_some());
        }
        assert_eq!(marks, [false, false, true]);
    }

    /// The rows as they stand in the text, those that are put aside with a mark before them.
    fn rows_of(text: &str, delimiter: u8) -> Vec<String> {
        let mut records = Records::new(
            Path::new("x.csv"),
            text.as_bytes(),
            UTF_8,
            Marks::new(delimiter, Quoting::Double),
        );
        let mut record = Record::default();
        let mut rows = Vec::new();
        while records.next(&mut record).unwrap() {
            let mark = if record.problem.is_some() { "!" } else { "" };
            rows.push(format!("{mark}{}", record.raw));
        }
        rows
    }

    #[test]
    fn two_stray_quotes_swallow_nothing_between_them() {
        let text = "text\tlabel\nfine one\tx\n\"He said hello\ty\nrow three\tx\nrow four\ty\nrow five\tx\n\"She said bye\ty\nrow seven\tx\nrow eight\ty\n";
        let expected = text.replace('"', "!\"");
        assert_eq!(rows_of(text, b'\t'), expected.lines().collect::<Vec<_>>());
        assert_eq!(
            rows_of(&text.replace('\n', "\r\n"), b'\t'),
            expected.lines().collect::<Vec<_>>()
        );
    }

    #[test]
    fn two_stray_quotes_far_apart_swallow_nothing_between_them() {
        // More than a chunk lies between them, and further quotes that are in order.
        let mut lines = vec!["id,text,label".to_owned()];
        lines.extend((1..=30_000).map(|row| match row {
            200 => "200,\"Begin quote,x".to_owned(),
            26_000 => "26000,\"End quote,x".to_owned(),
            27_000 => "27000,\"one, two\",x".to_owned(),
            _ => format!("{row},some text of row {row},x"),
        }));
        let mut expected = lines.clone();
        expected[200].insert(0, '!');
        expected[26_000].insert(0, '!');
        assert_eq!(rows_of(&lines.join("\n"), b','), expected);
    }

    #[test]
    fn a_quote_that_swallows_more_than_a_cell_may_hold_is_stray() {
        let rows = "some text of a row\tx\n".repeat(CELL_LIMIT / 20);
        let rows = rows_of(&format!("text\tlabel\n\"open\tx\n{rows}\"open\tx\n"), b'\t');
        assert_eq!(rows.len(), CELL_LIMIT / 20 + 3);
        assert_eq!(rows.iter().filter(|row| row.starts_with('!')).count(), 2);
    }

    #[test]
    fn a_row_in_another_encoding_is_told_of_itself_though_a_quote_swallowed_it() {
        let (foreign, _, _) = encoding_rs::GBK.encode("租赁合同的违约责任\tx\n");
        let text = ["文本\t类别\n\"双方协商\tx\n甲方\ty\n".as_bytes(), &foreign].concat();
        let mut records = Records::new(
            Path::new("x.csv"),
            text.as_slice(),
            UTF_8,
            Marks::new(b'\t', Quoting::Double),
        );
        let mut record = Record::default();
        let mut told = Vec::new();
        while records.next(&mut record).unwrap() {
            told.push((record.problem.is_some(), record.misfit.is_some()));
        }
        assert_eq!(
            told,
            [(false, false), (true, false), (false, false), (false, true)]
        );
    }

    #[test]
    fn a_cell_of_many_lines_with_commas_is_one_cell() {
        let letter = "Dear Sir,\nthe contract, signed in May, is void.\n\n".repeat(2_000);
        let rows = read(&format!("text,label\n\"{letter}\",x\n\"{letter}\",y\n")).unwrap();
        assert_eq!(
            (rows.len(), rows[1][0].as_str(), rows[2][1].as_str()),
            (3, letter.as_str(), "y")
        );
    }

    #[test]
    fn a_quote_that_its_row_does_not_close_is_a_character_of_its_cell() {
        assert_eq!(
            cells_of_line("1,\"Begin, quote,x", Marks::new(b',', Quoting::Double)),
            ["1", "\"Begin", " quote", "x"]
        );
        assert_eq!(
            cells_of_line("1,\"a, b\",x", Marks::new(b',', Quoting::Double)),
            ["1", "a, b", "x"]
        );
        assert_eq!(
            cells_of_line("\"cut\nhere", Marks::new(b',', Quoting::Double)),
            ["cut\nhere"]
        );
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
        let mut records = Records::new(
            Path::new("x.csv"),
            &b"a,b\r\n\"x\",\"y\",z\r\n"[..],
            UTF_8,
            Marks::new(b',', Quoting::Double),
        );
        let mut record = Record::default();
        records.next(&mut record).unwrap();
        records.next(&mut record).unwrap();
        assert_eq!(
            (record.row, record.raw.as_str(), record.len()),
            (2, "\"x\",\"y\",z", 3)
        );
    }
}
