//! The beginning of a file, read to show it and to propose what its columns are.

use std::collections::HashSet;
use std::path::Path;

use super::flags::{SeparatorGuess, flag};
use super::folder;
use super::record::Record;
use super::roles::{Shape, guess_roles, part_from_word};
use super::table::{Extent, Table};
use crate::date::is_day;
use crate::error::{DataError, Result};
use crate::text::{HASH_BYTES, content_hash, head};
use crate::types::{ColumnPreview, ColumnRole, DialectOverrides, Format, Preview, ProblemKind, RowProblem};

/// Rows read for the columns' figures, even when fewer are shown.
const FIGURE_ROWS: usize = 2_000;
/// Bytes after which reading stops, however few the rows.
const PREFIX_BYTES: u64 = 8 * 1024 * 1024;
const CELL_CHARS: usize = 300;
const PROBLEMS: usize = 20;
const EXAMPLES: usize = 3;

/// Reads a bounded prefix of the file at `path`, guesses what `dialect` leaves open, shows the first `max_rows`
/// rows and proposes a role for every column.
///
/// # Errors
/// `Io`, `EmptyFile`, `HeaderOnly`, `NotATable`, `PasswordProtected`, `DamagedFile`, `UnpacksTooLarge`,
/// `UnknownSheet`, `NoTextFiles`, `CellTooLarge`, `UnclosedQuote`, `UnknownEncoding`, `UnknownDelimiter`.
pub fn preview(path: &Path, dialect: &DialectOverrides, max_rows: usize) -> Result<Preview> {
    let mut table = Table::open(path, dialect, Extent::Beginning, &mut || true)?;
    let mut figures: Vec<Figures> = table.columns.iter().map(|_| Figures::new()).collect();
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    let mut record = Record::default();
    let mut read = 0;
    let mut more = false;
    let mut mixed = std::mem::take(&mut table.mixed);
    while table.next(&mut record)? {
        if read >= FIGURE_ROWS.max(max_rows) || (read > 0 && table.bytes_read() > PREFIX_BYTES) {
            more = true;
            break;
        }
        read += 1;
        if let Some(misfit) = record.misfit {
            misfit.tell(&mut mixed, record.row, None);
        }
        match cell_problem(&record, table.columns.len()) {
            Some(kind) if problems.len() < PROBLEMS => {
                problems.push(RowProblem {
                    id: None,
                    row: record.row,
                    kind,
                    raw: record.raw.clone(),
                });
            }
            Some(_) => {}
            None => {
                figures
                    .iter_mut()
                    .zip(record.cells())
                    .for_each(|(column, cell)| column.add(cell));
                if rows.len() < max_rows {
                    rows.push(
                        record
                            .cells()
                            .map(|cell| head(cell, CELL_CHARS).to_owned())
                            .collect(),
                    );
                }
            }
        }
    }
    if read == 0 {
        return Err(DataError::HeaderOnly {
            path: path.to_path_buf(),
            columns: table.columns,
        });
    }
    let (columns, label_separator) = describe(&table, figures);
    Ok(Preview {
        path: path.to_string_lossy().into_owned(),
        file_name: table.file_name(),
        bytes: table.bytes as f64,
        columns,
        label_separator,
        dialect: table.dialect,
        sheets: table.sheets,
        other_files: table.other_files,
        rows,
        rows_read: read as u32,
        more,
        problems,
        mixed,
    })
}

/// What is wrong with the shape of a record in a table of `columns` columns.
pub(crate) fn cell_problem(record: &Record, columns: usize) -> Option<ProblemKind> {
    if record.problem.is_some() {
        record.problem.clone()
    } else if record.len() != columns {
        Some(ProblemKind::CellCount {
            expected: columns as u32,
            found: record.len() as u32,
        })
    } else {
        None
    }
}

/// The columns with their proposed roles, and what stands between the labels of a cell of the only label column.
fn describe(table: &Table, figures: Vec<Figures>) -> (Vec<ColumnPreview>, Option<String>) {
    let names = table.columns.iter();
    let shapes: Vec<Shape> = names
        .zip(&figures)
        .map(|(name, column)| column.shape(name))
        .collect();
    // A folder's columns are known, and its first files may well lie in one sub-folder.
    let roles = match table.dialect.format {
        Format::Folder => folder::ROLES.to_vec(),
        _ => guess_roles(&shapes),
    };
    let mut labels = shapes
        .iter()
        .zip(&roles)
        .filter(|(_, role)| **role == ColumnRole::Label);
    let separator = match (labels.next(), labels.next()) {
        (Some((only, _)), None) => only.separator.map(str::to_owned),
        _ => None,
    };
    let columns = shapes.into_iter().zip(roles).zip(figures);
    let columns = columns
        .map(|((shape, role), column)| ColumnPreview {
            name: shape.name,
            role,
            filled: shape.filled,
            distinct: shape.distinct,
            mean_length: shape.mean_length,
            examples: column.examples,
        })
        .collect();
    (columns, separator)
}

