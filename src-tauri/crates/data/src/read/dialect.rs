//! Which delimiter, if any, and whether the first row holds names: guesses from a sample of rows.

use std::collections::HashSet;
use std::io::Cursor;
use std::path::Path;

use encoding_rs::Encoding;

use super::marks::Marks;
use super::record::Record;
use super::records::Records;
use crate::error::{DataError, Result};
use crate::types::Quoting;

/// Those that are looked for, in order of preference when the sample does not decide.
const DELIMITERS: [u8; 6] = [b',', b'\t', b';', b'|', b'^', b'~'];

/// Rows looked at.
const SAMPLE_ROWS: usize = 200;

/// A delimiter counts as found when this share of the rows has the same number of cells, two or more.
const AGREEMENT: f64 = 0.6;

/// More rows above a header than this are no titles.
const MOST_TITLES: usize = 10;

/// A header's cell is a name, not a text.
const LONGEST_NAME: usize = 80;

/// The delimiter that `text` names: any one character of ASCII that does not quote or end a row.
pub(super) fn delimiter_from(text: &str) -> Result<u8> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r' | 0) => Ok(*byte),
        _ => Err(DataError::UnknownDelimiter {
            delimiter: text.to_owned(),
        }),
    }
}

/// The first bytes of a file, for guessing.
pub(super) struct Sample<'a> {
    pub(super) path: &'a Path,
    pub(super) bytes: &'a [u8],
    pub(super) encoding: &'static Encoding,
    pub(super) quoting: Quoting,
    /// The sample is the whole file, so that its last row is complete.
    pub(super) whole: bool,
}

impl Sample<'_> {
    /// The sample's rows when cut at `delimiter`. A sample that ends in mid-row gives that row up unless it would
    /// be left with none; one that cannot be read gives the rows before the fault.
    pub(super) fn rows(&self, delimiter: u8) -> Vec<Vec<String>> {
        let marks = Marks::new(delimiter, self.quoting);
        let mut records = Records::new(self.path, Cursor::new(self.bytes), self.encoding, marks);
        let mut record = Record::default();
        let mut rows: Vec<Vec<String>> = Vec::new();
        while rows.len() <= SAMPLE_ROWS && matches!(records.next(&mut record), Ok(true)) {
            rows.push(record.cells().map(str::to_owned).collect());
        }
        if rows.len() > 1 && (!self.whole || rows.len() > SAMPLE_ROWS) {
            rows.pop();
        }
        rows
    }

    /// The delimiter on which the rows agree, for a text that need not be a table: in prose most lines may well
    /// have one comma, but a space follows it.
    pub(super) fn certain_delimiter(&self) -> Option<u8> {
        let scores = self.scores();
        let certain = |(_, score): &&(u8, Agreement)| {
            score.share >= AGREEMENT && score.first_agrees && score.spaced < 0.5
        };
        let found = scores.iter().filter(certain);
        found
            .max_by(|(_, a), (_, b)| a.better_than(b))
            .map(|(delimiter, _)| *delimiter)
    }

    fn scores(&self) -> Vec<(u8, Agreement)> {
        DELIMITERS
            .iter()
            .map(|delimiter| (*delimiter, agreement(&self.rows(*delimiter))))
            .collect()
    }

    pub(super) fn delimiter(&self) -> u8 {
        let scores = self.scores();
        let found = scores
            .iter()
            .filter(|(_, score)| score.share >= AGREEMENT)
            .max_by(|(_, a), (_, b)| a.better_than(b));
        // Ragged rows under a row of names.
        let named = || scores.iter().find(|(_, score)| score.names && score.uncut <= 0.5);
        // A single column of texts: the delimiter that cuts the fewest of them.
        let least = || {
            scores
                .iter()
                .rev()
                .max_by(|(_, a), (_, b)| a.uncut.total_cmp(&b.uncut))
        };
        found
            .or_else(named)
            .or_else(least)
            .map_or(b',', |(delimiter, _)| *delimiter)
    }
}

struct Agreement {
    /// Share of the rows that have the commonest number of cells, if that is two or more.
    share: f64,
    cells: usize,
    /// Whether the first row, most often the header, has that number too.
    first_agrees: bool,
    /// The first row is cut into several cells that could be names: in prose a space follows the comma.
    names: bool,
    /// Share of the rows that stay one cell.
    uncut: f64,
    /// Share of the cells after the first that begin with a space.
    spaced: f64,
}

