//! An opened table, whatever its format: its dialect, its columns, and its data rows one at a time.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use super::format::{HEAD_BYTES, Nature, nature};
use super::record::Record;
use super::source::{Origin, Packing};
use super::unpack::{Member, Zip, look_into};
use super::{folder, parquet, text, workbook};
use crate::error::{DataError, NotATable, Result};
use crate::types::{Dialect, DialectOverrides, MixedEncoding};

/// How much of the file may be read to guess its encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The beginning: quick, for a preview.
    Beginning,
    /// All of it: the first accent may stand in the last row.
    Whole,
}

/// What a format yields: one record after another.
pub(super) trait Reader: Send {
    /// Reads the next data row into `record`; `false` at the end.
    fn next(&mut self, record: &mut Record) -> Result<bool>;

    /// Bytes of the file on disk read so far, or an estimate of it.
    fn bytes_read(&mut self) -> u64;

    /// The SHA-256 of the file on disk; asked once `next` has answered `false`.
    fn sha256(&mut self) -> Result<String>;
}

/// What opening a format brings.
pub(super) struct Opened {
    pub(super) dialect: Dialect,
    /// Distinct display names, as many as the table has columns.
    pub(super) columns: Vec<String>,
    /// What there is to choose from; empty where there is no choice.
    pub(super) sheets: Vec<String>,
    /// Data rows that opening has read already.
    pub(super) pending: VecDeque<Record>,
    /// Rows before the data whose bytes do not fit the encoding.
    pub(super) mixed: Vec<MixedEncoding>,
    pub(super) reader: Box<dyn Reader>,
}

/// A table, positioned before its first data row.
pub(crate) struct Table {
    pub(crate) path: PathBuf,
    /// Bytes of the file, or of a folder's text files.
    pub(crate) bytes: u64,
    pub(crate) dialect: Dialect,
    /// Distinct display names, as many as the table has columns.
    pub(crate) columns: Vec<String>,
    /// What there is to choose from, if anything.
    pub(crate) sheets: Vec<String>,
    /// Files of a folder, or of an archive that is one, that are left out.
    pub(crate) other_files: u32,
    /// Rows before the data whose bytes do not fit the encoding.
    pub(crate) mixed: Vec<MixedEncoding>,
    reader: Box<dyn Reader>,
    pending: VecDeque<Record>,
    bytes_read: u64,
    sha256: String,
}

