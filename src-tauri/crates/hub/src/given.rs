//! A model that the user brings: a folder, a memory stick, a zip archive. What it is, file by file, before it is copied.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use crate::hash::{Digest, hexadecimal, sha256_of};
use crate::manifest::ManifestFile;
use crate::parts::{choose, matters};
use crate::record::Record;
use crate::{HubError, Manifest, Source};

/// The file in an exported model that says what it is, with all hashes.
pub const EXPORT_RECORD: &str = "understudy-model.json";

/// A record is a few kilobytes.
const MOST_RECORD_BYTES: u64 = 1 << 20;

/// Describes the model at `path`, a folder or a zip archive, under the name `id`, unless it was exported by Understudy:
/// then it keeps its own name, and every file must be what it was.
///
/// # Errors
/// [`HubError::NoModel`], what it lacks (as [`HubError::PickleOnly`]), [`HubError::BadArchive`], [`HubError::Cancelled`],
/// [`HubError::Io`].
pub fn given(path: &Path, id: &str, cancelled: &AtomicBool) -> Result<Manifest, HubError> {
    if path.is_dir() {
        folder(path, id, cancelled)
    } else {
        archive(path, id, cancelled)
    }
}

fn folder(path: &Path, id: &str, cancelled: &AtomicBool) -> Result<Manifest, HubError> {
    let source = Source::Folder {
        path: path.to_owned(),
    };
    match fs::read(path.join(EXPORT_RECORD)) {
        Ok(json) => return exported(path, &json, source),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(HubError::io(&path.join(EXPORT_RECORD))(error)),
    }
    let mut names = Vec::new();
    for below in ["", "1_Pooling"] {
        let at = path.join(below);
        let entries = match fs::read_dir(&at) {
            Ok(entries) => entries,
            Err(_) if !below.is_empty() => continue,
            Err(error) => return Err(HubError::io(&at)(error)),
        };
        for entry in entries {
            let name = entry.map_err(HubError::io(&at))?.file_name();
            let name = name.to_string_lossy();
            names.push(if below.is_empty() {
                name.into_owned()
            } else {
                format!("{below}/{name}")
            });
        }
    }
    let mut files = Vec::new();
    for name in names.into_iter().filter(|name| matters(name)) {
        let file = path.join(&name);
        let metadata = fs::metadata(&file).map_err(HubError::io(&file))?;
        if metadata.is_file() {
            files.push((name, metadata.len()));
        }
    }
    let digests = |name: &str| sha256_of(&path.join(name), cancelled);
    described(path, id, files, digests, source)
}

fn archive(path: &Path, id: &str, cancelled: &AtomicBool) -> Result<Manifest, HubError> {
    let bad = |error: zip::result::ZipError| HubError::BadArchive {
        path: path.to_owned(),
        reason: error.to_string(),
    };
    let file = File::open(path).map_err(HubError::io(path))?;
    let mut archive = ZipArchive::new(file).map_err(bad)?;
    // A zipped folder has its name before every file's.
    let prefix = archive
        .file_names()
        .filter_map(|name| name.ok()?.strip_suffix("config.json").map(str::to_owned))
        .filter(|prefix| prefix.is_empty() || (prefix.ends_with('/') && !prefix.ends_with("1_Pooling/")))
        .min_by_key(String::len)
        .ok_or_else(|| HubError::NoModel {
            path: path.to_owned(),
        })?;
    let source = Source::Archive {
        path: path.to_owned(),
        folder: prefix.clone(),
    };
    if let Ok(member) = archive.by_name(&format!("{prefix}{EXPORT_RECORD}")) {
        let mut json = Vec::new();
        member
            .take(MOST_RECORD_BYTES)
            .read_to_end(&mut json)
            .map_err(|error| bad(error.into()))?;
        return exported(path, &json, source);
    }
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let member = archive.by_index(index).map_err(bad)?;
        if let Ok(name) = member.name()
            && let Some(name) = name.strip_prefix(&prefix)
            && member.is_file()
            && matters(name)
        {
            files.push((name.to_owned(), member.size()));
        }
    }
    let digests = |name: &str| {
        let member = archive.by_name(&format!("{prefix}{name}")).map_err(bad)?;
        // A member that unpacks to more than it announces is found out when it is unpacked.
        let (size, mut hasher) = (member.size(), Sha256::default());
        let (mut member, mut buffer) = (member.take(size), vec![0; 1 << 20]);
        loop {
            if cancelled.load(Ordering::Relaxed) {
                return Err(HubError::Cancelled);
            }
            match member.read(&mut buffer).map_err(|error| bad(error.into()))? {
                0 => return Ok(hexadecimal(&hasher.finalize())),
                read => hasher.update(&buffer[..read]),
            }
        }
    };
    described(path, id, files, digests, source)
}

/// The manifest of files that nobody has described: those of a model, by what they hold now.
fn described(
    path: &Path,
    id: &str,
    files: Vec<(String, u64)>,
    mut digest: impl FnMut(&str) -> Result<String, HubError>,
    source: Source,
) -> Result<Manifest, HubError> {
    if !files.iter().any(|(name, _)| name == "config.json") {
        return Err(HubError::NoModel {
            path: path.to_owned(),
        });
    }
    let unread = |(name, bytes): (String, u64)| ManifestFile {
        path: name,
        bytes,
        digest: Digest::Sha256(String::new()),
    };
    let told = path.display().to_string();
    let mut chosen = choose(&told, files.into_iter().map(unread).collect(), false)?;
    for file in &mut chosen {
        file.digest = Digest::Sha256(digest(&file.path)?);
    }
    let manifest = Manifest {
        id: id.to_owned(),
        revision: None,
        licence: None,
        files: chosen,
        sources: vec![source],
    };
    manifest.check()?;
    Ok(manifest)
}

fn exported(path: &Path, json: &[u8], source: Source) -> Result<Manifest, HubError> {
    let record = Record::parse(json).map_err(|reason| HubError::Unreadable {
        path: path.join(EXPORT_RECORD),
        reason,
    })?;
    Ok(record.manifest(vec![source]))
}
