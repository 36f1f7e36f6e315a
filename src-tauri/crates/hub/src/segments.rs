//! A large file over several connections at once, a segment each, into files of their own: `TARGET.part.00000` and so on. A
//! segment that has begun is gone on with, as one file is; when all are there they become `TARGET.part`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::connection::{Head, Question, Sink, ask, bad_answer, host};
use crate::download::Remote;
use crate::staging::{length, remove};
use crate::{HubError, Network};

/// Whether an earlier attempt has left segments of this file.
pub(crate) fn begun(part: &Path) -> bool {
    path(part, 0).exists()
}

/// Bytes of a file that have arrived, over one connection or several.
pub(crate) fn arrived(part: &Path) -> Result<u64, HubError> {
    let mut bytes = length(part)?;
    for index in 0.. {
        match length(&path(part, index))? {
            0 if !path(part, index).exists() => break,
            more => bytes += more,
        }
    }
    Ok(bytes)
}

/// Fills `part`. Answers `false`, with nothing there, when the server does not send parts of files.
///
/// # Errors
/// As for a file over one connection: the first failure that asking again does not mend.
pub(crate) fn transfer(
    network: &Network,
    remote: &Remote<'_>,
    part: &Path,
    progress: &mut dyn FnMut(u64),
    cancelled: &AtomicBool,
) -> Result<bool, HubError> {
    let count = usize::try_from(remote.pinned.bytes.div_ceil(network.segments.bytes)).unwrap_or(usize::MAX);
    let mut arrived = Vec::with_capacity(count);
    for index in 0..count {
        arrived.push(AtomicU64::new(length(&path(part, index))?));
    }
    let work = Work {
        network,
        remote,
        part,
        arrived,
        next: AtomicUsize::new(0),
        stop: AtomicBool::new(false),
        whole_only: AtomicBool::new(false),
        failure: Mutex::new(None),
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..network.segments.connections.min(count))
            .map(|_| scope.spawn(|| work.run()))
            .collect();
        while workers.iter().any(|worker| !worker.is_finished()) {
            if cancelled.load(Ordering::Relaxed) {
                work.stop.store(true, Ordering::Relaxed);
            }
            progress(work.done());
            thread::sleep(Duration::from_millis(20));
        }
    });
    progress(work.done());
    if work.whole_only.load(Ordering::Relaxed) {
        for index in 0..count {
            remove(&path(part, index))?;
        }
        return Ok(false);
    }
    if cancelled.load(Ordering::Relaxed) {
        return Err(HubError::Cancelled);
    }
    match work.failure.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => join(part, count).map(|()| true),
    }
}

/// What all connections share.
struct Work<'a> {
    network: &'a Network,
    remote: &'a Remote<'a>,
    part: &'a Path,
    /// Bytes of each segment.
    arrived: Vec<AtomicU64>,
    /// The first segment that nobody has taken yet.
    next: AtomicUsize,
    stop: AtomicBool,
    /// The server sends whole files only.
    whole_only: AtomicBool,
    failure: Mutex<Option<HubError>>,
}

impl Work<'_> {
    fn done(&self) -> u64 {
        self.arrived
            .iter()
            .map(|bytes| bytes.load(Ordering::Relaxed))
            .sum()
    }

    fn run(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= self.arrived.len() {
                return;
            }
            if let Err(error) = self.segment(index) {
                // The others' segments stay: what has come is not fetched twice. The first failure is the one to tell.
                if !self.stop.swap(true, Ordering::Relaxed)
                    && let Ok(mut failure) = self.failure.lock()
                {
                    *failure = Some(error);
                }
                return;
            }
        }
    }

    fn segment(&self, index: usize) -> Result<(), HubError> {
        let size = self.network.segments.bytes;
        let start = index as u64 * size;
        let bytes = size.min(self.remote.pinned.bytes - start);
        let path = path(self.part, index);
        if length(&path)? > bytes {
            remove(&path)?;
        }
        let attempt = || {
            let arrived = length(&path)?;
            self.arrived[index].store(arrived, Ordering::Relaxed);
            if arrived == bytes {
                return Ok(());
            }
            let file = File::options()
                .create(true)
                .append(true)
                .open(&path)
                .map_err(HubError::io(&path))?;
            let mut sink = Segment {
                work: self,
                index,
                file,
                path: &path,
                from: start + arrived,
                left: bytes - arrived,
            };
            let question = Question {
                url: self.remote.url.clone(),
                accept: "application/octet-stream, */*;q=0.5",
                from: start + arrived,
                to: Some(start + bytes - 1),
                why: self.remote.why,
            };
            ask(self.network, &question, &self.stop, &mut sink)?;
            match sink.left {
                0 => Ok(()),
                left => Err(HubError::Interrupted {
                    host: host(&self.remote.url),
                    path: self.remote.url.path().to_owned(),
                    reason: format!("{left} bytes of a part are missing"),
                }),
            }
        };
        self.network
            .patience
            .persist(&self.stop, || length(&path), attempt)
    }
}

/// A segment on disk while it grows.
struct Segment<'a> {
    work: &'a Work<'a>,
    index: usize,
    file: File,
    path: &'a Path,
    from: u64,
    left: u64,
}

impl Sink for Segment<'_> {
    fn begin(&mut self, head: &Head) -> Result<(), HubError> {
        let pinned = &self.work.remote.pinned;
        if let Some(total) = head.total.filter(|total| *total != pinned.bytes) {
            return Err(pinned.wrong_size(total, &host(&head.url)));
        }
        if !head.partial {
            self.work.whole_only.store(true, Ordering::Relaxed);
            return Err(bad_answer(&head.url, "the whole file instead of a part".into()));
        }
        if head.from != self.from {
            return Err(bad_answer(
                &head.url,
                format!("from {} not {}", head.from, self.from),
            ));
        }
        Ok(())
    }

    fn receive(&mut self, bytes: &[u8]) -> Result<(), HubError> {
        let length = bytes.len() as u64;
        if length > self.left {
            let found = self.from + length;
            return Err(self
                .work
                .remote
                .pinned
                .wrong_size(found, &host(&self.work.remote.url)));
        }
        io::Write::write_all(&mut self.file, bytes).map_err(HubError::writing(self.path, self.left))?;
        self.left -= length;
        self.work.arrived[self.index].fetch_add(length, Ordering::Relaxed);
        Ok(())
    }
}

/// Puts all segments into `part`, each gone once it is in: a kill in between leaves a beginning that is gone on with over
/// one connection.
fn join(part: &Path, count: usize) -> Result<(), HubError> {
    let first = path(part, 0);
    fs::rename(&first, part).map_err(HubError::io(&first))?;
    let mut whole = File::options()
        .append(true)
        .open(part)
        .map_err(HubError::io(part))?;
    for index in 1..count {
        let segment = path(part, index);
        let bytes = length(&segment)?;
        let mut file = File::open(&segment).map_err(HubError::io(&segment))?;
        io::copy(&mut file, &mut whole).map_err(HubError::writing(part, bytes))?;
        remove(&segment)?;
    }
    Ok(())
}

fn path(part: &Path, index: usize) -> PathBuf {
    let mut name = part.as_os_str().to_owned();
    name.push(format!(".{index:05}"));
    name.into()
}