struct Figures {
    filled: u32,
    characters: u64,
    values: HashSet<[u8; HASH_BYTES]>,
    examples: Vec<String>,
    all_parts: bool,
    all_days: bool,
    /// Whether a cell was neither yes nor no, and whether the two came.
    no_flag: bool,
    flags: [bool; 2],
    separator: SeparatorGuess,
}

impl Figures {
    fn new() -> Self {
        Figures {
            filled: 0,
            characters: 0,
            values: HashSet::new(),
            examples: Vec::new(),
            all_parts: true,
            all_days: true,
            no_flag: false,
            flags: [false; 2],
            separator: SeparatorGuess::default(),
        }
    }

    fn add(&mut self, cell: &str) {
        let cell = cell.trim();
        if cell.is_empty() {
            return;
        }
        self.filled += 1;
        self.characters += cell.chars().count() as u64;
        self.all_parts = self.all_parts && part_from_word(cell).is_some();
        self.all_days = self.all_days && is_day(cell);
        match flag(cell) {
            Some(yes) => self.flags[usize::from(yes)] = true,
            None => self.no_flag = true,
        }
        self.separator.add(cell);
        if self.values.insert(content_hash(cell)) && self.examples.len() < EXAMPLES {
            self.examples.push(head(cell, CELL_CHARS).to_owned());
        }
    }