impl Agreement {
    /// The header decides before the share: a comma in most of a semicolon file's texts must not win.
    fn better_than(&self, other: &Agreement) -> std::cmp::Ordering {
        (self.first_agrees.cmp(&other.first_agrees))
            .then(self.share.total_cmp(&other.share))
            .then(self.cells.cmp(&other.cells))
    }
}

fn agreement(rows: &[Vec<String>]) -> Agreement {
    let widths: Vec<usize> = rows.iter().map(Vec::len).collect();
    let rows_of = |width: usize| widths.iter().filter(|other| **other == width).count();
    let commonest = widths
        .iter()
        .copied()
        .filter(|width| *width > 1)
        .max_by_key(|width| rows_of(*width));
    let total = widths.len().max(1) as f64;
    let later = || rows.iter().flat_map(|row| row.iter().skip(1));
    let spaced = later().filter(|cell| cell.starts_with(' ')).count();
    let is_name = |cell: &String| !cell.is_empty() && !cell.starts_with(' ');
    Agreement {
        names: rows
            .first()
            .is_some_and(|first| first.len() > 1 && first.iter().all(is_name)),
        share: commonest.map_or(0.0, |width| rows_of(width) as f64 / total),
        cells: commonest.unwrap_or(1),
        first_agrees: commonest.is_some() && widths.first().copied() == commonest,
        uncut: rows_of(1) as f64 / total,
        spaced: spaced as f64 / later().count().max(1) as f64,
    }
}

/// Whether the first row names the columns: its cells are short, distinct, no numbers, and none of them comes
/// again in its own column.
pub(super) fn has_header(rows: &[Vec<String>]) -> bool {
    let Some((first, rest)) = rows.split_first() else {
        return false;
    };
    let filled: Vec<&str> = first
        .iter()
        .map(|cell| cell.trim())
        .filter(|cell| !cell.is_empty())
        .collect();
    let looks_like_names = !filled.is_empty()
        && filled
            .iter()
            .all(|cell| cell.chars().count() <= LONGEST_NAME && cell.parse::<f64>().is_err());
    let comes_again = first.iter().enumerate().any(|(column, name)| {
        let again = |row: &Vec<String>| row.get(column).is_some_and(|cell| cell.trim() == name.trim());
        !name.trim().is_empty() && rest.iter().any(again)
    });
    looks_like_names && !comes_again
}

/// How many rows stand above the table: titles and notes, with one cell each, above a row of names. `apart` tells whether
/// there is an empty row below a row.
pub(super) fn title_rows(rows: &[Vec<String>], apart: impl Fn(usize) -> bool) -> usize {
    let filled = |row: &Vec<String>| row.iter().filter(|cell| !cell.trim().is_empty()).count();
    let titles = rows.iter().take_while(|row| filled(row) < 2).count();
    let (above, table) = rows.split_at(titles);
    let columns = table.first().map_or(0, Vec::len);
    // One name above two columns is rather a header with a gap.
    let no_header =
        columns > 2 || above.iter().all(|row| row.len() < columns) || apart(titles.saturating_sub(1));
    let wide = table.iter().filter(|row| filled(row) > 1).count();
    let is_table = table.len() > 1 && wide * 2 > table.len() && has_header(table);
    match (1..=MOST_TITLES).contains(&titles) && no_header && is_table {
        true => titles,
        false => 0,
    }
}

