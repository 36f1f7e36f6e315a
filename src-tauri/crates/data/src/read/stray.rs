//! Quotes that open a cell by mistake, and so swallow the rows that follow.
//!
//! In: a record of several lines as it stands in the file. Out: the end of the line with such a quote. A cell of several
//! lines is nothing unusual, so the lines themselves must speak against it: each of them reads as a row of its own.

use super::marks::Marks;
use super::records::cells_of_line;

/// Of so many lines one may have another number of cells: rows are seldom all sound.
const RAGGED: usize = 10;

/// A cell that is closed as it should be is doubted when so many lines stand between its first and its last, with so many
/// delimiters between them: a list of names or prices in a cell looks like two or three rows of two columns.
const LINES: usize = 3;
const DELIMITERS: usize = 6;

/// The end of the line, its line end included, in which a quote opens a cell by mistake. `raw` is all of a record that has
/// been read, of a table with `columns` columns.
pub(super) fn stray_quote(raw: &str, marks: Marks, columns: usize) -> Option<usize> {
    let quote = marks.quote?;
    let bytes = raw.as_bytes();
    let mut at = bytes.iter().position(|byte| !is_line_end(byte))?;
    let mut before = 0;
    loop {
        if bytes.get(at) == Some(&quote) {
            let close = closing_quote(bytes, at + 1, quote);
            let cell = Quoted {
                raw,
                open: at,
                close,
                before,
                marks,
                columns,
            };
            if let Some(end) = cell.stray() {
                return Some(end);
            }
            at = close? + 1;
        }
        // Behind its quotes a cell goes on to the next delimiter.
        let ends = |byte: &u8| *byte == marks.delimiter || is_line_end(byte);
        at += bytes[at..].iter().position(ends)?;
        if bytes[at] != marks.delimiter {
            return None;
        }
        at += 1;
        before += 1;
    }
}

/// The quote that closes the cell whose content begins at `at`; a doubled one does not.
fn closing_quote(bytes: &[u8], mut at: usize, quote: u8) -> Option<usize> {
    loop {
        at += bytes[at..].iter().position(|byte| *byte == quote)?;
        if bytes.get(at + 1) != Some(&quote) {
            return Some(at);
        }
        at += 2;
    }
}

/// A cell between quotes, the closing one perhaps missing.
struct Quoted<'a> {
    raw: &'a str,
    open: usize,
    close: Option<usize>,
    /// Cells before it in its row.
    before: usize,
    marks: Marks,
    columns: usize,
}

impl Quoted<'_> {
    /// The end of the cell's first line, if that line and those after it are rather rows.
    fn stray(&self) -> Option<usize> {
        let bytes = self.raw.as_bytes();
        let (start, end) = (self.open + 1, self.close.unwrap_or(bytes.len()));
        let first = start + bytes[start..end].iter().position(is_line_end)?;
        if self.columns < 2 || self.before + self.cells(&self.raw[start..first])? != self.columns {
            return None;
        }
        // A cell that is never closed has no last line of its own.
        let last = match self.close {
            Some(close) => start + 1 + bytes[start..close].iter().rposition(is_line_end)?,
            None => end,
        };
        let lines = self.raw[first..last].split(['\n', '\r']);
        let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
        let mut ragged = lines.iter().filter(|line| !self.is_row(line));
        if ragged.nth(lines.len() / RAGGED).is_some() {
            return None;
        }
        let rows = match self.close {
            None => !lines.is_empty(),
            Some(close) => {
                let end = close
                    + bytes[close..]
                        .iter()
                        .position(is_line_end)
                        .unwrap_or(bytes.len() - close);
                let whole = self.is_row(&self.raw[last..end]);
                match close + 1 == end || bytes[close + 1] == self.marks.delimiter {
                    true => whole && lines.len() >= LINES && lines.len() * (self.columns - 1) >= DELIMITERS,
                    // What should close the cell rather opens another one, or stands in the midst of one.
                    false => whole || close == last || bytes[close - 1] == self.marks.delimiter,
                }
            }
        };
        let line_end = if bytes[first..].starts_with(b"\r\n") { 2 } else { 1 };
        rows.then_some(first + line_end)
    }

    fn is_row(&self, line: &str) -> bool {
        self.cells(line) == Some(self.columns)
    }

    /// The cells of a line, unless it is rather a sentence, in which a space follows the comma.
    fn cells(&self, line: &str) -> Option<usize> {
        if self
            .marks
            .quote
            .is_some_and(|quote| line.contains(char::from(quote)))
        {
            return Some(cells_of_line(line, self.marks).len());
        }
        let mut later = line.split(char::from(self.marks.delimiter)).skip(1);
        let cells = 1 + later.clone().count();
        (!later.any(|cell| cell.starts_with(' '))).then_some(cells)
    }
}

fn is_line_end(byte: &u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Quoting;

    /// The lines that are left to be read again.
    fn again(raw: &str, delimiter: u8, columns: usize) -> Option<&str> {
        stray_quote(raw, Marks::new(delimiter, Quoting::Double), columns).map(|end| &raw[end..])
    }

    #[test]
    fn a_quote_that_takes_whole_rows_into_its_cell_is_stray() {
        // Never closed.
        assert_eq!(again("\"a\tx\nb\ty", b'\t', 2), Some("b\ty"));
        // "Closed" by the next stray quote, by a cell that is quoted, and by a word in quotes.
        assert_eq!(again("\"a\tx\n\"b\ty\n", b'\t', 2), Some("\"b\ty\n"));
        assert_eq!(
            again("1,\"a,x\r\n2,b,y\r\n3,\"c\r\nd\",x", b',', 3),
            Some("2,b,y\r\n3,\"c\r\nd\",x")
        );
        assert_eq!(
            again("1,\"a,x\n2,so \"b\" is,y", b',', 3),
            Some("2,so \"b\" is,y")
        );
        // Closed as it should be, after many rows.
        let rows = "2,b,y\n".repeat(3);
        let raw = format!("1,\"a,x\n{rows}3,c\",y");
        assert_eq!(again(&raw, b',', 3), Some(format!("{rows}3,c\",y").as_str()));
        // Behind a cell of several lines.
        assert_eq!(
            again("\"p\nq\",\"a,x\nb,c,d\nb,c,d", b',', 3),
            Some("b,c,d\nb,c,d")
        );
    }

    #[test]
    fn one_ragged_row_in_ten_is_no_excuse() {
        let raw = format!("\"a\tx\n{}ragged\nlast \"b\"\ty", "b\ty\n".repeat(9));
        assert!(again(&raw, b'\t', 2).is_some());
    }

    #[test]
    fn a_cell_of_several_lines_is_none_of_that() {
        for raw in [
            "\"Dear Sir, thanks\nfor all, and\nmore, or\nless, yours\nJohn\",x",
            "\"Dear Sir,\nthanks for all\nyours,\nJohn\",x",
            "\"1,5\n2,5\n3,5\n4\",x",
            "\"first line\nsays \"well\" to you\",x",
            "\"cut\nhere",
            "x,\"one\n\ntwo \"\"three\"\"\n\"",
        ] {
            assert_eq!(again(raw, b',', 2), None, "{raw:?}");
        }
        assert_eq!(again("\"one\ntwo\n\"three\" four", b',', 1), None);
    }
}
