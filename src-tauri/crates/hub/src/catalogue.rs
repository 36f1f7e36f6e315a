//! The models that Understudy supports, as the window shows them.
//!
//! The cards are built into the program; whether a model is installed is added by the library.

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

/// What a user needs to know to choose a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelCard {
    /// `OWNER/NAME`, as on the model hub.
    pub id: String,
    /// The short name.
    pub name: String,
    /// One honest sentence.
    pub description: LocalizedText,
    /// `model_type` in the model's `config.json`, as in `bert`.
    pub architecture: String,
    /// SPDX name of the licence.
    pub licence: String,
    /// ISO 639 codes of the languages it was trained on.
    pub languages: Vec<String>,
    /// How many numbers it has learnt.
    pub parameters: f64,
    /// Length of its files, in bytes.
    pub download_bytes: f64,
    /// Width of its token vectors.
    pub hidden_size: u32,
    /// Transformer layers.
    pub layers: u32,
    /// The most tokens it can read at once.
    pub max_length: u32,
    /// Its folder is in the library, complete and verified.
    pub installed: bool,
    /// That folder, when installed.
    pub folder: Option<String>,
    /// The web page that tells about it.
    pub source: String,
}

/// The cards of all supported models, as not installed.
pub(crate) fn cards() -> Result<Vec<ModelCard>, HubError> {
    let mut cards: Vec<Map<String, Value>> = serde_json::from_str(CATALOGUE).map_err(wrong)?;
    for card in &mut cards {
        card.insert("installed".into(), Value::Bool(false));
        card.insert("folder".into(), Value::Null);
    }
    cards
        .into_iter()
        .map(|card| serde_json::from_value(Value::Object(card)).map_err(wrong))
        .collect()
}

fn wrong(error: serde_json::Error) -> HubError {
    HubError::BadManifest {
        reason: format!("catalogue: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;

    #[test]
    fn the_starter_model_s_card_agrees_with_its_manifest() {
        let manifest = Manifest::starter().unwrap();
        let cards = cards().unwrap();
        let card = cards.iter().find(|card| card.id == manifest.id).unwrap();
        assert_eq!(card.download_bytes, manifest.bytes() as f64);
        assert_eq!(card.licence, manifest.licence);
    }

    #[test]
    fn every_card_speaks_both_languages() {
        for card in cards().unwrap() {
            assert!(!card.description.en.is_empty());
            assert!(
                card.description
                    .zh
                    .chars()
                    .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
            );
        }
    }

    #[test]
    fn a_card_has_exactly_the_window_s_fields() {
        let card = serde_json::to_value(&cards().unwrap()[0]).unwrap();
        let mut fields: Vec<&str> = card.as_object().unwrap().keys().map(String::as_str).collect();
        fields.sort_unstable();
        let expected = "architecture description download_bytes folder hidden_size id installed languages \
                        layers licence max_length name parameters source";
        assert_eq!(fields.join(" "), expected);
    }
}
