//! The network log: every connection that this program opens, one JSON object a line.
//!
//! It is what a user shows to whoever asks what the program sends out. Queries are left out, because they
//! can carry passwords and signatures.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::HubError;
use crate::staging::create_parent;

/// One connection.
#[derive(Debug, Serialize)]
pub(crate) struct Entry<'a> {
    /// When it was opened, in UTC (RFC 3339).
    pub at: String,
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
    let (mut latest, mut count) = (VecDeque::new(), 0);
    for line in BufReader::new(file).split(b'\n') {
        let line = line.map_err(HubError::io(path))?;
        if let Ok(connection) = serde_json::from_slice(&line) {
            count += 1;
            if latest.len() == most {
                latest.pop_back();
            }
            latest.push_front(connection);
        }
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
    pub(crate) fn append(self, entry: &Entry<'_>) -> Result<(), HubError> {
        let Some((path, mut file)) = self.file else {
            return Ok(());
        };
        let line = serde_json::to_string(entry).map_err(|error| error.into());
        line.and_then(|line| file.write_all((line + "\n").as_bytes()))
            .map_err(HubError::io(&path))
    }
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
        for number in 0..5 {
            let entry = Entry {
                at: now().unwrap(),
                host: "hub.example",
                path: "/o/m",
                why: "o/m",
                bytes: number,
                status: Some(200),
            };
            Log::open(Some(&path)).unwrap().append(&entry).unwrap();
        }
        std::fs::OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"at\": \"20")
            .unwrap();
        let (latest, count) = connections(&path, 3).unwrap();
        let bytes: Vec<u64> = latest.iter().map(|connection| connection.bytes).collect();
        assert_eq!((bytes, count), (vec![4, 3, 2], 5));
    }
}
