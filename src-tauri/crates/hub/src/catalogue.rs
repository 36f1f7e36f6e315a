//! The models that Understudy recommends: data, built into the program, checked by tests and, where the hub can be
//! reached, by `npm run check:catalogue`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::HubError;

const CATALOGUE: &str = include_str!("../../../../resources/models/catalogue.json");

/// One text in the window's two languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct LocalizedText {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

/// Whether a licence lets a firm earn money with what was learnt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum CommercialUse {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Its owner does not say.
    Unclear,
}

/// What texts a model was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// Any.
    General,
    /// Any, and the meaning of whole sentences.
    Sentences,
    /// Law.
    Legal,
    /// Medicine and biology.
    Medical,
    /// Science.
    Scientific,
}

/// A recommended model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// `OWNER/NAME`, as on the model hub.
    pub id: String,
    /// The commit that is meant. Without one the newest is taken, and written down when it comes.
    pub revision: Option<String>,
    /// The short name.
    pub name: String,
    /// One honest sentence.
    pub description: LocalizedText,
    /// SPDX name of the licence; `None` where its owner states none.
    pub licence: Option<String>,
    /// What the licence allows.
    pub commercial_use: CommercialUse,
    /// ISO 639-1 codes of the languages that it reads, or of the most important of them.
    pub languages: Vec<String>,
    /// Whether it reads many more languages than are named.
    pub multilingual: bool,
    /// What texts it was made for.
    pub domain: Domain,
    /// Whether it was trained to place texts by their meaning, as the mean of their tokens.
    pub mean_pooling: bool,
    /// The fields of `config.json` that fix its sizes.
    pub config: Map<String, Value>,
    /// How many numbers the encoder has learnt.
    pub parameters: u64,
    /// Length of its files in bytes; exact sizes come from the hub.
    pub download_bytes: u64,
    /// The most tokens it can read at once.
    pub max_length: u32,
    /// Width of its token vectors.
    pub hidden_size: u32,
    /// Transformer layers.
    pub layers: u32,
    /// The web page that tells about it.
    pub source: String,
}

impl CatalogueEntry {
    /// `model_type` of its configuration, as in `bert`.
    #[must_use]
    pub fn architecture(&self) -> &str {
        self.config
            .get("model_type")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// All recommended models, in the order in which they are shown.
///
/// # Errors
/// [`HubError::BadManifest`], which the tests rule out.
pub fn catalogue() -> Result<Vec<CatalogueEntry>, HubError> {
    serde_json::from_str(CATALOGUE).map_err(|error| HubError::BadManifest {
        reason: format!("catalogue: {error}"),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::Manifest;
    use crate::manifest::{check_hexadecimal, check_id};

    #[test]
    fn the_starter_model_s_entry_agrees_with_its_manifest() {
        let manifest = Manifest::starter().unwrap();
        let entries = catalogue().unwrap();
        let entry = entries.iter().find(|entry| entry.id == manifest.id).unwrap();
        assert_eq!(entry.download_bytes, manifest.bytes());
        assert_eq!(entry.licence, manifest.licence);
        assert_eq!(entry.revision.as_deref(), manifest.revision());
    }

    #[test]
    fn every_entry_speaks_both_languages_and_is_named_once() {
        let mut seen = HashSet::new();
        for entry in catalogue().unwrap() {
            let chinese = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(!entry.description.en.is_empty() && !entry.description.en.chars().any(chinese));
            assert!(entry.description.zh.chars().any(chinese), "{}", entry.id);
            assert!(
                check_id(&entry.id).is_ok() && seen.insert(entry.id.clone()),
                "{}",
                entry.id
            );
            assert_eq!(entry.source, format!("https://huggingface.co/{}", entry.id));
        }
    }

    #[test]
    fn what_is_pinned_is_a_commit_and_licences_and_leave_agree() {
        for entry in catalogue().unwrap() {
            if let Some(revision) = &entry.revision {
                check_hexadecimal(revision, 40).unwrap();
            }
            let licence = entry.licence.as_deref().unwrap_or_default();
            if licence.contains("-NC") {
                assert_eq!(entry.commercial_use, CommercialUse::No, "{}", entry.id);
            }
            if matches!(licence, "Apache-2.0" | "MIT") {
                assert_eq!(entry.commercial_use, CommercialUse::Yes, "{}", entry.id);
            }
            if licence.is_empty() {
                assert_eq!(entry.commercial_use, CommercialUse::Unclear, "{}", entry.id);
            }
            assert!(!entry.languages.is_empty() && entry.languages.iter().all(|code| code.len() == 2));
        }
    }

    #[test]
    fn the_catalogue_has_what_the_professions_need() {
        let entries = catalogue().unwrap();
        let count =
            |found: &dyn Fn(&CatalogueEntry) -> bool| entries.iter().filter(|entry| found(entry)).count();
        assert!((35..=50).contains(&entries.len()), "{}", entries.len());
        assert!(count(&|entry| entry.languages.contains(&"zh".to_owned())) >= 8);
        assert!(count(&|entry| entry.domain == Domain::Legal) >= 2);
        assert!(count(&|entry| entry.domain == Domain::Medical) >= 3);
        assert!(count(&|entry| entry.multilingual) >= 4);
    }
}
