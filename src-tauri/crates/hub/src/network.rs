//! Where models come from, and how patiently they are asked for.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};
use url::Url;

use crate::HubError;

/// The public model hub.
pub const PUBLIC_HUB: &str = "https://huggingface.co";

/// What a user can say about the way to the model hub.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    /// The model hub or a mirror of it; `HF_ENDPOINT` or the public one unless given.
    pub hub: Option<String>,
    /// A proxy as `http://USER:PASSWORD@HOST:PORT`; by the environment unless given.
    pub proxy: Option<String>,
    /// Says to the hub who asks, for models that are given to those only who have agreed to something. Unless given:
    /// `HF_TOKEN`, where the hub is the public one or that of the same environment; what other programs have left in
    /// `HF_HOME`, for the public hub alone.
    pub token: Option<String>,
    /// No connection at all. So does `HF_HUB_OFFLINE=1`.
    pub closed: bool,
}

/// The way to the model hub and the package index.
///
/// Proxies come from the user's settings, else from `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` (on Windows else from the
/// system), trust from the system's certificates or `SSL_CERT_FILE`, so that a company's own certificate is honoured.
#[derive(Clone)]
pub struct Network {
    /// The model hub, as in `https://huggingface.co`.
    pub hub: String,
    /// The Python package index, as in `https://pypi.org/simple`.
    pub index: String,
    /// Where every connection is written down, one JSON object a line.
    pub log: Option<PathBuf>,
    pub(crate) token: Option<String>,
    pub(crate) closed: bool,
    pub(crate) patience: Patience,
    pub(crate) segments: Segments,
    pub(crate) agent: Agent,
}

/// When a file comes over several connections at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Segments {
    /// From this length on, in bytes.
    pub large: u64,
    /// Length of a segment, in bytes.
    pub bytes: u64,
    /// How many come at once: mirrors and company networks often give each connection its share only.
    pub connections: usize,
}

impl Default for Segments {
    fn default() -> Self {
        Self {
            large: 64 << 20,
            bytes: 16 << 20,
            connections: 4,
        }
    }
}

// The token must not get into a log.
impl std::fmt::Debug for Network {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            hub, index, closed, ..
        } = self;
        f.debug_struct("Network")
            .field("hub", hub)
            .field("index", index)
            .field("closed", closed)
            .finish_non_exhaustive()
    }
}

/// How long to wait, and how often to ask again.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// Attempts in a row that bring nothing new.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause, also when the host asks for more.
    pub longest_pause: Duration,
    /// How long a host may stay silent.
    pub silence: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            attempts: 4,
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            silence: Duration::from_secs(20),
        }
    }
}

impl Network {
    /// As the user wants it, and for the rest as the environment has it.
    ///
    /// # Errors
    /// [`HubError::BadAddress`] for a proxy that is none.
    pub fn new(ways: Ways, log: Option<PathBuf>) -> Result<Self, HubError> {
        let proxy = match &ways.proxy {
            Some(address) => Some(Proxy::new(address).map_err(|error| HubError::BadAddress {
                address: without_password(address),
                reason: error.to_string(),
            })?),
            None => Proxy::try_from_env(),
        };
        let patience = Patience::default();
        let from_environment = ways.hub.is_none();
        let hub = ways
            .hub
            .or_else(|| set("HF_ENDPOINT"))
            .unwrap_or_else(|| PUBLIC_HUB.into());
        let public = hub.trim_end_matches('/') == PUBLIC_HUB;
        // A mirror that the user has chosen here never gets what was meant for another place.
        let token = ways
            .token
            .or_else(|| set("HF_TOKEN").filter(|_| public || from_environment))
            .or_else(|| token_of_others().filter(|_| public));
        Ok(Self {
            hub,
            index: set("PIP_INDEX_URL").unwrap_or_else(|| "https://pypi.org/simple".into()),
            log,
            token,
            closed: ways.closed || set("HF_HUB_OFFLINE").is_some_and(|value| value != "0"),
            agent: agent(&patience, proxy),
            segments: Segments::default(),
            patience,
        })
    }

    /// No network at all: for what is on this machine already.
    #[must_use]
    pub fn closed() -> Self {
        let patience = Patience::default();
        Self {
            hub: PUBLIC_HUB.into(),
            index: String::new(),
            log: None,
            token: None,
            closed: true,
            agent: agent(&patience, None),
            segments: Segments::default(),
            patience,
        }
    }

