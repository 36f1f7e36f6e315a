//! What other programs have downloaded already: the cache of Hugging Face's own libraries, which is only read.
//!
//! ```text
//! HF_HUB_CACHE/models--OWNER--NAME/refs/main              the commit that a branch stood at
//! HF_HUB_CACHE/models--OWNER--NAME/snapshots/COMMIT/FILE  a link to ../../blobs/HASH, or (on Windows) a plain file
//! ```
//! <https://huggingface.co/docs/huggingface_hub/guides/manage-cache>

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use crate::hash::{Digest, sha256_of};
use crate::manifest::{ManifestFile, check_hexadecimal, check_id};
use crate::parts::choose;
use crate::{HubError, Manifest, Source};

/// `HF_HOME`, else the folder that Hugging Face's libraries use.
pub(crate) fn home() -> Option<PathBuf> {
    let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    given("HF_HOME").map(PathBuf::from).or_else(|| {
        let cache = given("XDG_CACHE_HOME").map(PathBuf::from);
        let cache = cache.or_else(|| Some(env::home_dir()?.join(".cache")));
        Some(cache?.join("huggingface"))
    })
}

/// The folder that holds the cached models.
#[must_use]
pub fn default_cache() -> Option<PathBuf> {
    ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"]
        .iter()
        .find_map(|name| env::var_os(name).filter(|value| !value.is_empty()))
        .map(PathBuf::from)
        .or_else(|| Some(home()?.join("hub")))
}

/// Whether [`cached`] would find the model, by the names of its files alone.
#[must_use]
pub fn is_cached(root: &Path, id: &str, revision: Option<&str>) -> bool {
    listed(root, id, revision).is_some()
}

/// The model `id` as it lies in the cache at `root`: at `revision`, else at the commit of its main branch. `None` when it
/// is not there, or not whole.
///
/// # Errors
/// [`HubError::Io`] when a file that is there cannot be read.
pub fn cached(root: &Path, id: &str, revision: Option<&str>) -> Result<Option<Manifest>, HubError> {
    let Some((snapshot, revision, mut files)) = listed(root, id, revision) else {
        return Ok(None);
    };
    for file in &mut files {
        // Plain files have no name to be checked by; what they hold is looked at all the same.
        if file.digest == unknown() {
            file.digest = Digest::Sha256(sha256_of(&snapshot.join(&file.path), &AtomicBool::new(false))?);
        }
    }
    Ok(Some(Manifest {
        id: id.to_owned(),
        revision: Some(revision),
        licence: None,
        files,
        sources: vec![Source::Folder { path: snapshot }],
    }))
}

/// The hash of a file that nothing tells.
fn unknown() -> Digest {
    Digest::Sha256(String::new())
}

/// The snapshot's folder, its commit, and those of its files that make the model. What is not whole is not there: it is
/// fetched as if the cache did not exist.
fn listed(root: &Path, id: &str, revision: Option<&str>) -> Option<(PathBuf, String, Vec<ManifestFile>)> {
    check_id(id).ok()?;
    let folder = root.join(format!("models--{}", id.replace('/', "--")));
    let revision = revision
        .map(str::to_owned)
        .or_else(|| fs::read_to_string(folder.join("refs/main")).ok())?;
    let revision = revision.trim().to_owned();
    check_hexadecimal(&revision, 40).ok()?;
    let snapshot = folder.join("snapshots").join(&revision);
    let mut files = Vec::new();
    for below in ["", "1_Pooling"] {
        list(&snapshot, below, &mut files);
    }
    let files = choose(id, files, false).ok()?;
    Some((snapshot, revision, files))
}

