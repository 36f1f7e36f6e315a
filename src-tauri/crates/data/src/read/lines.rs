//! Text that is no table: one text a line, blank lines left out.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;

use super::CELL_LIMIT;
use super::decoded::Decoded;
use super::misfit::Misfit;
use super::record::Record;
use super::source::Source;
use super::table::Reader;
use crate::error::{DataError, NotATable, Result};

/// The name of the only column.
pub(super) const COLUMN: &str = "text";

/// The lines of a text.
pub(super) struct Lines<R> {
    path: PathBuf,
    input: Decoded<R>,
    line: Vec<u8>,
    row: u32,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(path: &Path, source: R, encoding: &'static Encoding) -> Self {
        Lines {
            path: path.to_path_buf(),
            input: Decoded::new(source, encoding),
            line: Vec::new(),
            row: 0,
        }
    }

    /// The next line that is not blank, and its number among these; `None` at the end.
    ///
    /// # Errors
    /// `Io`, `NotATable` (a NUL character), `CellTooLarge`, and those of unpacking.
    pub(super) fn next_line(&mut self) -> Result<Option<(u32, &str)>> {
        loop {
            let more = read_line(&mut self.input, &mut self.line).map_err(DataError::io(&self.path))?;
            if self.line.len() > CELL_LIMIT {
                return Err(DataError::CellTooLarge {
                    row: self.row + 1,
                    limit_bytes: CELL_LIMIT,
                });
            }
            if self.input.has_nul() {
                return Err(self.binary());
            }
            if !self.line.iter().all(u8::is_ascii_whitespace) {
                break;
            }
            if !more {
                return Ok(None);
            }
        }
        self.row += 1;
        match std::str::from_utf8(&self.line) {
            Ok(line) => Ok(Some((self.row, line))),
            Err(_) => Err(self.binary()),
        }
    }

    /// See [`Decoded::misfit`].
    pub(super) fn misfit(&mut self) -> Option<Misfit> {
        self.input.misfit()
    }

    pub(super) fn source(&mut self) -> &mut R {
        self.input.source()
    }

    fn binary(&self) -> DataError {
        DataError::NotATable {
            path: self.path.clone(),
            why: NotATable::Binary,
        }
    }
}

/// Reads up to the next line end (LF, CR, or the first half of CRLF), which is left out; `false` when there was none.
/// Gives up soon after [`CELL_LIMIT`].
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    loop {
        let available = input.fill_buf()?;
        if available.is_empty() || line.len() > CELL_LIMIT {
            return Ok(false);
        }
        let end = available.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        line.extend_from_slice(&available[..end.unwrap_or(available.len())]);
        let read = end.map_or(available.len(), |end| end + 1);
        input.consume(read);
        if end.is_some() {
            return Ok(true);
        }
    }
}

impl Reader for Lines<Source> {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        let Some((row, line)) = self.next_line()? else {
            return Ok(false);
        };
        record.begin(row);
        record.push(line);
        record.keep_raw(line);
        record.misfit = self.misfit();
        Ok(true)
    }

    fn bytes_read(&mut self) -> u64 {
        self.source().bytes_read()
    }

    fn sha256(&mut self) -> Result<String> {
        self.source().sha256()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        let mut lines = Lines::new(Path::new("x.txt"), text.as_bytes(), encoding_rs::UTF_8);
        let mut all = Vec::new();
        while let Some((_, line)) = lines.next_line().unwrap() {
            all.push(line.to_owned());
        }
        all
    }

    #[test]
    fn every_line_end_ends_a_text_and_blank_lines_are_none() {
        for text in [
            "one, two\n\"three\n",
            "one, two\r\n\r\n  \r\n\"three",
            "one, two\r\"three\r",
        ] {
            assert_eq!(lines(text), ["one, two", "\"three"], "{text:?}");
        }
    }

    #[test]
    fn a_nul_character_means_that_this_is_no_text() {
        let mut lines = Lines::new(Path::new("x.txt"), &b"a\0b\n"[..], encoding_rs::UTF_8);
        assert!(matches!(lines.next_line(), Err(DataError::NotATable { .. })));
    }
}