impl Table {
    /// Opens `path`, a file or a folder; what `overrides` leaves open is guessed. `go_on` is asked while guessing.
    ///
    /// # Errors
    /// `Io`, `EmptyFile`, `NotATable`, `PasswordProtected`, `DamagedFile`, `UnpacksTooLarge`, `UnknownSheet`,
    /// `NoTextFiles`, `UnknownEncoding`, `UnknownDelimiter`, `Cancelled`, and those of reading the first row.
    pub(crate) fn open(
        path: &Path,
        overrides: &DialectOverrides,
        extent: Extent,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Table> {
        let metadata = std::fs::metadata(path).map_err(DataError::io(path))?;
        if metadata.is_dir() {
            let files = folder::Files::list(path, go_on)?;
            return open_folder(path, files.bytes, files, overrides);
        }
        let origin = Origin::plain(path)?;
        match nature(path, &origin.head(HEAD_BYTES)?)? {
            Nature::Zip => match look_into(path, origin.seekable()?)? {
                Zip::Workbook => open_as(&origin, Nature::Zip, overrides, extent, go_on),
                Zip::Archive { members, others } => match overrides.sheet {
                    None if folder::is_folder(&members) => {
                        let files = folder::Files::packed(&origin, members, others);
                        open_folder(path, origin.bytes, files, overrides)
                    }
                    _ => open_member(origin, members, overrides, extent, go_on),
                },
            },
            Nature::Gzip => {
                let packing = Packing::Gzip;
                let inner = Origin { packing, ..origin };
                open_inner(&inner, overrides, extent, go_on)
            }
            other => open_as(&origin, other, overrides, extent, go_on),
        }
    }

    fn of(path: &Path, bytes: u64, opened: Opened) -> Table {
        Table {
            path: path.to_path_buf(),
            bytes,
            dialect: opened.dialect,
            columns: opened.columns,
            sheets: opened.sheets,
            other_files: 0,
            mixed: opened.mixed,
            reader: opened.reader,
            pending: opened.pending,
            bytes_read: 0,
            sha256: String::new(),
        }
    }

    /// Reads the next data row into `record`; `false` at the end.
    pub(crate) fn next(&mut self, record: &mut Record) -> Result<bool> {
        if let Some(first) = self.pending.pop_front() {
            *record = first;
            return Ok(true);
        }
        let more = self.reader.next(record)?;
        self.bytes_read = self.reader.bytes_read().min(self.bytes);
        if !more && self.sha256.is_empty() {
            self.bytes_read = self.bytes;
            self.sha256 = self.reader.sha256()?;
        }
        Ok(more)
    }

    /// Bytes of the file read so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// SHA-256 of the file as it lies on disk, once `next` has answered `false`.
    pub(crate) fn sha256(&self) -> String {
        self.sha256.clone()
    }

    /// The file's name without folders.
    pub(crate) fn file_name(&self) -> String {
        file_name(&self.path)
    }
}

/// A file's name without folders.
pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Opens a folder of texts, or an archive that is one.
fn open_folder(path: &Path, bytes: u64, files: folder::Files, overrides: &DialectOverrides) -> Result<Table> {
    let other_files = files.others;
    let opened = folder::open(files, overrides)?;
    Ok(Table {
        other_files,
        ..Table::of(path, bytes, opened)
    })
}

/// Opens what is known not to be packed.
fn open_as(
    origin: &Origin,
    nature: Nature,
    overrides: &DialectOverrides,
    extent: Extent,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Table> {
    let path = &origin.path;
    let opened = match nature {
        Nature::Zip | Nature::OldOffice => workbook::open(origin, overrides)?,
        Nature::Parquet => parquet::open(origin)?,
        Nature::Text => text::open(origin, overrides, extent, go_on)?,
        Nature::Gzip => return Err(archive(path)),
    };
    Ok(Table::of(path, origin.bytes, opened))
}

/// Opens what was packed; packed again, it is nobody's table.
fn open_inner(
    inner: &Origin,
    overrides: &DialectOverrides,
    extent: Extent,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Table> {
    let nature = nature(&inner.path, &inner.head(HEAD_BYTES)?)?;
    if nature == Nature::Zip && !matches!(look_into(&inner.path, inner.seekable()?)?, Zip::Workbook) {
        return Err(archive(&inner.path));
    }
    open_as(inner, nature, overrides, extent, go_on)
}

/// Opens the chosen file of an archive, or its first table: a text is perhaps only about it. Where the archive leaves a choice, it is the only one: a
/// workbook in it is read at its first sheet.
fn open_member(
    origin: Origin,
    mut members: Vec<Member>,
    overrides: &DialectOverrides,
    extent: Extent,
    go_on: &mut dyn FnMut() -> bool,
) -> Result<Table> {
    let names: Vec<String> = members.iter().map(|member| member.name.clone()).collect();
    let alone = names.len() == 1;
    let chosen = match overrides.sheet.as_ref().filter(|_| !alone) {
        None => (members.iter().position(|member| !member.is_text())).unwrap_or_default(),
        Some(sheet) => {
            let found = names.iter().position(|name| name == sheet);
            found.ok_or_else(|| unknown_sheet(&origin.path, sheet, &names))?
        }
    };
    let packing = Packing::Member(members.swap_remove(chosen));
    let inner = Origin { packing, ..origin };
    if alone {
        return open_inner(&inner, overrides, extent, go_on);
    }
    let overrides = DialectOverrides {
        sheet: None,
        ..overrides.clone()
    };
    let mut table = open_inner(&inner, &overrides, extent, go_on)?;
    table.dialect.sheet = Some(names[chosen].clone());
    table.sheets = names;
    Ok(table)
}

fn archive(path: &Path) -> DataError {
    DataError::NotATable {
        path: path.to_path_buf(),
        why: NotATable::Archive,
    }
}

/// The error for a choice that does not exist.
pub(super) fn unknown_sheet(path: &Path, sheet: &str, sheets: &[String]) -> DataError {
    DataError::UnknownSheet {
        path: path.to_path_buf(),
        sheet: sheet.to_owned(),
        sheets: sheets.to_vec(),
    }
}
