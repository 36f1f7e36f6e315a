//! SHA-256 of files, and files that must have a pinned one.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest, Sha256};

use crate::HubError;

/// What a file must be, wherever it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pinned<'a> {
    /// Its name, for errors.
    pub name: &'a str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its SHA-256 in lower-case hexadecimal.
    pub sha256: &'a str,
}

impl Pinned<'_> {
    /// That the file at `path`, which came from `origin`, has the pinned length and hash.
    pub(crate) fn check(&self, path: &Path, origin: &str, cancelled: &AtomicBool) -> Result<(), HubError> {
        let found = fs::metadata(path).map_err(missing(path))?.len();
        if found != self.bytes {
            return Err(self.wrong_size(found, origin));
        }
        let found = sha256_of(path, cancelled)?;
        if found != self.sha256 {
            return Err(HubError::WrongHash {
                file: self.name.to_owned(),
                expected: self.sha256.to_owned(),
                found,
                origin: origin.to_owned(),
            });
        }
        Ok(())
    }

    pub(crate) fn wrong_size(&self, found: u64, origin: &str) -> HubError {
        HubError::WrongSize {
            file: self.name.to_owned(),
            expected: self.bytes,
            found,
            origin: origin.to_owned(),
        }
    }
}

/// For `map_err`: a file that is not there is told as such.
pub(crate) fn missing(path: &Path) -> impl FnOnce(io::Error) -> HubError {
    let path = path.to_path_buf();
    move |error| match error.kind() {
        io::ErrorKind::NotFound => HubError::MissingFile { path },
        _ => HubError::Io { path, error },
    }
}

/// The hash of the whole file, in lower-case hexadecimal.
pub(crate) fn sha256_of(path: &Path, cancelled: &AtomicBool) -> Result<String, HubError> {
    let mut file = File::open(path).map_err(HubError::io(path))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(HubError::Cancelled);
        }
        match file.read(&mut buffer).map_err(HubError::io(path))? {
            0 => {
                return Ok(hasher
                    .finalize()
                    .iter()
                    .map(|byte| format!("{byte:02x}"))
                    .collect());
            }
            read => hasher.update(&buffer[..read]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_abc_is_the_one_in_the_standard() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        let found = sha256_of(&path, &AtomicBool::new(false)).unwrap();
        assert_eq!(
            found,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn hashing_stops_when_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        fs::write(&path, "abc").unwrap();
        let result = sha256_of(&path, &AtomicBool::new(true));
        assert!(matches!(result, Err(HubError::Cancelled)));
    }
}
