//! Whether an old workbook claims more cells than its format has: the reader behind this sets memory aside for a whole
//! rectangle before it has seen what is in it, and a damaged file of a few kilobytes would end the program (found by
//! fuzzing).

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// What a sheet of the format has at most.
const MOST_ROWS: u32 = 65_536;
const MOST_COLUMNS: u16 = 256;

/// Whether there is a claim that cannot be true; `None` where that cannot be told, because the container is broken.
pub(super) fn claims_too_much(file: &mut File) -> io::Result<Option<bool>> {
    file.rewind()?;
    let found = match too_many_rows(file)? {
        true => Some(true),
        false => in_its_records(file),
    };
    file.rewind()?;
    Ok(found)
}

/// The record with a sheet's extent is looked for by its bytes, wherever it stands: its type and length, and its last two,
/// which are always zero.
fn too_many_rows(file: &mut File) -> io::Result<bool> {
    const RECORD: usize = 18;
    let mut window = Vec::new();
    let mut found = false;
    while !found && file.by_ref().take(1 << 20).read_to_end(&mut window)? > 0 {
        found = window.windows(RECORD).any(|record| {
            let rows = u32::from_le_bytes([record[8], record[9], record[10], record[11]]);
            matches!(record[..4], [0x00, 0x02, 14 | 16, 0x00]) && record[16..] == [0, 0] && rows > MOST_ROWS
        });
        window.drain(..window.len().saturating_sub(RECORD - 1));
    }
    file.rewind()?;
    Ok(found)
}

/// Walks through the records of the workbook's stream, as its reader does: from the beginning, and from where the workbook
/// says that a sheet begins, which in a damaged one may be anywhere.
fn in_its_records(file: &mut File) -> Option<bool> {
    let mut container = cfb::CompoundFile::open(file).ok()?;
    for name in ["/Workbook", "/Book"] {
        if let Ok(stream) = container.open_stream(name) {
            let mut stream = BufReader::new(stream);
            // A stream that ends within a record is for its reader to find fault with.
            let mut seen = Seen::default();
            let _ends_within_a_record = walk(&mut stream, 0, false, &mut seen);
            for sheet in std::mem::take(&mut seen.sheets) {
                let _ends_within_a_record = walk(&mut stream, sheet, true, &mut seen);
            }
            return Some(seen.too_much);
        }
    }
    Some(false)
}

/// What was seen in the records.
#[derive(Debug, Default)]
struct Seen {
    too_much: bool,
    /// Where sheets begin.
    sheets: BTreeSet<u32>,
}

/// Looks at the records from a place on: to the end of the stream, or of the `sheet` that begins there.
fn walk(stream: &mut (impl Read + Seek), from: u32, sheet: bool, seen: &mut Seen) -> io::Result<()> {
    stream.seek(SeekFrom::Start(u64::from(from)))?;
    let mut head = [0; 4];
    // Charts and the like have a beginning and an end of their own within the sheet's.
    let mut begun = 0_u32;
    while !seen.too_much && stream.read_exact(&mut head).is_ok() {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = u16::from_le_bytes([head[2], head[3]]);
        if !matters(kind) {
            stream.seek(SeekFrom::Current(i64::from(length)))?;
            match kind {
                BEGIN => begun += 1,
                END if begun <= 1 && sheet => return Ok(()),
                END => begun = begun.saturating_sub(1),
                _ => {}
            }
            continue;
        }
        let mut record = vec![0; usize::from(length)];
        stream.read_exact(&mut record)?;
        let word = |at: usize| u16::from_le_bytes([record[at], record[at + 1]]);
        let long =
            |at: usize| u32::from_le_bytes([record[at], record[at + 1], record[at + 2], record[at + 3]]);
        match kind {
            SHEET if record.len() >= 4 => {
                seen.sheets.insert(long(0));
            }
            EXTENT => {
                // The first row and column, and those after the last.
                let (rows, columns) = match record.len() {
                    10 => ([u32::from(word(0)), u32::from(word(2))], word(6)),
                    14 | 16 => ([long(0), long(4)], word(10)),
                    _ => continue,
                };
                let cells = u64::from(rows[1]) * u64::from(columns);
                seen.too_much |= rows[1] > MOST_ROWS
                    || cells > u64::from(MOST_ROWS) * u64::from(MOST_COLUMNS)
                    || (rows[1] > 0 && rows[0] >= rows[1]);
            }
            // These name their last column at the end.
            RUN_OF_NUMBERS | RUN_OF_BLANKS if record.len() >= 6 => {
                seen.too_much |= word(record.len() - 2) >= MOST_COLUMNS;
            }
            _ if kind != SHEET && record.len() >= 6 => seen.too_much |= word(2) >= MOST_COLUMNS,
            _ => {}
        }
    }
    Ok(())
}

