//! Whether an old workbook claims more cells than its format has: the reader behind this sets memory aside for a whole
//! rectangle before it has seen what is in it, and a damaged file of a few kilobytes would end the program (found by
//! fuzzing).

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
        false => too_many_columns(file),
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

/// Walks through the records of the workbook's stream and looks where the cells stand.
fn too_many_columns(file: &mut File) -> Option<bool> {
    let mut container = cfb::CompoundFile::open(file).ok()?;
    for name in ["/Workbook", "/Book"] {
        if let Ok(stream) = container.open_stream(name) {
            // A stream that ends within a record is for its reader to find fault with.
            return Some(a_cell_stands_outside(&mut BufReader::new(stream)).unwrap_or(false));
        }
    }
    Some(false)
}

fn a_cell_stands_outside(stream: &mut (impl Read + Seek)) -> io::Result<bool> {
    let mut head = [0; 4];
    while stream.read_exact(&mut head).is_ok() {
        let kind = u16::from_le_bytes([head[0], head[1]]);
        let length = u16::from_le_bytes([head[2], head[3]]);
        let is_cell = matches!(
            kind,
            // FORMULA, LABELSST, BLANK, NUMBER, LABEL, BOOLERR, RK, RSTRING
            0x0006 | 0x00FD | 0x0201 | 0x0203 | 0x0204 | 0x0205 | 0x027E | 0x00D6
        );
        // MULRK and MULBLANK name their last column at the end.
        let is_run = matches!(kind, 0x00BD | 0x00BE);
        if (is_cell || is_run) && length >= 6 {
            let mut record = vec![0; usize::from(length)];
            stream.read_exact(&mut record)?;
            let at = if is_run { record.len() - 2 } else { 2 };
            if u16::from_le_bytes([record[at], record[at + 1]]) >= MOST_COLUMNS {
                return Ok(true);
            }
        } else {
            stream.seek(SeekFrom::Current(i64::from(length)))?;
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn record(kind: u16, data: &[u8]) -> Vec<u8> {
        [&kind.to_le_bytes()[..], &(data.len() as u16).to_le_bytes(), data].concat()
    }

    fn outside(records: &[Vec<u8>]) -> bool {
        a_cell_stands_outside(&mut Cursor::new(records.concat())).unwrap()
    }

    #[test]
    fn a_cell_beyond_the_last_column_is_seen_and_others_are_not() {
        let number =
            |column: u8, high: u8| record(0x0203, &[0, 0, column, high, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        let other = record(0x0042, &[0xFF; 9]);
        assert!(!outside(&[other.clone(), number(255, 0)]));
        assert!(outside(&[other, number(0, 1)]));
        assert!(outside(&[record(0x00BD, &[0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 1])]));
    }
}
