//! The bytes of a table, wherever they lie: in a plain file, in a gzip file, or in a member of a zip archive.
//!
//! In: a path (and a member). Out: streams that start at the first byte of the table and know how far they are in
//! the file on disk. What is unpacked is measured: a small file that grows without end is stopped.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::path::{Path, PathBuf};

use flate2::read::{DeflateDecoder, MultiGzDecoder};
use sha2::{Digest, Sha256};

use super::encoding::fill;
use super::unpack::{Check, Member, UnpackError, decoding};
use crate::error::{DataError, Result};
use crate::text::hex;

const CHUNK: usize = 256 * 1024;

/// The largest packed file that is unpacked to disk because its format cannot be read as a stream.
const SEEKABLE_BYTES: u64 = 4_000_000_000;

/// Where a table's bytes lie.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// The file on disk.
    pub(super) path: PathBuf,
    /// Its bytes.
    pub(super) bytes: u64,
    pub(super) packing: Packing,
}

/// How the table lies in its file.
#[derive(Debug, Clone)]
pub(super) enum Packing {
    Plain,
    Gzip,
    Member(Member),
}

impl Origin {
    /// The plain file at `path`.
    pub(super) fn plain(path: &Path) -> Result<Origin> {
        let metadata = std::fs::metadata(path).map_err(DataError::io(path))?;
        Ok(Origin {
            path: path.to_path_buf(),
            bytes: metadata.len(),
            packing: Packing::Plain,
        })
    }

    /// The table's own name, in lower case and without the ending of its packing.
    pub(super) fn name(&self) -> String {
        let file = || {
            let name = self.path.file_name().unwrap_or_default();
            name.to_string_lossy().to_lowercase()
        };
        match &self.packing {
            Packing::Plain => file(),
            Packing::Gzip => {
                let name = file();
                name.strip_suffix(".gz").map(str::to_owned).unwrap_or(name)
            }
            Packing::Member(member) => member.name.to_lowercase(),
        }
    }

    /// A stream from the table's first byte, for whoever reads its rows: a file of its own is hashed on the way.
    pub(super) fn open(&self) -> Result<Source> {
        self.stream(true)
    }

    /// A stream from the table's first byte, for whoever only looks what is there.
    pub(super) fn look(&self) -> Result<Source> {
        self.stream(false)
    }

    fn stream(&self, hashed: bool) -> Result<Source> {
        let mut file = File::open(&self.path).map_err(DataError::io(&self.path))?;
        let stream = match &self.packing {
            Packing::Plain => Stream::Plain(Metered::new(file, hashed)),
            Packing::Gzip => Stream::Gzip(Box::new(MultiGzDecoder::new(Metered::new(file, hashed)))),
            Packing::Member(member) => {
                file.seek(SeekFrom::Start(member.start))
                    .map_err(DataError::io(&self.path))?;
                // What is in an archive is hashed with the whole archive, at the end.
                let packed = Metered::new(file, false).take(member.packed);
                let check = Check::new(member);
                match member.deflated {
                    true => Stream::Deflated(Box::new(DeflateDecoder::new(packed)), check),
                    false => Stream::Stored(packed, check),
                }
            }
        };
        Ok(Source {
            path: self.path.clone(),
            stream,
            unpacked: 0,
        })
    }

    /// The table's first bytes, at most `limit`.
    pub(super) fn head(&self, limit: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; limit];
        let length = fill(&mut self.look()?, &mut bytes).map_err(DataError::io(&self.path))?;
        bytes.truncate(length);
        Ok(bytes)
    }

    /// The table as a file that can be read at any place: itself, or a nameless copy that is gone when closed.
    pub(super) fn seekable(&self) -> Result<File> {
        let failed = DataError::io(&self.path);
        if matches!(self.packing, Packing::Plain) {
            return File::open(&self.path).map_err(failed);
        }
        let copy = || -> io::Result<File> {
            let mut file = tempfile::tempfile()?;
            let mut source = self.look().map_err(io::Error::other)?.take(SEEKABLE_BYTES + 1);
            if io::copy(&mut source, &mut file)? > SEEKABLE_BYTES {
                return Err(UnpackError::too_large(SEEKABLE_BYTES));
            }
            file.rewind()?;
            Ok(file)
        };
        copy().map_err(failed)
    }
}

/// A stream of a table's bytes.
pub(super) struct Source {
    path: PathBuf,
    stream: Stream,
    unpacked: u64,
}

enum Stream {
    Plain(Metered),
    Gzip(Box<MultiGzDecoder<Metered>>),
    Stored(Take<Metered>, Check),
    Deflated(Box<DeflateDecoder<Take<Metered>>>, Check),
}

impl Source {
    fn metered(&mut self) -> &mut Metered {
        match &mut self.stream {
            Stream::Plain(file) => file,
            Stream::Gzip(decoder) => decoder.get_mut(),
            Stream::Stored(packed, _) => packed.get_mut(),
            Stream::Deflated(decoder, _) => decoder.get_mut().get_mut(),
        }
    }

    /// Bytes of the file on disk read so far.
    pub(super) fn bytes_read(&mut self) -> u64 {
        self.metered().read
    }

    /// The SHA-256 of the file on disk, for a stream that was read to its end.
    pub(super) fn sha256(&mut self) -> Result<String> {
        let path = self.path.clone();
        let metered = self.metered();
        if metered.hasher.is_some() {
            // A decoder may stop before the file's last byte.
            io::copy(metered, &mut io::sink()).map_err(DataError::io(&path))?;
        }
        match &metered.hasher {
            Some(hasher) => Ok(hex(&hasher.clone().finalize())),
            None => sha256_of(&path),
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = match &mut self.stream {
            Stream::Plain(file) => return file.read(buffer),
            Stream::Gzip(decoder) => decoding(decoder.read(buffer))?,
            Stream::Stored(packed, check) => check.pass(packed.read(buffer)?, buffer)?,
            Stream::Deflated(decoder, check) => check.pass(decoding(decoder.read(buffer))?, buffer)?,
        };
        self.unpacked += length as u64;
        UnpackError::watch(self.unpacked, self.metered().read)?;
        Ok(length)
    }
}

/// A file that is counted, and hashed if that is wanted, while it is read.
struct Metered {
    file: File,
    hasher: Option<Sha256>,
    read: u64,
}

impl Metered {
    fn new(file: File, hashed: bool) -> Self {
        Metered {
            file,
            hasher: hashed.then(Sha256::new),
            read: 0,
        }
    }
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..length]);
        }
        self.read += length as u64;
        Ok(length)
    }
}

/// The SHA-256 of the file at `path`, for formats that are not read from end to end.
pub(super) fn sha256_of(path: &Path) -> Result<String> {
    let mut file = File::open(path).map_err(DataError::io(path))?;
    let mut chunk = vec![0; CHUNK];
    let mut hasher = Sha256::new();
    loop {
        let length = fill(&mut file, &mut chunk).map_err(DataError::io(path))?;
        hasher.update(&chunk[..length]);
        if length < chunk.len() {
            return Ok(hex(&hasher.finalize()));
        }
    }
}
