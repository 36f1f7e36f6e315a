//! One file from a web address to the disk, however often the line is cut.
//!
//! What has arrived stays beside the target as `TARGET.part` and is continued with a range request, by
//! the next attempt or by the next start of the program. Only a verified file gets the target's name.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use url::Url;

use crate::connection::{Head, Question, Sink, ask, bad_answer, host};
use crate::hash::Pinned;
use crate::segments;
use crate::staging::{accept, create_parent, length, part_of, remove};
use crate::{HubError, Network};

/// A file on the web, and what it must be.
#[derive(Debug, Clone)]
pub(crate) struct Remote<'a> {
    pub url: Url,
    pub pinned: Pinned<'a>,
    /// What for, as told in the network log.
    pub why: &'a str,
}

/// Brings `remote` to `target`. `progress` gets the bytes of the file that have arrived.
///
/// # Errors
/// Those of [`ask`], and [`HubError::WrongSize`] and [`HubError::WrongHash`], after which nothing of the
/// file is left on disk.
pub(crate) fn download(
    network: &Network,
    remote: &Remote<'_>,
    target: &Path,
    progress: &mut dyn FnMut(u64),
    cancelled: &AtomicBool,
) -> Result<(), HubError> {
    let part = part_of(target);
    create_parent(&part)?;
    let resumed = length(&part)? > 0 || segments::begun(&part);
    let several = remote.pinned.bytes >= network.segments.large && !part.exists();
    if !several || !segments::transfer(network, remote, &part, progress, cancelled)? {
        transfer(network, remote, &part, progress, cancelled)?;
    }
    let origin = host(&remote.url);
    match accept(&remote.pinned, target, &origin, cancelled) {
        // What was left from an earlier time may have been the wrong part of it.
        Err(HubError::WrongHash { .. }) if resumed => {
            transfer(network, remote, &part, progress, cancelled)?;
            accept(&remote.pinned, target, &origin, cancelled)
        }
        result => result,
    }
}

/// Fills `part` to the pinned length.
fn transfer(
    network: &Network,
    remote: &Remote<'_>,
    part: &Path,
    progress: &mut dyn FnMut(u64),
    cancelled: &AtomicBool,
) -> Result<(), HubError> {
    if length(part)? > remote.pinned.bytes {
        remove(part)?;
    }
    let attempt = || {
        let arrived = length(part)?;
        if arrived == remote.pinned.bytes && part.exists() {
            return Ok(());
        }
        let file = File::options()
            .create(true)
            .append(true)
            .open(part)
            .map_err(HubError::io(part))?;
        let mut sink = PartFile {
            file,
            path: part,
            arrived,
            remote,
            progress: &mut *progress,
        };
        let question = Question {
            url: remote.url.clone(),
            accept: "application/octet-stream, */*;q=0.5",
            from: arrived,
            to: None,
            why: remote.why,
        };
        match ask(network, &question, cancelled, &mut sink) {
            Ok(()) if sink.arrived == remote.pinned.bytes => Ok(()),
            Ok(()) => Err(HubError::Interrupted {
                host: host(&remote.url),
                path: remote.url.path().to_owned(),
                reason: format!("{} of {} bytes", sink.arrived, remote.pinned.bytes),
            }),
            // 416: the file there ends before the part does, so it cannot be the file.
            Err(HubError::Refused { status: 416, .. }) if arrived > 0 => {
                remove(part)?;
                Err(remote.pinned.wrong_size(arrived, &host(&remote.url)))
            }
            Err(error) => Err(error),
        }
    };
    network.patience.persist(cancelled, || length(part), attempt)
}

/// The part on disk while it grows.
struct PartFile<'a> {
    file: File,
    path: &'a Path,
    arrived: u64,
    remote: &'a Remote<'a>,
    progress: &'a mut dyn FnMut(u64),
}

impl Sink for PartFile<'_> {
    fn begin(&mut self, head: &Head) -> Result<(), HubError> {
        let pinned = &self.remote.pinned;
        if let Some(total) = head.total.filter(|total| *total != pinned.bytes) {
            return Err(pinned.wrong_size(total, &host(&head.url)));
        }
        if head.from != self.arrived {
            // A server that ignores ranges sends all from the start.
            if head.from != 0 {
                return Err(bad_answer(
                    &head.url,
                    format!("from {} not {}", head.from, self.arrived),
                ));
            }
            self.file = File::create(self.path).map_err(HubError::io(self.path))?;
            self.arrived = 0;
        }
        (self.progress)(self.arrived);
        Ok(())
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        let pinned = &self.remote.pinned;
        let now = self.arrived + bytes.len() as u64;
        if now > pinned.bytes {
            return Err(pinned.wrong_size(now, &host(&self.remote.url)));
        }
        let needed = pinned.bytes - self.arrived;
        self.file
            .write_all(bytes)
            .map_err(HubError::writing(self.path, needed))?;
        self.arrived = now;
        (self.progress)(now);
        Ok(())
    }
}
