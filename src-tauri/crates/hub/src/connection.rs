//! One question to one web server: the only place where this program opens a connection.
//!
//! The connection lives on a thread of its own and hands over what it reads, so that the caller can stop
//! waiting at any moment. That thread touches no file: once the caller has gone, it ends by itself.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use ureq::Body;
use ureq::http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_RANGE, CONTENT_TYPE, LOCATION, RANGE, RETRY_AFTER,
};
use ureq::http::header::{CONTENT_LENGTH, HeaderName};
use ureq::http::response::Parts;
use url::Url;

use crate::log::{Entry, Log, new_id, now};
use crate::{HubError, Network};

const MOST_REDIRECTS: usize = 8;
const CHUNK: usize = 64 * 1024;

/// What to ask for.
#[derive(Debug, Clone)]
pub(crate) struct Question<'a> {
    pub url: Url,
    /// The media types wanted.
    pub accept: &'static str,
    /// The first byte wanted.
    pub from: u64,
    /// The last byte wanted; the file's unless given.
    pub to: Option<u64>,
    /// What for, as told in the network log.
    pub why: &'a str,
}

/// What a server says before it sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// The address that answered at last.
    pub url: Url,
    pub content_type: String,
    /// The first byte of what follows, in the whole file.
    pub from: u64,
    /// The length of the whole file in bytes, if told.
    pub total: Option<u64>,
    /// Whether only the part that was asked for follows.
    pub partial: bool,
}

/// Takes what a server sends.
pub(crate) trait Sink {
    /// Called once, before anything is sent.
    fn begin(&mut self, head: &Head) -> Result<(), HubError>;
    /// Called with each piece, in order.
    fn receive(&mut self, bytes: &[u8]) -> Result<(), HubError>;
}

/// What comes over from the connection's thread.
enum Piece {
    Head(Box<Parts>),
    Bytes(Vec<u8>),
    End,
    Broken(String),
}

/// Asks, follows redirects, and gives the answer to `sink`. Each connection is written down.
///
/// # Errors
/// [`HubError::Unreachable`] without an answer, [`HubError::Refused`] for an answer that is not the
/// file, [`HubError::Interrupted`] for a line that was cut, and whatever `sink` says.
pub(crate) fn ask(
    network: &Network,
    question: &Question<'_>,
    cancelled: &AtomicBool,
    sink: &mut dyn Sink,
) -> Result<(), HubError> {
    let mut url = question.url.clone();
    for _ in 0..=MOST_REDIRECTS {
        match ask_once(network, question, &url, cancelled, sink)? {
            Some(redirected) => url = redirected,
            None => return Ok(()),
        }
    }
    Err(bad_answer(&url, "too many redirects".into()))
}

/// The host as told to users: with its port where that is not the usual one.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

pub(crate) fn bad_answer(url: &Url, reason: String) -> HubError {
    HubError::BadAnswer {
        host: host(url),
        path: url.path().to_owned(),
        reason,
    }
}

/// One connection, written down however it ends.
fn ask_once(
    network: &Network,
    question: &Question<'_>,
    url: &Url,
    cancelled: &AtomicBool,
    sink: &mut dyn Sink,
) -> Result<Option<Url>, HubError> {
    if network.closed {
        return Err(HubError::Offline { host: host(url) });
    }
    let mut log = Log::open(network.log.as_deref())?;
    let (id, at, host) = (new_id(), now()?, host(url));
    let entry = Entry {
        id: &id,
        at: &at,
        host: &host,
        path: url.path(),
        why: question.why,
        bytes: 0,
        status: None,
    };
    // Before anything is sent: also a connection that is killed in the middle must stand there.
    log.append(&entry)?;
    let mut exchange = Exchange {
        pieces: connect(network, url, question),
        url,
        cancelled,
        status: None,
        bytes: 0,
    };
    let outcome = exchange.run(sink);
    log.append(&Entry {
        bytes: exchange.bytes,
        status: exchange.status,
        ..entry
    })?;
    outcome
}

/// One connection from the side that waits for it.
struct Exchange<'a> {
    pieces: Receiver<Piece>,
    url: &'a Url,
    cancelled: &'a AtomicBool,
    status: Option<u16>,
    bytes: u64,
}

