//! What a file must be: a SHA-256, or the name that git gives to its content.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::Sha256;

use crate::HubError;

/// What a file's content must hash to, in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Digest {
    /// SHA-256: of everything that is pinned here, and of large files on the model hub.
    Sha256(String),
    /// SHA-1 of `blob LENGTH\0` and the content, by which git, and so the model hub, names small files. It guards
    /// against damage, not against an attacker who makes collisions; weights are never told by it.
    GitBlob(String),
}

impl Digest {
    fn told(&self) -> &str {
        match self {
            Digest::Sha256(hash) | Digest::GitBlob(hash) => hash,
        }
    }

    /// The hash of the file at `path` in the same way.
    fn of_file(&self, path: &Path, bytes: u64, cancelled: &AtomicBool) -> Result<String, HubError> {
        match self {
            Digest::Sha256(_) => sha256_of(path, cancelled),
            Digest::GitBlob(_) => {
                let mut hasher = Sha1::default();
                sha1::Digest::update(&mut hasher, format!("blob {bytes}\0"));
                hash_into(&mut hasher, path, cancelled)
            }
        }
    }
}

/// What a file must be, wherever it comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pinned<'a> {
    /// Its name, for errors.
    pub name: &'a str,
    /// Its length in bytes.
    pub bytes: u64,
    /// What its content must be.
    pub digest: &'a Digest,
}

impl Pinned<'_> {
    /// That the file at `path`, which came from `origin`, has the pinned length and hash.
    pub(crate) fn check(&self, path: &Path, origin: &str, cancelled: &AtomicBool) -> Result<(), HubError> {
        let found = fs::metadata(path).map_err(missing(path))?.len();
        if found != self.bytes {
            return Err(self.wrong_size(found, origin));
        }
        let found = self.digest.of_file(path, found, cancelled)?;
        self.compare(found, origin)
    }

    /// The same for a small file in memory.
    pub(crate) fn check_bytes(&self, bytes: &[u8], origin: &str) -> Result<(), HubError> {
        use sha2::Digest as _;
        if bytes.len() as u64 != self.bytes {
            return Err(self.wrong_size(bytes.len() as u64, origin));
        }
        let found = match self.digest {
            Digest::Sha256(_) => hexadecimal(&Sha256::digest(bytes)),
            Digest::GitBlob(_) => hexadecimal(&Sha1::digest(
                [format!("blob {}\0", bytes.len()).as_bytes(), bytes].concat(),
            )),
        };
        self.compare(found, origin)
    }

    fn compare(&self, found: String, origin: &str) -> Result<(), HubError> {
        if found == self.digest.told() {
            return Ok(());
        }
        Err(HubError::WrongHash {
            file: self.name.to_owned(),
            expected: self.digest.told().to_owned(),
            found,
            origin: origin.to_owned(),
        })
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

/// The SHA-256 of the whole file, in lower-case hexadecimal.
///
/// # Errors
/// [`HubError::Io`], and [`HubError::Cancelled`] when the flag is raised meanwhile.
pub fn sha256_of(path: &Path, cancelled: &AtomicBool) -> Result<String, HubError> {
    hash_into(&mut Sha256::default(), path, cancelled)
}

fn hash_into(
    hasher: &mut (impl sha2::Digest + Clone),
    path: &Path,
    cancelled: &AtomicBool,
) -> Result<String, HubError> {
    let mut file = File::open(path).map_err(HubError::io(path))?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(HubError::Cancelled);
        }
        match file.read(&mut buffer).map_err(HubError::io(path))? {
            0 => return Ok(hexadecimal(&hasher.clone().finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Bytes in lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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
    fn a_file_has_the_name_that_git_gives_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hello");
        fs::write(&path, "hello\n").unwrap();
        // `echo hello | git hash-object --stdin`
        let digest = Digest::GitBlob("ce013625030ba8dba906f756967f9e9ca394464a".into());
        let pinned = Pinned {
            name: "hello",
            bytes: 6,
            digest: &digest,
        };
        let never = AtomicBool::new(false);
        pinned.check(&path, "here", &never).unwrap();
        fs::write(&path, "hellO\n").unwrap();
        assert!(matches!(
            pinned.check(&path, "here", &never),
            Err(HubError::WrongHash { .. })
        ));
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
