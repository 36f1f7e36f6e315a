//! Where models come from, and how patiently they are asked for.

use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Agent, Proxy};

use crate::HubError;

/// The way to the model hub and the package index.
///
/// Proxies come from `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` (on Windows else from the system), trust
/// from the system's certificates or `SSL_CERT_FILE`, so that a company's own certificate is honoured.
#[derive(Debug, Clone)]
pub struct Network {
    /// The model hub, as in `https://huggingface.co`.
    pub hub: String,
    /// The Python package index, as in `https://pypi.org/simple`.
    pub index: String,
    /// Where every connection is written down, one JSON object a line.
    pub log: Option<PathBuf>,
    pub(crate) patience: Patience,
    pub(crate) agent: Agent,
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
    /// `HF_ENDPOINT` or the public model hub, `PIP_INDEX_URL` or the public package index.
    #[must_use]
    pub fn from_env(log: Option<PathBuf>) -> Self {
        Self::new(
            set("HF_ENDPOINT").unwrap_or_else(|| "https://huggingface.co".into()),
            set("PIP_INDEX_URL").unwrap_or_else(|| "https://pypi.org/simple".into()),
            log,
        )
    }

    /// The given hub and index.
    #[must_use]
    pub fn new(hub: String, index: String, log: Option<PathBuf>) -> Self {
        let patience = Patience::default();
        let agent = agent(&patience, Proxy::try_from_env());
        Self {
            hub,
            index,
            log,
            patience,
            agent,
        }
    }

    /// For servers on this machine, which no proxy can reach.
    #[cfg(test)]
    pub(crate) fn local(hub: String, index: String, log: Option<PathBuf>, patience: Patience) -> Self {
        let agent = agent(&patience, None);
        Self {
            hub,
            index,
            log,
            patience,
            agent,
        }
    }
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