    /// For servers on this machine, which no proxy can reach.
    #[cfg(test)]
    pub(crate) fn local(hub: String, index: String, log: Option<PathBuf>, patience: Patience) -> Self {
        Self {
            hub,
            index,
            log,
            token: None,
            closed: false,
            agent: agent(&patience, None),
            // Large enough that most tests are about one connection.
            segments: Segments::default(),
            patience,
        }
    }

    /// Whether the hub is told who asks.
    #[must_use]
    pub fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// What to say to `url` about who asks: nothing to anybody but the hub itself, also not to the places that it
    /// redirects to, and nothing over an open connection to another machine.
    pub(crate) fn authorization(&self, url: &Url) -> Option<String> {
        let token = self.token.as_ref()?;
        let hub = Url::parse(&self.hub).ok()?;
        let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        let same = (hub.scheme(), hub.host_str(), hub.port_or_known_default())
            == (url.scheme(), url.host_str(), url.port_or_known_default());
        (same && (url.scheme() == "https" || here)).then(|| format!("Bearer {token}"))
    }
}

/// The token that Hugging Face's own programs keep.
fn token_of_others() -> Option<String> {
    let text = fs::read_to_string(crate::cache::home()?.join("token")).ok()?;
    let token = text.trim();
    (!token.is_empty()).then(|| token.to_owned())
}

/// An address as it may be shown.
fn without_password(address: &str) -> String {
    address
        .rsplit_once('@')
        .map_or(address, |(_, rest)| rest)
        .to_owned()
}

/// Redirects are left to the caller, who writes each connection down; a status is no failure of the
/// connection.
fn agent(patience: &Patience, proxy: Option<Proxy>) -> Agent {
    Agent::config_builder()
        .user_agent(concat!("understudy/", env!("CARGO_PKG_VERSION")))
        .tls_config(
            TlsConfig::builder()
                .root_certs(RootCerts::PlatformVerifier)
                .build(),
        )
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_resolve(Some(Duration::from_secs(5)))
        .timeout_connect(Some(Duration::from_secs(10)))
        .timeout_recv_response(Some(patience.silence))
        .timeout_per_read(Some(patience.silence))
        .build()
        .new_agent()
}

impl Patience {
    /// Repeats `attempt` after a failure that may pass, with growing pauses, until it has failed too often
    /// without anything new. `arrived` tells the bytes that there are.
    ///
    /// A host that cannot be reached at all is not asked twice: the next source is the better hope. Once
    /// something has come, the same failure means that the line was cut.
    pub(crate) fn persist(
        &self,
        cancelled: &AtomicBool,
        mut arrived: impl FnMut() -> Result<u64, HubError>,
        mut attempt: impl FnMut() -> Result<(), HubError>,
    ) -> Result<(), HubError> {
        let start = arrived()?;
        let (mut most, mut failures) = (start, 0);
        loop {
            let Err(error) = attempt() else { return Ok(()) };
            let now = arrived()?;
            if now > most {
                (most, failures) = (now, 0);
            }
            failures += 1;
            match self.pause_after(&error, failures, most > start) {
                Some(pause) if failures < self.attempts => wait(pause, cancelled)?,
                _ => return Err(error),
            }
        }
    }

    /// How long to wait before asking again; `None` when asking again is no use.
    fn pause_after(&self, error: &HubError, failures: u32, begun: bool) -> Option<Duration> {
        let usual = (self.pause * 2_u32.saturating_pow(failures - 1)).min(self.longest_pause);
        match error {
            HubError::Interrupted { .. } => Some(usual),
            HubError::Unreachable { .. } if begun => Some(usual),
            HubError::Refused {
                status: 408 | 429 | 500..=599,
                retry_after,
                ..
            } => {
                let asked = retry_after.map_or(usual, Duration::from_secs);
                (asked <= self.longest_pause).then_some(asked)
            }
            _ => None,
        }
    }
}

