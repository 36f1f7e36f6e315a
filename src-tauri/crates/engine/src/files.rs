//! Where the app's own files lie, small files, and the time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use directories::{ProjectDirs, UserDirs};
use serde::Serialize;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use understudy_hub::sha256_of;

use crate::error::{EngineError, Result};

/// Names the folder that overrides all of the app's own folders: tests, and portable use from a stick.
pub const HOME_VARIABLE: &str = "UNDERSTUDY_HOME";

/// The folder for settings and the connection log.
pub fn config_folder() -> PathBuf {
    if let Some(home) = std::env::var_os(HOME_VARIABLE) {
        return PathBuf::from(home).join("config");
    }
    match ProjectDirs::from("org", "Understudy", "understudy") {
        Some(folders) => folders.config_dir().to_owned(),
        None => PathBuf::from(".understudy"),
    }
}

/// The folder that new projects go into.
pub fn projects_folder() -> PathBuf {
    if let Some(home) = std::env::var_os(HOME_VARIABLE) {
        return PathBuf::from(home).join("projects");
    }
    let documents = UserDirs::new().map(|user| user.document_dir().unwrap_or(user.home_dir()).to_owned());
    documents.unwrap_or_default().join("Understudy")
}

/// Where every connection is written down.
pub fn connection_log() -> PathBuf {
    config_folder().join("connections.jsonl")
}

/// Now, as RFC 3339 in UTC with seconds.
pub fn now() -> String {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0)
        .unwrap_or(now)
        .format(&Rfc3339)
        .unwrap_or_default()
}

/// Turns the system's refusal of `path` into an error of this crate.
pub(crate) fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> EngineError {
    let path = path.to_owned();
    move |source| EngineError::File { path, source }
}

/// Reads a JSON file; `None` when there is none.
///
/// # Errors
/// [`EngineError::File`] when it cannot be read or is no such JSON.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match std::fs::read_to_string(path) {
        Ok(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|e| failed(path)(e.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path)(error)),
    }
}

/// Writes a JSON file in one step: a kill leaves the old or the new one, never half of it.
///
/// # Errors
/// [`EngineError::File`].
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|e| failed(path)(e.into()))?;
    write(path, text.as_bytes())
}

/// The SHA-256 of each file that lies in a folder, by name.
///
/// # Errors
/// [`EngineError::File`].
pub(crate) fn hashes(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
        let path = entry.map_err(failed(folder))?.path();
        if path.is_file() {
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            found.insert(name, sha256_of(&path, &AtomicBool::new(false))?);
        }
    }
    Ok(found)
}

/// Writes a file in one step, with its folder.
///
/// # Errors
/// [`EngineError::File`].
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, bytes, &mut std::fs::OpenOptions::new())
}

/// As [`write`], for this user's eyes only, from the first byte on.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    write_with(path, bytes, &mut options)
}

fn write_with(path: &Path, bytes: &[u8], options: &mut std::fs::OpenOptions) -> Result<()> {
    use std::io::Write;
    let partial = path.with_extension("partial");
    let mut write = || {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = options.write(true).create(true).truncate(true).open(&partial)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&partial, path)
    };
    write().map_err(failed(path))
}

/// The most memory this process has used so far, in MiB; `None` where the system does not tell.
pub fn peak_memory_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim()
        .strip_suffix("kB")?
        .trim()
        .parse::<f64>()
        .ok()
        .map(|kib| kib / 1024.0)
}