    fn shape(&self, name: &str) -> Shape {
        Shape {
            name: name.to_owned(),
            filled: self.filled,
            distinct: self.values.len() as u32,
            mean_length: self.characters as f64 / f64::from(self.filled.max(1)),
            all_parts: self.all_parts && self.filled > 0,
            all_days: self.all_days && self.filled > 0,
            all_flags: !self.no_flag && self.flags[1],
            separator: self.separator.separator(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{ColumnRole, Quoting};
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample;

    fn write(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn look(bytes: &[u8]) -> Result<Preview> {
        preview(write(bytes).path(), &DialectOverrides::default(), 50)
    }

    #[test]
    fn a_preview_shows_dialect_columns_rows_and_problems() {
        let seen = look(b"text;label\nhello there;a\nshort\ngood bye;b\nsee you;a\nhi;b\n").unwrap();
        assert_eq!(
            (seen.dialect.delimiter.as_str(), seen.dialect.header),
            (";", true)
        );
        assert_eq!(
            seen.columns.iter().map(|c| c.role).collect::<Vec<_>>(),
            [ColumnRole::Text, ColumnRole::Label]
        );
        assert_eq!((seen.columns[1].filled, seen.columns[1].distinct), (4, 2));
        assert_eq!((seen.rows.len(), seen.rows_read, seen.more), (4, 5, false));
        assert_eq!(seen.problems[0].row, 3);
        assert_eq!(
            seen.problems[0].kind,
            ProblemKind::CellCount {
                expected: 2,
                found: 1
            }
        );
    }

    #[test]
    fn a_windows_file_in_chinese_reads_as_its_author_wrote_it() {
        let rows = "房间很干净，服务也好,正面\r\n早餐太差，隔音不好,负面\r\n".repeat(5);
        let text = format!("评论,情感\r\n{rows}");
        let (bytes, _, _) = encoding_rs::GB18030.encode(&text);
        let seen = look(&bytes).unwrap();
        assert_eq!(seen.dialect.encoding, "GBK");
        assert_eq!(seen.rows[0], ["房间很干净，服务也好", "正面"]);
    }

    #[test]
    fn excels_unicode_text_reads_like_any_table() {
        let text = "text\tlabel\r\n\"a, \"\"b\"\"\"\tx\r\nc\ty\r\n";
        let bytes: Vec<u8> = [0xFF, 0xFE]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect();
        let seen = look(&bytes).unwrap();
        assert_eq!(
            (seen.dialect.encoding.as_str(), seen.dialect.delimiter.as_str()),
            ("UTF-16LE", "\t")
        );
        assert_eq!(seen.rows[0], ["a, \"b\"", "x"]);
    }

    #[test]
    fn the_mark_of_utf8_is_no_part_of_the_first_name() {
        assert_eq!(
            look("\u{feff}text,label\na,b\n".as_bytes()).unwrap().columns[0].name,
            "text"
        );
    }

    #[test]
    fn what_holds_a_cell_together_is_found_and_can_be_chosen() {
        let file = write(b"text,label\n'a, b','x'\n'c ''d''','y'\n");
        let seen = preview(file.path(), &DialectOverrides::default(), 9).unwrap();
        assert_eq!(seen.dialect.quoting, Quoting::Single);
        assert_eq!(seen.rows, [["a, b", "x"], ["c 'd'", "y"]]);
        let file = write(b"text,label\n\"so\" he said,x\nan inch is 1\",y\n\"never closed,z\n");
        let none = DialectOverrides {
            quoting: Some(Quoting::None),
            ..DialectOverrides::default()
        };
        let seen = preview(file.path(), &none, 9).unwrap();
        assert_eq!(seen.dialect.quoting, Quoting::None);
        assert_eq!(
            seen.rows,
            [
                ["\"so\" he said", "x"],
                ["an inch is 1\"", "y"],
                ["\"never closed", "z"]
            ]
        );
        assert!(seen.problems.is_empty());
    }

    #[test]
    fn the_users_decisions_stand() {
        let file = write(b"a;b\nc;d\n");
        let given = DialectOverrides {
            encoding: Some("gbk".into()),
            delimiter: Some(",".into()),
            header: Some(false),
            ..DialectOverrides::default()
        };
        let seen = preview(file.path(), &given, 1).unwrap();
        assert_eq!((seen.columns.len(), seen.columns[0].name.as_str()), (1, "#1"));
        assert_eq!((seen.rows.len(), seen.rows_read), (1, 2));
        let wrong = DialectOverrides {
            delimiter: Some("::".into()),
            ..DialectOverrides::default()
        };
        assert!(matches!(
            preview(file.path(), &wrong, 1),
            Err(DataError::UnknownDelimiter { .. })
        ));
    }

    #[test]
    fn a_long_file_is_read_only_at_its_beginning() {
        let seen = look(format!("text,label\n{}", "some text,x\n".repeat(5_000)).as_bytes()).unwrap();
        assert_eq!((seen.rows.len(), seen.rows_read, seen.more), (50, 2_000, true));
    }

    #[test]
    fn nothing_to_read_has_its_own_error() {
        assert!(matches!(look(b""), Err(DataError::EmptyFile { .. })));
        assert!(matches!(look(b"\r\n\r\n"), Err(DataError::EmptyFile { .. })));
        assert!(
            matches!(look(b"text,label\n"), Err(DataError::HeaderOnly { columns, .. }) if columns.len() == 2)
        );
        let gone = preview(Path::new("no such file.csv"), &DialectOverrides::default(), 5);
        assert!(matches!(gone, Err(DataError::Io { .. })));
    }

    fn quoted(cell: &str) -> String {
        format!("\"{}\"", cell.replace('"', "\"\""))
    }

    proptest! {
        #[test]
        fn any_cells_come_back_as_they_were_written(
            rows in vec(("[^\u{0}]{0,20}", "[^\u{0}]{0,20}"), 1..20),
            delimiter in sample::select(vec![",", ";", "\t", "|"]),
            line_end in sample::select(vec!["\n", "\r\n", "\r"]),
        ) {
            let lines = rows.iter().map(|(a, b)| format!("{}{delimiter}{}{line_end}", quoted(a), quoted(b)));
            let given = DialectOverrides {
                encoding: Some("utf-8".to_owned()),
                delimiter: Some(delimiter.to_owned()),
                header: Some(true),
                ..DialectOverrides::default()
            };
            let text = format!("text{delimiter}label{line_end}{}", lines.collect::<String>());
            let seen = preview(write(text.as_bytes()).path(), &given, 50).unwrap();
            let expected: Vec<Vec<String>> = rows.into_iter().map(|(a, b)| vec![a, b]).collect();
            prop_assert_eq!(seen.rows, expected);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in vec(any::<u8>(), 0..400)) {
            if let Ok(seen) = look(&bytes) {
                prop_assert!(seen.rows.iter().all(|row| row.len() == seen.columns.len()));
            }
        }
    }
}
