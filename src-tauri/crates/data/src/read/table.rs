//! An opened table: its dialect, its columns, and its data rows one at a time.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::dialect::{Sample, delimiter_from, display_names, has_header};
use super::encoding::{by_name, detect, fill};
use super::records::{Record, Records};
use crate::error::{DataError, Result};
use crate::text::hex;
use crate::types::{Dialect, DialectOverrides};

/// Bytes from which delimiter and header are guessed.
const SAMPLE_BYTES: usize = 256 * 1024;

/// Bytes from which a preview guesses the encoding.
const ENCODING_BYTES: u64 = 1024 * 1024;

/// How much of the file may be read to guess its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The beginning: quick, for a preview.
    Beginning,
    /// All of it: the first accent may stand in the last row.
    Whole,
}

/// A table, positioned before its first data row.
pub(crate) struct Table {
    pub(crate) path: PathBuf,
    /// Bytes of the file.
    pub(crate) bytes: u64,
    pub(crate) dialect: Dialect,
    /// Distinct display names, as many as the table has columns.
    pub(crate) columns: Vec<String>,
    records: Records<HashingFile>,
    /// The first row, when it is data.
    pending: Option<Record>,
}

impl Table {
    /// Opens `path`; what `overrides` leaves open is guessed. `go_on` is asked while guessing.
    ///
    /// # Errors
    /// `Io`, `EmptyFile`, `NotATable`, `UnknownEncoding`, `UnknownDelimiter`, `Cancelled`, and those of reading the
    /// first row.
    pub(crate) fn open(
        path: &Path,
        overrides: &DialectOverrides,
        extent: Extent,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Table> {
        let mut file = File::open(path).map_err(DataError::io(path))?;
        let metadata = file.metadata().map_err(DataError::io(path))?;
        if metadata.is_dir() {
            return Err(DataError::io(path)(std::io::ErrorKind::IsADirectory.into()));
        }
        let limit = if extent == Extent::Whole {
            u64::MAX
        } else {
            ENCODING_BYTES
        };
        // The magic numbers count even when the user named an encoding.
        let guessed = detect(path, &mut file, limit, go_on)?;
        let encoding = overrides.encoding.as_deref().map_or(Ok(guessed), by_name)?;

        file.rewind().map_err(DataError::io(path))?;
        let mut bytes = vec![0; SAMPLE_BYTES];
        let length = fill(&mut file, &mut bytes).map_err(DataError::io(path))?;
        let sample = Sample {
            path,
            bytes: &bytes[..length],
            encoding,
            whole: length < SAMPLE_BYTES,
        };
        let delimiter = match overrides.delimiter.as_deref() {
            Some(given) => delimiter_from(given)?,
            None => sample.delimiter(),
        };
        let header = overrides
            .header
            .unwrap_or_else(|| has_header(&sample.rows(delimiter)));
        let dialect = Dialect {
            encoding: encoding.name().to_owned(),
            delimiter: (delimiter as char).to_string(),
            header,
        };

        file.rewind().map_err(DataError::io(path))?;
        let source = HashingFile {
            file,
            hasher: Sha256::new(),
            read: 0,
        };
        let mut records = Records::new(path, source, encoding, delimiter);
        let mut first = Record::default();
        if !records.next(&mut first)? {
            return Err(DataError::EmptyFile {
                path: path.to_path_buf(),
            });
        }
        let names: Vec<String> = first.cells().map(str::to_owned).collect();
        Ok(Table {
            path: path.to_path_buf(),
            bytes: metadata.len(),
            dialect,
            columns: display_names(header.then_some(&names), names.len()),
            records,
            pending: (!header).then_some(first),
        })
    }

    /// Reads the next data row into `record`; `false` at the end.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool> {
        match self.pending.take() {
            Some(first) => {
                *record = first;
                Ok(true)
            }
            None => self.records.next(record),
        }
    }

    /// Bytes of the file read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.records.source().read
    }

    /// SHA-256 of the bytes read so far: of the file, once `next` has answered `false`.
    pub(crate) fn sha256(&self) -> String {
        hex(&self.records.source().hasher.clone().finalize())
    }

    /// The file's name without folders.
    pub(crate) fn file_name(&self) -> String {
        self.path
            .file_name()
            .unwrap_or(self.path.as_os_str())
            .to_string_lossy()
            .into_owned()
    }
}

struct HashingFile {
    file: File,
    hasher: Sha256,
    read: u64,
}

impl Read for HashingFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.hasher.update(&buffer[..length]);
        self.read += length as u64;
        Ok(length)
    }
}
