//! A folder of text files: every `.txt` file is a row, the sub-folder it lies in a label for the taking. A zip archive of
//! such a folder is read like it.
//!
//! Files are taken in the order of their names, so that the same folder gives the same rows on every machine.

use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use encoding_rs::{Encoding, UTF_8};
use sha2::{Digest, Sha256};

use super::CELL_LIMIT;
use super::encoding::{by_name, detect};
use super::misfit::{Misfit, read_alone};
use super::record::Record;
use super::source::{Origin, Packing, sha256_of};
use super::table::{Opened, Reader};
use super::unpack::Member;
use crate::error::{DataError, Result};
use crate::text::hex;
use crate::types::{ColumnRole, Dialect, DialectOverrides, Format, ProblemKind, Quoting};

/// Sub-folders of sub-folders that are looked into.
const DEPTH: usize = 8;

/// Bytes of all files together from which the encoding is guessed.
const ENCODING_BYTES: u64 = 1024 * 1024;

/// The columns, and what each is for; the last only where there are sub-folders.
const COLUMNS: [&str; 3] = ["text", "file", "folder"];
pub(super) const ROLES: [ColumnRole; 3] = [ColumnRole::Text, ColumnRole::Id, ColumnRole::Label];

/// Of so many texts in an archive one other table is no sign that they are none.
const TEXTS_PER_TABLE: usize = 10;

/// Two texts side by side may well be tables.
const TEXTS_SIDE_BY_SIDE: usize = 3;

/// The text files of a folder.
pub(super) struct Files {
    root: PathBuf,
    /// The root is an archive.
    packed: bool,
    texts: Vec<TextFile>,
    /// Bytes of all of them.
    pub(super) bytes: u64,
    /// Files that are no `.txt` files.
    pub(super) others: u32,
}

struct TextFile {
    origin: Origin,
    /// Bytes on disk.
    bytes: u64,
    name: String,
    /// The folder it lies in, from the root on; empty in the root itself.
    folder: String,
}

impl TextFile {
    /// Where it lies, for people.
    fn place(&self) -> String {
        match &self.origin.packing {
            Packing::Member(member) => member.name.clone(),
            Packing::Plain | Packing::Gzip => self.origin.path.to_string_lossy().into_owned(),
        }
    }
}

/// Whether an archive is rather a folder of texts than one of tables: nearly all in it are texts, and more than a few or in
/// folders of their own.
pub(super) fn is_folder(members: &[Member]) -> bool {
    let texts = || members.iter().filter(|member| member.is_text());
    let tables = members.len() - texts().count();
    let folders: HashSet<&str> = texts().map(|text| cut_name(&text.name).0).collect();
    let several = texts().count() >= TEXTS_SIDE_BY_SIDE || folders.len() > 1;
    several && tables * TEXTS_PER_TABLE <= texts().count()
}

/// The folder of an archive's member, and its own name.
fn cut_name(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

impl Files {
    /// Lists the archive at `origin`. The folder that holds all of it is none of its folders, as if it had been unpacked and
    /// opened.
    pub(super) fn packed(origin: &Origin, mut members: Vec<Member>, others: u32) -> Files {
        let all = members.len();
        members.retain(Member::is_text);
        members.sort_by(|a, b| a.name.cmp(&b.name));
        let folders = || members.iter().map(|member| cut_name(&member.name).0);
        let mut outer: Vec<&str> = folders().next().unwrap_or_default().split('/').collect();
        for folder in folders() {
            let shared = outer.iter().zip(folder.split('/')).take_while(|(a, b)| *a == b);
            outer.truncate(shared.count());
        }
        let outer = outer.join("/");
        let text = |member: &Member| {
            let (folder, name) = cut_name(&member.name);
            TextFile {
                bytes: member.packed,
                name: name.to_owned(),
                folder: folder[outer.len()..].trim_start_matches('/').to_owned(),
                origin: Origin {
                    packing: Packing::Member(member.clone()),
                    ..origin.clone()
                },
            }
        };
        Files {
            root: origin.path.clone(),
            packed: true,
            texts: members.iter().map(text).collect(),
            bytes: members.iter().map(|member| member.packed).sum(),
            others: others + (all - members.len()) as u32,
        }
    }

    /// Lists the folder `root`. Hidden files and folders are passed over, links to folders not followed.
    ///
    /// # Errors
    /// `Io`, `Cancelled`, `NoTextFiles`.
    pub(super) fn list(root: &Path, go_on: &mut dyn FnMut() -> bool) -> Result<Files> {
        let mut files = Files {
            root: root.to_path_buf(),
            packed: false,
            texts: Vec::new(),
            bytes: 0,
            others: 0,
        };
        files.look_into(root, "", 0, go_on)?;
        match files.texts.is_empty() {
            true => Err(DataError::NoTextFiles {
                path: files.root,
                other_files: files.others,
            }),
            false => Ok(files),
        }
    }

    fn look_into(
        &mut self,
        place: &Path,
        folder: &str,
        depth: usize,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<()> {
        if !go_on() {
            return Err(DataError::Cancelled);
        }
        let entries = std::fs::read_dir(place).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut entries = entries.map_err(DataError::io(place))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let kind = entry.file_type().map_err(DataError::io(&path))?;
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                if depth < DEPTH {
                    let inner = match folder {
                        "" => name,
                        outer => format!("{outer}/{name}"),
                    };
                    self.look_into(&path, &inner, depth + 1, go_on)?;
                }
            } else if name.to_lowercase().ends_with(".txt") {
                let origin = Origin::plain(&path)?;
                self.bytes += origin.bytes;
                self.texts.push(TextFile {
                    bytes: origin.bytes,
                    origin,
                    name,
                    folder: folder.to_owned(),
                });
            } else {
                self.others += 1;
            }
        }
        Ok(())
    }

    /// The encoding of the files that are not UTF-8: guessed from several, because one may be short.
    fn encoding(&self) -> Result<&'static Encoding> {
        let mut together = Vec::new();
        for file in &self.texts {
            let room = ENCODING_BYTES - together.len() as u64;
            let read = file.origin.look()?.take(room).read_to_end(&mut together);
            read.map_err(DataError::io(&file.origin.path))?;
            if together.len() as u64 >= ENCODING_BYTES {
                break;
            }
        }
        match together.is_empty() {
            true => Ok(UTF_8),
            false => detect(&self.root, &mut together.as_slice(), u64::MAX, &mut || true),
        }
    }
}