/// Distinct, non-empty names to show: an empty name becomes `#3`, a repeated one `text (2)`.
pub(super) fn display_names(header: Option<&[String]>, columns: usize) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut names = Vec::with_capacity(columns);
    for index in 0..columns {
        let given = header
            .and_then(|header| header.get(index))
            .map_or("", |name| name.trim());
        let base = if given.is_empty() {
            format!("#{}", index + 1)
        } else {
            given.to_owned()
        };
        let mut name = base.clone();
        let mut copy = 2;
        while !taken.insert(name.clone()) {
            name = format!("{base} ({copy})");
            copy += 1;
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter(text: &str) -> char {
        let sample = Sample {
            quoting: Quoting::Double,
            path: Path::new("x"),
            bytes: text.as_bytes(),
            encoding: encoding_rs::UTF_8,
            whole: true,
        };
        sample.delimiter() as char
    }

    #[test]
    fn the_delimiter_is_the_one_on_which_the_rows_agree() {
        assert_eq!(delimiter("text,label\n\"a; b; c\",x\n\"d, e\",y\n"), ',');
        assert_eq!(delimiter("text;label\na, b, c;x\nd, e;y\nf;z\n"), ';');
        assert_eq!(delimiter("text\tlabel\none, two\tx\nthree, four\ty\n"), '\t');
        assert_eq!(delimiter("text|label\na|x\nb|y\n"), '|');
        assert_eq!(delimiter("text^label\na, b^x\nb^y\n"), '^');
        assert_eq!(delimiter("text~label\na^2~x\nb~y\n"), '~');
    }

    #[test]
    fn prose_is_no_table_and_a_table_is() {
        let certain = |text: &str| {
            let sample = Sample {
                quoting: Quoting::Double,
                path: Path::new("x"),
                bytes: text.as_bytes(),
                encoding: encoding_rs::UTF_8,
                whole: true,
            };
            sample.certain_delimiter().map(char::from)
        };
        assert_eq!(certain("Well, yes.\nNo, never.\nOf course, sir.\n"), None);
        assert_eq!(certain("one line\nanother\n"), None);
        assert_eq!(certain("text,label\nwell, yes,a\nno,b\nof course,c\n"), Some(','));
        assert_eq!(certain("text\tlabel\nwell, yes\ta\nno, never\tb\n"), Some('\t'));
    }

    #[test]
    fn rows_cut_short_do_not_hide_the_delimiter() {
        assert_eq!(delimiter("a,b,c\n1,2,3\n1,2\n1,2,3\n1,2,3\n"), ',');
        assert_eq!(delimiter("a,b,c\n1,2,3,4\n1,2\n1,2,3\n1\n"), ',');
    }

    #[test]
    fn one_column_of_texts_stays_one_column() {
        assert_ne!(
            delimiter("text\nno comma\none, comma\nfar, too, many, commas\nnone\n"),
            ','
        );
        assert_eq!(delimiter("text\na\nb\n"), ',');
    }

    fn rows(text: &[&[&str]]) -> Vec<Vec<String>> {
        text.iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect()
    }

    #[test]
    fn a_row_of_names_is_a_header_and_a_row_of_data_is_not() {
        assert!(has_header(&rows(&[
            &["text", "label"],
            &["a b", "spam"],
            &["c d", "ham"]
        ])));
        assert!(has_header(&rows(&[&["", "类别"], &["1", "违约"]])));
        assert!(!has_header(&rows(&[&["1", "2", "3"]])));
        assert!(!has_header(&rows(&[
            &["see you", "ham"],
            &["win now", "spam"],
            &["hello", "ham"]
        ])));
        assert!(!has_header(&rows(&[&[&"long ".repeat(30), "x"], &["b", "y"]])));
    }

    #[test]
    fn what_stands_above_a_row_of_names_is_told_from_it() {
        let data: [&[&str]; 2] = [&["a b", "x", "1"], &["c d", "x", "2"]];
        let titles = |above: &[&[&str]]| title_rows(&rows(&[above, &data].concat()), |_| false);
        let names: &[&str] = &["text", "label", "n"];
        assert_eq!(titles(&[&["Report", "", ""], names]), 1);
        assert_eq!(titles(&[&["Report"], &["by", "", ""], names]), 2);
        assert_eq!(titles(&[names]), 0);
        assert_eq!(titles(&[&["Report", "", ""]]), 0, "no names below");
        assert_eq!(titles(&[["x"].as_slice(); 11]), 0);
        // The name of one column of two, unless an empty row parts it from the table.
        let two = rows(&[&["Text", ""], &["a b", "first"], &["c d", "second"]]);
        assert_eq!(title_rows(&two, |_| false), 0);
        assert_eq!(title_rows(&two, |row| row == 0), 1);
    }

    #[test]
    fn names_are_distinct_and_never_empty() {
        let header: Vec<String> = ["text", "", "text", "text (2)", " "].map(str::to_owned).to_vec();
        assert_eq!(
            display_names(Some(&header), 5),
            ["text", "#2", "text (2)", "text (2) (2)", "#5"]
        );
        assert_eq!(display_names(None, 2), ["#1", "#2"]);
    }
}
