//! The network log: every connection that this program opens, one JSON object a line.
//!
//! It is what a user shows to whoever asks what the program sends out. Queries are left out, because they
//! can carry passwords and signatures.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
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