/// Opens a folder's texts.
///
/// # Errors
/// `Io`, `UnknownEncoding`.
pub(super) fn open(files: Files, overrides: &DialectOverrides) -> Result<Opened> {
    let given = overrides.encoding.as_deref().map(by_name).transpose()?;
    let encoding = given.map_or_else(|| files.encoding(), Ok)?;
    let folders = files.texts.iter().any(|file| !file.folder.is_empty());
    let columns = &COLUMNS[..if folders { 3 } else { 2 }];
    Ok(Opened {
        dialect: Dialect {
            format: Format::Folder,
            encoding: encoding.name().to_owned(),
            delimiter: String::new(),
            quoting: Quoting::default(),
            header: false,
            sheet: None,
        },
        columns: columns.iter().map(|name| (*name).to_owned()).collect(),
        sheets: Vec::new(),
        pending: Default::default(),
        mixed: Vec::new(),
        reader: Box::new(Texts {
            files: files.texts,
            at: 0,
            folders,
            encoding,
            sure: given.is_some(),
            archive: files.packed.then_some(files.root),
            hasher: Sha256::new(),
            bytes_read: 0,
        }),
    })
}

struct Texts {
    files: Vec<TextFile>,
    at: usize,
    folders: bool,
    encoding: &'static Encoding,
    /// The user chose the encoding; otherwise a file that is sound UTF-8 is read as such.
    sure: bool,
    /// What the files are packed in.
    archive: Option<PathBuf>,
    hasher: Sha256,
    bytes_read: u64,
}

impl Texts {
    fn decode(&self, bytes: &[u8]) -> (String, Option<Misfit>) {
        let utf8 = if self.sure {
            None
        } else {
            std::str::from_utf8(bytes).ok()
        };
        if let Some(text) = utf8 {
            return (text.trim_start_matches('\u{feff}').to_owned(), None);
        }
        match self.encoding.decode(bytes) {
            (text, _, false) => (text.into_owned(), None),
            _ => {
                let (text, misfit) = read_alone(bytes, self.encoding);
                (text.into_owned(), Some(misfit))
            }
        }
    }
}

impl Reader for Texts {
    fn next(&mut self, record: &mut Record) -> Result<bool> {
        let Some(file) = self.files.get(self.at) else {
            return Ok(false);
        };
        self.at += 1;
        let row = self.at as u32;
        let mut bytes = Vec::new();
        let opened = file.origin.look()?;
        let read = opened.take(CELL_LIMIT as u64 + 1).read_to_end(&mut bytes);
        read.map_err(DataError::io(&file.origin.path))?;
        if bytes.len() > CELL_LIMIT {
            return Err(DataError::CellTooLarge {
                row,
                limit_bytes: CELL_LIMIT,
            });
        }
        self.bytes_read += file.bytes;
        // Names are told apart from contents, and one file from the next.
        for part in [file.folder.as_bytes(), file.name.as_bytes(), bytes.as_slice()] {
            self.hasher.update((part.len() as u64).to_le_bytes());
            self.hasher.update(part);
        }
        let (text, misfit) = self.decode(&bytes);
        record.begin(row);
        if text.contains('\0') {
            record.keep_raw(&file.place());
            record.problem = Some(ProblemKind::NotText);
            return Ok(true);
        }
        record.push(text.trim_end_matches(['\r', '\n']));
        record.push(&file.name);
        if self.folders {
            record.push(&file.folder);
        }
        record.keep_raw(&text);
        record.misfit = misfit;
        Ok(true)
    }

    fn bytes_read(&mut self) -> u64 {
        self.bytes_read
    }

    fn sha256(&mut self) -> Result<String> {
        match &self.archive {
            Some(archive) => sha256_of(archive),
            None => Ok(hex(&self.hasher.clone().finalize())),
        }
    }
}