/// The files right below `snapshot/below`, each with the hash that its blob is named by.
fn list(snapshot: &Path, below: &str, files: &mut Vec<ManifestFile>) {
    let Ok(entries) = fs::read_dir(snapshot.join(below)) else {
        return;
    };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        // Follows the link: one that leads nowhere was never downloaded.
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        if !metadata.is_file() {
            continue;
        }
        let blob = fs::read_link(&path)
            .ok()
            .and_then(|target| Some(target.file_name()?.to_string_lossy().into_owned()));
        let digest = match blob {
            Some(hash) if check_hexadecimal(&hash, 64).is_ok() => Digest::Sha256(hash),
            Some(hash) if check_hexadecimal(&hash, 40).is_ok() => Digest::GitBlob(hash),
            _ => unknown(),
        };
        let path = if below.is_empty() {
            name
        } else {
            format!("{below}/{name}")
        };
        files.push(ManifestFile {
            path,
            bytes: metadata.len(),
            digest,
        });
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use tempfile::TempDir;

    use super::*;
    use crate::{Library, Network, fetch};

    const COMMIT: &str = "0123456789012345678901234567890123456789";
    const OTHER: &str = "abcdefabcdefabcdefabcdefabcdefabcdefabcd";

    /// A cache as `huggingface_hub` leaves it, with one model.
    fn cache() -> TempDir {
        let root = tempfile::tempdir().unwrap();
        let model = root.path().join("models--o--m");
        let snapshot = model.join("snapshots").join(COMMIT);
        for folder in ["blobs", "refs"] {
            fs::create_dir_all(model.join(folder)).unwrap();
        }
        fs::create_dir_all(&snapshot).unwrap();
        fs::write(model.join("refs/main"), COMMIT).unwrap();
        for (name, content) in [
            ("config.json", "{}"),
            ("vocab.txt", "a\n"),
            ("model.safetensors", "w"),
        ] {
            let plain = root.path().join("plain");
            fs::write(&plain, content).unwrap();
            let hash = sha256_of(&plain, &AtomicBool::new(false)).unwrap();
            fs::rename(&plain, model.join("blobs").join(&hash)).unwrap();
            symlink(format!("../../blobs/{hash}"), snapshot.join(name)).unwrap();
        }
        root
    }

    fn bring(root: &TempDir, manifest: &Manifest) -> Result<PathBuf, HubError> {
        let library = Library::new(root.path().join("library"));
        let never = AtomicBool::new(false);
        fetch(manifest, &library, &Network::closed(), &mut |_| (), &never)?.place()
    }

    #[test]
    fn a_cached_model_comes_into_the_library_without_any_connection() {
        let root = cache();
        let manifest = cached(root.path(), "o/m", None).unwrap().unwrap();
        assert_eq!(manifest.revision(), Some(COMMIT));
        let folder = bring(&root, &manifest).unwrap();
        assert_eq!(fs::read_to_string(folder.join("vocab.txt")).unwrap(), "a\n");
        assert!(!folder.join("vocab.txt").is_symlink());
    }

    #[test]
    fn another_commit_or_a_model_that_is_not_whole_is_not_there() {
        let root = cache();
        let at = |revision| cached(root.path(), "o/m", revision).unwrap();
        assert!(
            is_cached(root.path(), "o/m", None)
                && at(Some(COMMIT)).is_some()
                && at(Some(OTHER)).is_none()
                && at(Some("../..")).is_none()
        );
        assert!(cached(root.path(), "o/other", None).unwrap().is_none());
        fs::remove_file(
            root.path()
                .join("models--o--m/snapshots")
                .join(COMMIT)
                .join("model.safetensors"),
        )
        .unwrap();
        assert!(at(None).is_none());
    }

    #[test]
    fn a_blob_that_is_not_what_its_name_says_is_refused() {
        let root = cache();
        let manifest = cached(root.path(), "o/m", None).unwrap().unwrap();
        let weights = root
            .path()
            .join("models--o--m/snapshots")
            .join(COMMIT)
            .join("model.safetensors");
        fs::write(fs::canonicalize(weights).unwrap(), "W").unwrap();
        assert!(matches!(bring(&root, &manifest), Err(HubError::WrongHash { .. })));
    }
}
