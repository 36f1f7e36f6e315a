//! What the user has set once and for all: language, look, the projects opened last.

use std::path::Path;

use serde::{Deserialize, Serialize};
use understudy_report::Language;

use crate::error::Result;
use crate::files;

/// How many projects are remembered.
const MAX_RECENT: usize = 12;

/// Light or dark.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// The user's choices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Settings {
    /// The window's language; `None` = the system's.
    pub language: Option<Language>,
    /// The window's look.
    pub theme: Theme,
}

/// A project that was open before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct RecentProject {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub path: String,
    /// When it was opened last, UTC.
    pub opened_at: String,
}

/// What is kept in the settings file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stored {
    /// The user's choices.
    pub settings: Settings,
    /// The projects opened last, the latest first.
    pub recent: Vec<RecentProject>,
}

impl Stored {
    /// Reads the settings file; a missing one gives the defaults.
    ///
    /// # Errors
    /// [`crate::EngineError::File`].
    pub fn read() -> Result<Self> {
        Ok(files::read_json(&path())?.unwrap_or_default())
    }

    /// Writes the settings file.
    ///
    /// # Errors
    /// [`crate::EngineError::File`].
    pub fn write(&self) -> Result<()> {
        files::write_json(&path(), self)
    }

    /// Puts a project at the head of the list.
    pub fn remember(&mut self, name: &str, folder: &Path) {
        let path = folder.display().to_string();
        self.recent.retain(|project| project.path != path);
        self.recent.insert(
            0,
            RecentProject {
                name: name.to_owned(),
                path,
                opened_at: files::now(),
            },
        );
        self.recent.truncate(MAX_RECENT);
    }

    /// Forgets projects whose folder is gone.
    pub fn forget_missing(&mut self) {
        self.recent.retain(|project| Path::new(&project.path).is_dir());
    }
}

fn path() -> std::path::PathBuf {
    files::config_folder().join("settings.json")
}

/// The language that the system speaks, among ours.
pub fn system_language() -> Language {
    let spoken = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    match spoken {
        Some(locale) if locale.starts_with("zh") => Language::Zh,
        _ => Language::En,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_project_comes_first_and_only_once() {
        let mut stored = Stored::default();
        for name in ["a", "b", "a"] {
            stored.remember(name, Path::new(&format!("/{name}.understudy")));
        }
        assert_eq!(
            stored.recent.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(),
            ["a", "b"]
        );
        (0..40).for_each(|i| stored.remember("x", Path::new(&format!("/{i}"))));
        assert_eq!(stored.recent.len(), MAX_RECENT);
        stored.forget_missing();
        assert!(stored.recent.is_empty());
    }
}
