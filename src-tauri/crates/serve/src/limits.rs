//! What a caller may ask for, so that none of them can take the machine from the others.

use std::time::Duration;

/// Bytes of a request's body.
pub const BODY: usize = 4 << 20;

/// Texts in one request.
pub const TEXTS: usize = 256;

/// Requests that wait for the model; further ones are told to come again.
pub const WAITING: usize = 32;

/// From so many texts on, no further request is answered together with those before it.
pub(crate) const TOGETHER: usize = 256;

/// Connections at a time; further ones wait to be accepted.
pub(crate) const CONNECTIONS: usize = 128;

/// Bytes of a request's head.
pub(crate) const HEAD: usize = 16 << 10;

/// Header lines of a request.
pub(crate) const HEADERS: usize = 64;

/// How long a caller may take to send its head.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(10);

/// How long a caller may take to send its body.
pub const BODY_TIME: Duration = Duration::from_secs(10);

/// How long a request waits for the model, its turn included.
pub const ANSWER_TIME: Duration = Duration::from_secs(60);

/// How long a connection is kept; then the request that is at work is the last.
pub(crate) const CONNECTION_TIME: Duration = Duration::from_secs(120);

/// How long the last request of a connection may take: longer than any takes, so that none is left without an answer.
pub(crate) const LAST_REQUEST_TIME: Duration = Duration::from_secs(75);

/// How long requests at work may still take when the server is to stop.
pub(crate) const STOP_TIME: Duration = Duration::from_secs(10);
