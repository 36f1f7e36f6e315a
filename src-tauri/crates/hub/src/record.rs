//! What the library writes down of a model when it takes it in: the files it must have from then on, and whence.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use crate::hash::{Digest, missing, sha256_of};
use crate::log::now;
use crate::staging::{create_parent, list};
use crate::{HubError, Library, Manifest, ManifestFile, Source};

/// An installed model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// `OWNER/NAME` as on the model hub, or the name given to a model from disk.
    pub id: String,
    /// The commit on the model hub; `None` for a model from disk.
    pub revision: Option<String>,
    /// SPDX name of its licence, where it is known.
    pub licence: Option<String>,
    /// The host or the path that it came from.
    pub origin: String,
    /// When it came, UTC (RFC 3339).
    pub added_at: String,
    /// All its files, by SHA-256.
    pub files: Vec<ManifestFile>,
}

impl Record {
    /// Describes the files in `folder`, which are those of `manifest` and what was made of them.
    pub(crate) fn of_folder(manifest: &Manifest, folder: &Path, origin: &str) -> Result<Self, HubError> {
        let never = AtomicBool::new(false);
        let mut names = Vec::new();
        list(folder, Path::new(""), &mut names)?;
        let mut files = Vec::new();
        for name in names {
            let path = folder.join(&name);
            files.push(ManifestFile {
                path: name.to_string_lossy().replace('\\', "/"),
                bytes: fs::metadata(&path).map_err(HubError::io(&path))?.len(),
                digest: Digest::Sha256(sha256_of(&path, &never)?),
            });
        }
        files.sort_by(|a: &ManifestFile, b| (a.bytes, &a.path).cmp(&(b.bytes, &b.path)));
        Ok(Self {
            id: manifest.id.clone(),
            revision: manifest.revision().map(str::to_owned),
            licence: manifest.licence.clone(),
            origin: origin.to_owned(),
            added_at: now()?,
            files,
        })
    }

    /// A model that was installed before records were kept, and whose manifest is built in.
    pub(crate) fn of_manifest(manifest: &Manifest) -> Self {
        Self {
            id: manifest.id.clone(),
            revision: manifest.revision().map(str::to_owned),
            licence: manifest.licence.clone(),
            origin: String::new(),
            added_at: String::new(),
            files: manifest.files.clone(),
        }
    }

    /// Reads a record and checks its names.
    ///
    /// # Errors
    /// [`HubError::MissingFile`], [`HubError::Unreadable`].
    pub(crate) fn read(path: &Path) -> Result<Self, HubError> {
        let json = fs::read(path).map_err(missing(path))?;
        Self::parse(&json).map_err(|reason| HubError::Unreadable {
            path: path.to_owned(),
            reason,
        })
    }

    pub(crate) fn parse(json: &[u8]) -> Result<Self, String> {
        let record: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        record
            .manifest(Vec::new())
            .check()
            .map_err(|error| error.to_string())?;
        Ok(record)
    }

    pub(crate) fn save(&self, library: &Library) -> Result<(), HubError> {
        let path = library.record_path(&self.id);
        let write = || {
            let json = serde_json::to_vec_pretty(self)?;
            let part = path.with_extension("part");
            fs::write(&part, json)?;
            fs::rename(&part, &path)
        };
        create_parent(&path)?;
        write().map_err(HubError::io(&path))
    }

    /// The model as something to fetch from `sources`.
    pub(crate) fn manifest(&self, sources: Vec<Source>) -> Manifest {
        Manifest {
            id: self.id.clone(),
            revision: self.revision.clone(),
            licence: self.licence.clone(),
            files: self.files.clone(),
            sources,
        }
    }

    /// Length of all files together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}