/// Records of the format, by the names of its description (MS-XLS): `BoundSheet8`, `Dimensions`, `MulRk`, `MulBlank`, `BOF`,
/// `EOF`.
const SHEET: u16 = 0x0085;
const EXTENT: u16 = 0x0200;
const RUN_OF_NUMBERS: u16 = 0x00BD;
const RUN_OF_BLANKS: u16 = 0x00BE;
const BEGIN: u16 = 0x0809;
const END: u16 = 0x000A;

/// Whether a record says where something stands: those above, and cells (`Formula`, `LabelSst`, `Blank`, `Number`, `Label`,
/// `BoolErr`, `RK`, `RString`).
fn matters(kind: u16) -> bool {
    const CELLS: [u16; 8] = [0x0006, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x027E, 0x00D6];
    matches!(kind, SHEET | EXTENT | RUN_OF_NUMBERS | RUN_OF_BLANKS) || CELLS.contains(&kind)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
    }

    fn too_much(records: &[Vec<u8>]) -> bool {
        let mut seen = Seen::default();
        let mut stream = Cursor::new(records.concat());
        walk(&mut stream, 0, false, &mut seen).unwrap();
        for sheet in std::mem::take(&mut seen.sheets) {
            walk(&mut stream, sheet, true, &mut seen).unwrap();
        }
        seen.too_much
    }

    #[test]
    fn a_cell_beyond_the_last_column_is_seen_and_others_are_not() {
        let number =
            |column: u8, high: u8| record(0x0203, &[0, 0, column, high, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let other = record(0x0042, &[0xFF; 9]);
        assert!(!too_much(&[other.clone(), number(255, 0)]));
        assert!(too_much(&[other, number(0, 1)]));
        assert!(too_much(&[record(
            RUN_OF_NUMBERS,
            &[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1]
        )]));
    }

    #[test]
    fn an_extent_beyond_the_format_is_seen_whatever_is_damaged_besides() {
        let extent_of = |from: u32, to: u32, columns: u8| {
            let rows = [from.to_le_bytes(), to.to_le_bytes()].concat();
            record(EXTENT, &[&rows[..], &[0, 0, 9, columns, 0xAB, 0xCD]].concat())
        };
        let extent = |from: u32, to: u32| extent_of(from, to, 0);
        assert!(!too_much(&[extent(0, 0)]) && !too_much(&[extent(0, MOST_ROWS)]));
        assert!(!too_much(&[extent_of(0, 9, 0xFF)]) && too_much(&[extent_of(0, MOST_ROWS, 0xFF)]));
        assert!(too_much(&[extent(0, MOST_ROWS + 1)]) && too_much(&[extent(7, 7)]));
    }

    #[test]
    fn a_sheet_is_looked_at_where_the_workbook_says_that_it_begins() {
        // The extent stands within another record, and the sheet is said to begin there.
        let inside = [
            record(0x0042, &[0; 3]),
            record(EXTENT, &[0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 1, 0, 9, 0, 0, 0, 0, 0]),
        ];
        let hidden = record(0x0042, &inside.concat());
        let sheet = record(SHEET, &[16, 0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(sheet.len(), 12);
        assert!(!too_much(std::slice::from_ref(&hidden)));
        assert!(too_much(&[sheet, hidden]));
    }
}
