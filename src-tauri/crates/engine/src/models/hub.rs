//! Models that the hub has besides those of the catalogue: found and looked at when the user asks.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use understudy_hub::{Search, Weights, look_up, search};
use understudy_report::Language;
use understudy_train::{Config, Footprint, MODEL_TYPES};

use crate::error::{EngineError, Result};
use crate::models::cards::{ModelCard, of_repository};
use crate::models::fit::Fitting;
use crate::network::NetworkSettings;
use crate::words;

/// A model that a search found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct FoundModel {
    /// `OWNER/NAME`.
    pub id: String,
    /// Downloads in the last 30 days.
    pub downloads: f64,
    /// The licence's name, as its owner tells it.
    pub licence: Option<String>,
    /// ISO 639 codes of its languages, as its owner tells them.
    pub languages: Vec<String>,
    /// `model_type` of its configuration.
    pub architecture: Option<String>,
    /// Numbers it has learnt, where the hub knows.
    pub parameters: Option<f64>,
    /// Given only to those who have agreed to its owner's conditions.
    pub gated: bool,
    /// Why it cannot be trained here, if so.
    pub obstacle: Option<String>,
}

/// What to look for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct HubSearch {
    /// Words of its name.
    pub words: String,
    /// ISO 639 code of a language that it must have.
    pub language: Option<String>,
    /// What it must have been made for, in the hub's words, as in `fill-mask`.
    pub task: Option<String>,
}

/// Asks the hub for models by name, language and task.
///
/// # Errors
/// Those of the network.
pub fn find(wanted: &HubSearch, language: Language, cancelled: &AtomicBool) -> Result<Vec<FoundModel>> {
    let network = NetworkSettings::read()?.network()?;
    let wanted = Search {
        words: wanted.words.clone(),
        language: wanted.language.clone(),
        task: wanted.task.clone(),
    };
    let found = search(&network, &wanted, cancelled)?;
    Ok(found
        .into_iter()
        .map(|model| FoundModel {
            obstacle: obstacle(model.architecture.as_deref(), model.weights, language),
            id: model.id,
            downloads: model.downloads as f64,
            licence: model.licence,
            languages: model.languages,
            architecture: model.architecture,
            parameters: model.parameters.map(|count| count as f64),
            gated: model.gated,
        })
        .collect())
}

/// Why a model of the hub cannot be trained here.
fn obstacle(architecture: Option<&str>, weights: Weights, language: Language) -> Option<String> {
    let text = |key: &str, facts: &[(&str, &str)]| Some(words::catalogue(language).text(key, facts));
    match (architecture, weights) {
        (None, _) => text("obstacle.no_config", &[]),
        (Some(found), _) if !MODEL_TYPES.contains(&found) => {
            text("obstacle.architecture", &[("found", found)])
        }
        (_, Weights::PickleOnly) => text("obstacle.pickle", &[]),
        (_, Weights::Parts) => text("obstacle.parts", &[]),
        (_, Weights::None) => text("obstacle.no_weights", &[]),
        (_, Weights::Safetensors) => None,
    }
}

/// Looks at one model of the hub before it is downloaded: its exact size, its licence, whether it fits.
///
/// # Errors
/// Those of the hub; an architecture that cannot be trained.
pub fn look(id: &str, fitting: &Fitting, cancelled: &AtomicBool) -> Result<ModelCard> {
    let network = NetworkSettings::read()?.network()?;
    let repository = look_up(&network, id, None, false, cancelled)?;
    let text = String::from_utf8_lossy(&repository.config);
    let config = Config::parse(&text).map_err(|error| EngineError::Train(error.into()))?;
    let footprint = Footprint::of(&config).map_err(|error| EngineError::Train(error.into()))?;
    of_repository(&repository, &config, &footprint, fitting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_trained_says_why() {
        let told = |architecture, weights| obstacle(architecture, weights, Language::En);
        assert_eq!(told(Some("bert"), Weights::Safetensors), None);
        assert!(
            told(Some("llama"), Weights::Safetensors)
                .unwrap()
                .contains("llama")
        );
        let all: Vec<_> = [Weights::PickleOnly, Weights::Parts, Weights::None]
            .into_iter()
            .map(|weights| told(Some("bert"), weights).unwrap())
            .chain(told(None, Weights::Safetensors))
            .collect();
        for (index, text) in all.iter().enumerate() {
            assert!(
                !text.contains("obstacle.") && !all[..index].contains(text),
                "{text}"
            );
        }
    }
}
