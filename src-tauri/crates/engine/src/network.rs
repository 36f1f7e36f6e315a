//! The way to the model hub as the user wants it, and what must stay secret on that way.

use keyring::Entry;
use serde::{Deserialize, Serialize};
use understudy_hub::{HubError, Network, Ways};

use crate::error::{EngineError, Result};
use crate::files;

/// What the keyring of the system knows us by.
const SERVICE: &str = "org.understudy.app";

/// A mirror of the model hub that can be reached from mainland China.
pub const MIRROR: &str = "https://hf-mirror.com";

/// How to reach the model hub. Passwords are not here but in the system's keyring.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct NetworkSettings {
    /// No connection at all, whatever is asked for.
    pub closed: bool,
    /// The hub's address; `None` for the public one, or what `HF_ENDPOINT` says.
    pub hub: Option<String>,
    /// A proxy as `http://HOST:PORT`; `None` for what the system says.
    pub proxy: Option<String>,
    /// Who the proxy knows the user as.
    pub proxy_user: Option<String>,
}

/// What is kept in the system's keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Secret {
    /// Says to the model hub who asks.
    HubToken,
    /// The proxy's password.
    ProxyPassword,
}

impl Secret {
    fn entry(self) -> Result<Entry> {
        let name = match self {
            Secret::HubToken => "hub-token",
            Secret::ProxyPassword => "proxy-password",
        };
        Entry::new(SERVICE, name).map_err(no_keyring)
    }

    /// Keeps it; an empty one is forgotten.
    ///
    /// # Errors
    /// [`EngineError::NoKeyring`].
    pub fn keep(self, value: &str) -> Result<()> {
        let entry = self.entry()?;
        let done = match value.trim() {
            "" => entry.delete_credential(),
            value => entry.set_password(value),
        };
        match done {
            Ok(()) | Err(keyring::Error::NoEntry) => Ok(()),
            Err(error) => Err(no_keyring(error)),
        }
    }

    /// What is kept; `None` also where the system has no keyring, which is then told when something is to be kept.
    #[must_use]
    pub fn read(self) -> Option<String> {
        self.entry().ok()?.get_password().ok()
    }
}

fn path() -> std::path::PathBuf {
    files::config_folder().join("network.json")
}

fn no_keyring(error: keyring::Error) -> EngineError {
    EngineError::NoKeyring {
        reason: error.to_string(),
    }
}

impl NetworkSettings {
    /// The settings as they are kept: in a file of their own, because the window, the command line and workers all read
    /// them.
    ///
    /// # Errors
    /// [`EngineError::File`].
    pub fn read() -> Result<Self> {
        Ok(files::read_json(&path())?.unwrap_or_default())
    }

    /// Keeps the settings.
    ///
    /// # Errors
    /// As [`NetworkSettings::check`]; [`EngineError::File`].
    pub fn write(&self) -> Result<()> {
        self.check()?;
        files::write_json(&path(), self)
    }

    /// Refuses addresses that are none.
    ///
    /// # Errors
    /// [`understudy_hub::HubError::BadAddress`].
    pub fn check(&self) -> Result<()> {
        for address in self.hub.iter().chain(&self.proxy) {
            understudy_hub::check_address(address)?;
            // A password belongs into the keyring, not into a file.
            if address.contains('@') {
                return Err(HubError::BadAddress {
                    address: address.rsplit('@').next().unwrap_or_default().to_owned(),
                    reason: "name and password have fields of their own".to_owned(),
                }
                .into());
            }
        }
        self.network().map(drop)
    }

    /// The network as these settings want it. Every connection is written down.
    ///
    /// # Errors
    /// As [`NetworkSettings::check`].
    pub fn network(&self) -> Result<Network> {
        let ways = Ways {
            hub: self.hub.clone(),
            proxy: self.proxy.as_ref().map(|proxy| self.with_user(proxy)),
            token: Secret::HubToken.read(),
            closed: self.closed,
        };
        Ok(Network::new(ways, Some(files::connection_log()))?)
    }

    /// The proxy's address with user and password, as far as there are any.
    fn with_user(&self, proxy: &str) -> String {
        match (&self.proxy_user, proxy.split_once("://")) {
            (Some(user), Some((scheme, host))) => {
                let password = Secret::ProxyPassword.read().unwrap_or_default();
                format!("{scheme}://{}:{}@{host}", escaped(user), escaped(&password))
            }
            _ => proxy.to_owned(),
        }
    }
}

/// As it may stand before the `@` of an address (RFC 3986).
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_with_signs_does_not_break_the_address() {
        assert_eq!(escaped("p@ss:w/ö"), "p%40ss%3Aw%2F%C3%B6");
        let settings = NetworkSettings {
            proxy_user: Some("me@firm".into()),
            ..NetworkSettings::default()
        };
        let address = settings.with_user("http://proxy.example:3128");
        assert!(address.starts_with("http://me%40firm:") && address.ends_with("@proxy.example:3128"));
        let plain = NetworkSettings::default().with_user("http://proxy.example:3128");
        assert_eq!(plain, "http://proxy.example:3128");
    }

    #[test]
    fn addresses_that_are_none_are_refused() {
        for address in [
            "hub",
            "ftp://hub.example",
            "file:///etc",
            "https://",
            "hub.example:3128",
            "http://me:secret@hub.example",
        ] {
            for settings in [
                NetworkSettings {
                    hub: Some(address.into()),
                    ..NetworkSettings::default()
                },
                NetworkSettings {
                    proxy: Some(address.into()),
                    ..NetworkSettings::default()
                },
            ] {
                let told = settings.check().unwrap_err().to_string();
                assert!(!told.contains("secret"), "{told}");
            }
        }
        for hub in [MIRROR, "http://127.0.0.1:8080"] {
            let settings = NetworkSettings {
                hub: Some(hub.into()),
                ..NetworkSettings::default()
            };
            settings.check().unwrap();
        }
    }
}