/// Sleeps, but no longer than until the user gives up.
fn wait(pause: Duration, cancelled: &AtomicBool) -> Result<(), HubError> {
    let end = Instant::now() + pause;
    while Instant::now() < end {
        if cancelled.load(Ordering::Relaxed) {
            return Err(HubError::Cancelled);
        }
        sleep(Duration::from_millis(50).min(pause));
    }
    Ok(())
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Patience = Patience {
        attempts: 3,
        pause: Duration::from_millis(1),
        longest_pause: Duration::from_secs(2),
        silence: Duration::from_secs(1),
    };

    fn attempts_until_given_up(error: impl Fn() -> HubError, arrivals: &[u64]) -> usize {
        let mut arrivals = arrivals.iter().copied();
        let (mut last, mut count) = (0, 0);
        let arrived = || {
            last = arrivals.next().unwrap_or(last);
            Ok(last)
        };
        let attempt = || {
            count += 1;
            Err(error())
        };
        QUICK
            .persist(&AtomicBool::new(false), arrived, attempt)
            .unwrap_err();
        count
    }

    fn unreachable() -> HubError {
        HubError::Unreachable {
            host: "h".into(),
            reason: String::new(),
        }
    }

    fn interrupted() -> HubError {
        HubError::Interrupted {
            host: "h".into(),
            path: "/".into(),
            reason: String::new(),
        }
    }

    fn refused(status: u16, retry_after: Option<u64>) -> HubError {
        HubError::Refused {
            host: "h".into(),
            path: "/".into(),
            status,
            retry_after,
            code: String::new(),
        }
    }

    #[test]
    fn the_token_goes_to_the_hub_alone_and_never_in_the_open() {
        let with_hub = |hub: &str| Network {
            token: Some("hf_secret".into()),
            hub: hub.into(),
            ..Network::closed()
        };
        let told = |hub: &str, url: &str| with_hub(hub).authorization(&Url::parse(url).unwrap());
        assert_eq!(
            told("https://hub.example", "https://hub.example/o/m").as_deref(),
            Some("Bearer hf_secret")
        );
        for (hub, url) in [
            ("https://hub.example", "https://cdn.example/x"),
            ("https://hub.example", "http://hub.example/x"),
            ("https://hub.example", "https://hub.example:444/x"),
            ("https://hub.example", "https://hub.example.evil/x"),
            ("http://hub.example", "http://hub.example/x"),
        ] {
            assert_eq!(told(hub, url), None, "{hub} {url}");
        }
        assert!(told("http://127.0.0.1:80", "http://127.0.0.1/x").is_some());
        let shown = format!("{:?}", with_hub("https://hub.example"));
        assert!(!shown.contains("hf_secret"), "{shown}");
    }

    #[test]
    fn a_proxy_that_is_none_is_told_without_its_password() {
        let ways = Ways {
            proxy: Some("nonsense://me:secret@proxy.example".into()),
            ..Ways::default()
        };
        match Network::new(ways, None) {
            Err(HubError::BadAddress { address, .. }) => assert_eq!(address, "proxy.example"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_host_that_cannot_be_reached_is_asked_once() {
        assert_eq!(attempts_until_given_up(unreachable, &[]), 1);
    }

    #[test]
    fn a_host_that_vanishes_in_the_middle_is_asked_again() {
        assert_eq!(attempts_until_given_up(unreachable, &[0, 10]), 3);
    }

    #[test]
    fn an_attempt_that_brought_something_starts_the_count_anew() {
        assert_eq!(attempts_until_given_up(interrupted, &[0, 10, 20, 20, 30]), 6);
    }

    #[test]
    fn bytes_that_only_come_again_do_not_start_the_count_anew() {
        assert_eq!(attempts_until_given_up(interrupted, &[10, 10, 0, 10]), 3);
    }

    #[test]
    fn only_statuses_that_may_pass_are_asked_again() {
        for (status, attempts) in [(404, 1), (401, 1), (416, 1), (429, 3), (500, 3), (503, 3)] {
            assert_eq!(
                attempts_until_given_up(|| refused(status, None), &[]),
                attempts,
                "{status}"
            );
        }
    }

    #[test]
    fn a_host_that_wants_a_long_pause_is_left_for_the_next_source() {
        assert_eq!(attempts_until_given_up(|| refused(429, Some(0)), &[]), 3);
        assert_eq!(attempts_until_given_up(|| refused(429, Some(3600)), &[]), 1);
    }

    #[test]
    fn a_pause_ends_when_the_user_gives_up() {
        let begin = Instant::now();
        let result = wait(Duration::from_secs(60), &AtomicBool::new(true));
        assert!(matches!(result, Err(HubError::Cancelled)));
        assert!(begin.elapsed() < Duration::from_secs(1));
    }
}