impl Exchange<'_> {
    /// Gives a file to `sink`, or tells where it is said to be.
    fn run(&mut self, sink: &mut dyn Sink) -> Result<Option<Url>, HubError> {
        loop {
            match self.next()? {
                Piece::Head(parts) => {
                    self.status = Some(parts.status.as_u16());
                    match self.judge(&parts)? {
                        Verdict::Redirected(url) => return Ok(Some(url)),
                        Verdict::File(head) => sink.begin(&head)?,
                    }
                }
                Piece::Bytes(bytes) => {
                    self.bytes += bytes.len() as u64;
                    sink.receive(&bytes)?;
                }
                Piece::End => return Ok(None),
                Piece::Broken(reason) => return Err(self.broken(reason)),
            }
        }
    }

    /// The next piece, or the user's word to stop.
    fn next(&self) -> Result<Piece, HubError> {
        loop {
            let piece = self.pieces.recv_timeout(Duration::from_millis(100));
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(HubError::Cancelled);
            }
            match piece {
                Ok(piece) => return Ok(piece),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Piece::Broken("the connection ended without a word".into()));
                }
            }
        }
    }

    fn judge(&self, parts: &Parts) -> Result<Verdict, HubError> {
        match parts.status.as_u16() {
            200 | 206 => Ok(Verdict::File(self.head(parts)?)),
            301 | 302 | 303 | 307 | 308 => self.redirected(parts).map(Verdict::Redirected),
            status => Err(HubError::Refused {
                host: host(self.url),
                path: self.url.path().to_owned(),
                status,
                retry_after: header(parts, &RETRY_AFTER).parse().ok(),
                // "RepoNotFound", "GatedRepo", "EntryNotFound" and the like: the hub's own word for it.
                code: header(parts, &HeaderName::from_static("x-error-code")).to_owned(),
            }),
        }
    }

    fn redirected(&self, parts: &Parts) -> Result<Url, HubError> {
        let location = header(parts, &LOCATION);
        let url = self
            .url
            .join(location)
            .map_err(|error| bad_answer(self.url, error.to_string()))?;
        if self.url.scheme() == "https" && url.scheme() != "https" {
            return Err(bad_answer(
                self.url,
                "a redirect from https to an open connection".into(),
            ));
        }
        Ok(url)
    }

    fn head(&self, parts: &Parts) -> Result<Head, HubError> {
        let partial = parts.status.as_u16() == 206;
        let (from, total) = if partial {
            let range = header(parts, &CONTENT_RANGE);
            content_range(range).ok_or_else(|| bad_answer(self.url, format!("content-range {range:?}")))?
        } else {
            (0, header(parts, &CONTENT_LENGTH).parse().ok())
        };
        Ok(Head {
            url: self.url.clone(),
            content_type: header(parts, &CONTENT_TYPE).to_ascii_lowercase(),
            from,
            total,
            partial,
        })
    }

    fn broken(&self, reason: String) -> HubError {
        match self.status {
            None => HubError::Unreachable {
                host: host(self.url),
                reason,
            },
            Some(_) => HubError::Interrupted {
                host: host(self.url),
                path: self.url.path().to_owned(),
                reason,
            },
        }
    }
}

/// What an answer's status means.
enum Verdict {
    File(Head),
    Redirected(Url),
}

fn header<'a>(parts: &'a Parts, name: &HeaderName) -> &'a str {
    parts
        .headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// `bytes FROM-TO/TOTAL`, where the total may be `*`.
fn content_range(value: &str) -> Option<(u64, Option<u64>)> {
    let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
    let (from, _) = range.split_once('-')?;
    Some((from.trim().parse().ok()?, total.trim().parse().ok()))
}

/// Starts the connection's thread.
fn connect(network: &Network, url: &Url, question: &Question<'_>) -> Receiver<Piece> {
    // A few chunks: the thread must not run far ahead of the disk.
    let (sender, pieces) = sync_channel(4);
    let (agent, authorization) = (network.agent.clone(), network.authorization(url));
    let (url, accept) = (url.to_string(), question.accept);
    let range = match (question.from, question.to) {
        (0, None) => None,
        (from, None) => Some(format!("bytes={from}-")),
        (from, Some(to)) => Some(format!("bytes={from}-{to}")),
    };
    thread::spawn(move || {
        // Compressed, byte ranges and hashes would be those of something else.
        let mut request = agent
            .get(url)
            .header(ACCEPT, accept)
            .header(ACCEPT_ENCODING, "identity");
        if let Some(authorization) = authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(range) = range {
            request = request.header(RANGE, range);
        }
        // A failed send means that the caller has gone; then there is nobody to tell.
        match request.call() {
            Err(error) => drop(sender.send(Piece::Broken(error.to_string()))),
            Ok(answer) => {
                let (parts, body) = answer.into_parts();
                if sender.send(Piece::Head(Box::new(parts))).is_ok() {
                    send_body(body, &sender);
                }
            }
        }
    });
    pieces
}

fn send_body(body: Body, sender: &SyncSender<Piece>) {
    let mut reader = body.into_reader();
    loop {
        let mut chunk = vec![0; CHUNK];
        let piece = match reader.read(&mut chunk) {
            Ok(0) => Piece::End,
            Ok(read) => {
                chunk.truncate(read);
                Piece::Bytes(chunk)
            }
            Err(error) => Piece::Broken(error.to_string()),
        };
        let last = !matches!(piece, Piece::Bytes(_));
        if sender.send(piece).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_range_tells_its_start_and_the_whole_length() {
        assert_eq!(content_range("bytes 5-9/10"), Some((5, Some(10))));
        assert_eq!(content_range("bytes 5-9/*"), Some((5, None)));
        assert_eq!(content_range("items 5-9/10"), None);
        assert_eq!(content_range(""), None);
    }

    #[test]
    fn a_host_is_told_with_an_unusual_port_only_and_without_a_password() {
        let told = |url: &str| host(&Url::parse(url).unwrap());
        assert_eq!(
            told("https://user:secret@mirror.example/simple"),
            "mirror.example"
        );
        assert_eq!(told("http://127.0.0.1:8080/"), "127.0.0.1:8080");
    }
}
