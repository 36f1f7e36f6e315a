//! Compressed files: what a zip archive holds, and how far anything may grow when it is unpacked.
//!
//! Out: the members that can be read, each with its place in the archive. Nothing is written to disk here.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::Crc;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::error::{DataError, NotATable, Result};

/// Beyond this a compressed file is refused, whatever its own size.
const MOST_BYTES: u64 = 20_000_000_000;
/// A ratio of text beyond [`MOST_RATIO`] is harmless as long as it stays below this.
const HARMLESS_BYTES: u64 = 1_000_000_000;
const MOST_RATIO: u64 = 1_000;

/// Endings of what can be read, by which the tables among an archive's files are found.
const ENDINGS: [&str; 15] = [
    "csv", "tsv", "tab", "txt", "json", "jsonl", "ndjson", "xlsx", "xlsm", "xlsb", "xls", "ods", "parquet",
    "pq", "psv",
];

/// A file in a zip archive.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where its packed bytes begin in the archive, and how many they are.
    pub(super) start: u64,
    pub(super) packed: u64,
    /// Packed with deflate; otherwise as it is.
    pub(super) deflated: bool,
    crc: u32,
    index: usize,
}

impl Member {
    /// Whether it is a text, which may or may not be a table.
    pub(super) fn is_text(&self) -> bool {
        self.name.to_lowercase().ends_with(".txt")
    }
}

/// What a zip container is.
pub(super) enum Zip {
    /// An Excel or OpenDocument workbook.
    Workbook,
    /// An archive.
    Archive {
        /// What can be read of it, never nothing.
        members: Vec<Member>,
        /// How many others there are.
        others: u32,
    },
}

/// Looks into the zip container at `path`.
///
/// # Errors
/// `NotATable` for documents and archives without a table, `DamagedFile`, `UnpacksTooLarge`, `Io`.
pub(super) fn look_into(path: &Path, file: File) -> Result<Zip> {
    let mut archive = ZipArchive::new(io::BufReader::new(file)).map_err(failed(path))?;
    let names: Vec<String> = archive
        .file_names()
        .filter_map(std::result::Result::ok)
        .map(std::borrow::Cow::into_owned)
        .collect();
    let has = |name: &str| names.iter().any(|known| known == name);
    let not_a_table = |why| DataError::NotATable {
        path: path.to_path_buf(),
        why,
    };
    let mimetype = mimetype(&mut archive);
    if has("xl/workbook.xml") || has("xl/workbook.bin") || mimetype.contains("opendocument.spreadsheet") {
        let declared = archive.decompressed_size().unwrap_or(0);
        let packed = archive.central_directory_start();
        // A workbook is unpacked by its reader, so what it says of itself is looked at before.
        UnpackError::watch(u64::try_from(declared).unwrap_or(u64::MAX), packed)
            .map_err(DataError::io(path))?;
        return Ok(Zip::Workbook);
    }
    if has("word/document.xml") || has("ppt/presentation.xml") || mimetype.contains("opendocument") {
        return Err(not_a_table(NotATable::Document));
    }
    if names.iter().any(|name| name.ends_with(".iwa")) {
        return Err(not_a_table(NotATable::Spreadsheet));
    }
    let mut members = members(path, &mut archive)?;
    let all = members.len();
    if all > 1 {
        members.retain(|member| readable(&member.name));
    }
    let others = (all - members.len()) as u32;
    match members.is_empty() {
        true => Err(not_a_table(NotATable::Archive)),
        false => Ok(Zip::Archive { members, others }),
    }
}

/// The files in an archive, without folders and what a system adds for itself.
fn members(path: &Path, archive: &mut ZipArchive<io::BufReader<File>>) -> Result<Vec<Member>> {
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index).map_err(failed(path))?;
        let name = file.name().map_err(failed(path))?.into_owned();
        let own = name.rsplit('/').next().unwrap_or_default();
        if file.is_dir() || file.size() == 0 || own.starts_with('.') || name.starts_with("__MACOSX/") {
            continue;
        }
        let start = file
            .data_start()
            .ok_or_else(|| damaged(path, "a member has no data"))?;
        let deflated = match file.compression() {
            CompressionMethod::Stored => false,
            CompressionMethod::Deflated => true,
            other => return Err(damaged(path, &format!("compression {other} is not supported"))),
        };
        if file.encrypted() {
            return Err(DataError::PasswordProtected {
                path: path.to_path_buf(),
            });
        }
        members.push(Member {
            start,
            packed: file.compressed_size(),
            deflated,
            crc: file.crc32(),
            name,
            index,
        });
    }
    members.sort_by_key(|member| member.index);
    Ok(members)
}

fn readable(name: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    ENDINGS.contains(&ending.as_str())
}

/// What an OpenDocument container says of itself.
fn mimetype(archive: &mut ZipArchive<io::BufReader<File>>) -> String {
    let mut text = String::new();
    if let Ok(file) = archive.by_name("mimetype") {
        // A container whose own name cannot be read has none.
        let _ = file.take(200).read_to_string(&mut text);
    }
    text
}

fn damaged(path: &Path, reason: &str) -> DataError {
    DataError::DamagedFile {
        path: path.to_path_buf(),
        reason: reason.to_owned(),
    }
}

fn failed(path: &Path) -> impl FnOnce(ZipError) -> DataError {
    move |error| match error {
        ZipError::Io(source) if source.raw_os_error().is_some() => DataError::io(path)(source),
        ZipError::InvalidPassword => DataError::PasswordProtected {
            path: path.to_path_buf(),
        },
        other => damaged(path, &other.to_string()),
    }
}

/// Checks a member's sum while it passes through.
pub(super) struct Check {
    crc: Crc,
    expected: u32,
}

impl Check {
    pub(super) fn new(member: &Member) -> Self {
        Check {
            crc: Crc::new(),
            expected: member.crc,
        }
    }

    /// Takes note of the first `length` bytes of `buffer`; at the end the sum must be right.
    pub(super) fn pass(&mut self, length: usize, buffer: &[u8]) -> io::Result<usize> {
        self.crc.update(&buffer[..length]);
        if length == 0 && !buffer.is_empty() && self.crc.sum() != self.expected {
            return Err(UnpackError::Damaged("wrong checksum".to_owned()).into());
        }
        Ok(length)
    }
}

/// Why unpacking ended early; travels inside an `io::Error` through readers that know nothing of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnpackError {
    #[error("unpacks to more than {0} bytes")]
    TooLarge(u64),
    #[error("{0}")]
    Damaged(String),
}

impl UnpackError {
    pub(super) fn too_large(limit: u64) -> io::Error {
        UnpackError::TooLarge(limit).into()
    }

    /// Stops what has grown to `unpacked` bytes out of `packed`.
    pub(super) fn watch(unpacked: u64, packed: u64) -> io::Result<()> {
        if unpacked > MOST_BYTES {
            return Err(UnpackError::too_large(MOST_BYTES));
        }
        if unpacked > HARMLESS_BYTES && unpacked / packed.max(1) > MOST_RATIO {
            return Err(UnpackError::too_large(HARMLESS_BYTES));
        }
        Ok(())
    }
}

impl From<UnpackError> for io::Error {
    fn from(error: UnpackError) -> Self {
        io::Error::other(error)
    }
}

/// A decoder's answer, its own complaints marked as such.
pub(super) fn decoding(answer: io::Result<usize>) -> io::Result<usize> {
    use io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    answer.map_err(|error| match error.kind() {
        InvalidData | InvalidInput | UnexpectedEof => UnpackError::Damaged(error.to_string()).into(),
        _ => error,
    })
}
