//! What kind of file this is, by its first bytes; a name is never believed.

use std::path::Path;

use crate::error::{DataError, NotATable, Result};

/// Bytes that [`nature`] wants to see.
pub(super) const HEAD_BYTES: usize = 8 * 1024;

/// How a file is to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// Text in some encoding: a table, lines or JSON.
    Text,
    /// Compressed with gzip.
    Gzip,
    /// A zip container: a workbook, or an archive with tables in it.
    Zip,
    /// The container of old Excel workbooks, and of encrypted new ones.
    OldOffice,
    /// Apache Parquet.
    Parquet,
}

/// Tells a file by its first bytes.
///
/// # Errors
/// `NotATable` for what holds no rows.
pub(super) fn nature(path: &Path, bytes: &[u8]) -> Result<Nature> {
    const IMAGES: [&[u8]; 6] = [b"\x89PNG", b"\xFF\xD8\xFF", b"GIF8", b"II*\0", b"MM\0*", b"RIFF"];
    const ARCHIVES: [&[u8]; 4] = [b"7z\xBC\xAF\x27\x1C", b"BZh", b"\xFD7zXZ", b"Rar!"];
    let begins_with_one_of = |list: &[&[u8]]| list.iter().any(|magic| bytes.starts_with(magic));

    let why = if bytes.starts_with(b"\x1F\x8B") {
        return Ok(Nature::Gzip);
    } else if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") {
        return Ok(Nature::Zip);
    } else if bytes.starts_with(b"\xD0\xCF\x11\xE0") {
        return Ok(Nature::OldOffice);
    } else if bytes.starts_with(b"PAR1") || bytes.starts_with(b"PARE") {
        return Ok(Nature::Parquet);
    } else if bytes.starts_with(b"%PDF") {
        NotATable::Pdf
    } else if bytes.starts_with(b"{\\rtf") {
        NotATable::Document
    } else if begins_with_one_of(&IMAGES) {
        NotATable::Image
    } else if begins_with_one_of(&ARCHIVES) || bytes.get(257..262) == Some(b"ustar") {
        NotATable::Archive
    } else {
        return Ok(Nature::Text);
    };
    Err(DataError::NotATable {
        path: path.to_path_buf(),
        why,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_hold_no_rows_are_named() {
        let cases: [(&[u8], NotATable); 5] = [
            (b"%PDF-1.7", NotATable::Pdf),
            (b"\x89PNG\r\n", NotATable::Image),
            (b"{\\rtf1", NotATable::Document),
            (b"7z\xBC\xAF\x27\x1C\0", NotATable::Archive),
            (b"Rar!\x1a", NotATable::Archive),
        ];
        for (bytes, expected) in cases {
            match nature(Path::new("x.csv"), bytes) {
                Err(DataError::NotATable { why, .. }) => assert_eq!(why, expected),
                other => panic!("{expected:?} was read as {other:?}"),
            }
        }
    }

    #[test]
    fn containers_are_told_by_their_first_bytes() {
        let told = |bytes: &[u8]| nature(Path::new("x.csv"), bytes).unwrap();
        assert_eq!(told(b"\x1F\x8B\x08"), Nature::Gzip);
        assert_eq!(told(b"PK\x03\x04"), Nature::Zip);
        assert_eq!(told(b"\xD0\xCF\x11\xE0\xA1"), Nature::OldOffice);
        assert_eq!(told(b"PAR1"), Nature::Parquet);
        assert_eq!(told(b"text,label"), Nature::Text);
    }
}
