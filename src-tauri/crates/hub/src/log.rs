//! The network log: every connection that this program opens, one JSON object a line.
//!
//! It is what a user shows to whoever asks what the program sends out. Queries are left out, because they
//! can carry passwords and signatures.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::HubError;
use crate::staging::create_parent;

/// One connection: written when it is opened, and again, with what came of it, when it has ended.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    /// The same for both lines.
    pub id: &'a str,
    /// When it was opened, in UTC (RFC 3339).
    pub at: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    /// What for: the model.
    pub why: &'a str,
    /// Bytes received, without headers.
    pub bytes: u64,
    /// The HTTP status; `null` when there was no answer.
    pub status: Option<u16>,
}

/// One connection, as it was written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Joins its two lines; logs of earlier versions have one line a connection and no such name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// When it was opened, in UTC (RFC 3339).
    pub at: String,
    /// The host.
    pub host: String,
    /// What was asked for there, without any query.
    pub path: String,
    /// What for: a model, or `search`.
    pub why: String,
    /// Bytes received, without headers.
    pub bytes: u64,
    /// The HTTP status; `None` when there was no answer.
    pub status: Option<u16>,
}

/// The latest `most` connections of the log at `path`, the newest first, and how many there are in all. A line that was
/// cut off by a crash is passed over.
///
/// # Errors
/// [`HubError::Io`] when there is a log that cannot be read.
pub fn connections(path: &Path, most: usize) -> Result<(Vec<Connection>, usize), HubError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), 0)),
        file => file.map_err(HubError::io(path))?,
    };
    let (mut latest, mut count) = (VecDeque::<Connection>::new(), 0);
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(HubError::io(path))?;
        let Ok(connection) = serde_json::from_slice::<Connection>(&line) else {
            continue;
        };
        let begun = latest
            .iter_mut()
            .find(|begun| !begun.id.is_empty() && begun.id == connection.id);
        if let Some(begun) = begun {
            *begun = connection;
            continue;
        }
        count += 1;
        if latest.len() == most {
            latest.pop_back();
        }
        latest.push_front(connection);
    }
    Ok((latest.into(), count))
}

/// The open log. It is opened before the connection: what cannot be written down is not done.
#[derive(Debug)]
pub(crate) struct Log {
    file: Option<(PathBuf, File)>,
}

impl Log {
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, HubError> {
        let Some(path) = path else {
            return Ok(Self { file: None });
        };
        create_parent(path)?;
        let file = File::options()
            .create(true)
            .append(true)
            .open(path)
            .map_err(HubError::io(path))?;
        Ok(Self {
            file: Some((path.to_path_buf(), file)),
        })
    }

    /// Appends one line in one write, so that the lines of two programs do not mix.
    pub(crate) fn append(&mut self, entry: &Entry<'_>) -> Result<(), HubError> {
        let Some((path, file)) = &mut self.file else {
            return Ok(());
        };
        let line = serde_json::to_string(entry).map_err(|error| error.into());
        line.and_then(|line| file.write_all((line + "\n").as_bytes()))
            .map_err(HubError::io(path))
    }
}

/// A name for a connection that no other has, on this machine.
pub(crate) fn new_id() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = OffsetDateTime::now_utc().unix_timestamp_nanos();
    format!(
        "{since:x}-{:x}-{:x}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// The present moment, as written in the log.
pub(crate) fn now() -> Result<String, HubError> {
    OffsetDateTime::now_utc()
        .format(&Rfc3339)
        .map_err(|error| HubError::Io {
            path: PathBuf::new(),
            error: std::io::Error::other(error),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_connections_come_first_and_a_torn_line_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        assert_eq!(connections(&path, 3).unwrap(), (Vec::new(), 0));
        let mut log = Log::open(Some(&path)).unwrap();
        for number in 0..5 {
            let (id, at) = (number.to_string(), now().unwrap());
            for (bytes, status) in [(0, None), (number, Some(200))] {
                // The last one was cut off by a kill: it has one line, and is told all the same.
                if number == 4 && status.is_some() {
                    continue;
                }
                let entry = Entry {
                    id: &id,
                    at: &at,
                    host: "hub.example",
                    path: "/o/m",
                    why: "o/m",
                    bytes,
                    status,
                };
                log.append(&entry).unwrap();
            }
        }
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"at\": \"20")
            .unwrap();
        let (latest, count) = connections(&path, 3).unwrap();
        let told: Vec<_> = latest
            .iter()
            .map(|connection| (connection.bytes, connection.status))
            .collect();
        assert_eq!(
            (told, count),
            (vec![(0, None), (3, Some(200)), (2, Some(200))], 5)
        );
    }
}
