//! Remembers which files have been hashed, so that a start-up need not read every model again.
//!
//! A file counts as unchanged while its length and its time of modification are those at which its hash
//! was right. The memory is only that: lost or damaged, the files are hashed again.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};

use crate::hash::Digest;
use crate::hash::missing;
use crate::{HubError, ManifestFile};

/// By path in the model's folder: what a verified file looked like.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verified(BTreeMap<String, Stamp>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    modified_nanoseconds: u128,
    digest: Digest,
}

impl Verified {
    /// What is remembered at `path`; nothing when that cannot be read, which costs only time.
    pub(crate) fn load(path: &Path) -> Self {
        fs::read(path)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .unwrap_or_default()
    }

    /// Writes the memory to `path`. A library that cannot be written to, as on a shared drive, works all
    /// the same: its files are hashed each time.
    pub(crate) fn save(&self, path: &Path) -> Result<(), HubError> {
        let json = serde_json::to_vec(self).map_err(|error| HubError::Io {
            path: path.to_path_buf(),
            error: error.into(),
        })?;
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(path, json));
        match written {
            Err(error) if !read_only(&error) => Err(HubError::Io {
                path: path.to_path_buf(),
                error,
            }),
            _ => Ok(()),
        }
    }

    /// That `folder` holds every one of `files`, unchanged. Hashes what is not remembered, and
    /// remembers it.
    pub(crate) fn check(&mut self, folder: &Path, files: &[ManifestFile]) -> Result<(), HubError> {
        for file in files {
            let path = folder.join(&file.path);
            let metadata = fs::metadata(&path).map_err(missing(&path))?;
            let stamp = Stamp::new(file, &metadata).map_err(HubError::io(&path))?;
            if self.0.get(&file.path) != Some(&stamp) {
                let origin = folder.display().to_string();
                file.pinned().check(&path, &origin, &AtomicBool::new(false))?;
                self.0.insert(file.path.clone(), stamp);
            }
        }
        Ok(())
    }
}

impl Stamp {
    /// What `file` looks like now, under the hash it should have.
    fn new(file: &ManifestFile, metadata: &Metadata) -> io::Result<Self> {
        let modified = metadata
            .modified()?
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Ok(Self {
            bytes: metadata.len(),
            modified_nanoseconds: modified.as_nanos(),
            digest: file.digest.clone(),
        })
    }
}

fn read_only(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
    )
}
