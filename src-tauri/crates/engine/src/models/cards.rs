//! The models as the window shows them: what each is, where it is, what it would need here.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use understudy_data::Project;
use understudy_hub::{
    CatalogueEntry, CommercialUse, Domain, HubError, Library, LocalizedText, Record, Repository, catalogue,
    check_folder,
};
use understudy_report::Language;
use understudy_train::presets::ModelFacts;
use understudy_train::{Config, Footprint, TrainError};

use crate::error::{EngineError, Result};
use crate::models::fit::{Candidate, Fit, Fitting};
use crate::models::{bring, library, speed};
use crate::settings::Stored;

/// What a user needs to know to choose a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelCard {
    /// `OWNER/NAME` as on the model hub, or the name given to a model from disk.
    pub id: String,
    /// The short name.
    pub name: String,
    /// One honest sentence; `None` for a model that is not in the catalogue.
    pub description: Option<LocalizedText>,
    /// `model_type` in the model's `config.json`, as in `bert`.
    pub architecture: String,
    /// The licence's name; `None` where nobody states it.
    pub licence: Option<String>,
    /// What the licence allows.
    pub commercial_use: CommercialUse,
    /// ISO 639-1 codes of the languages it reads; empty where that is not known.
    pub languages: Vec<String>,
    /// Whether it reads many more languages than are named.
    pub multilingual: bool,
    /// What texts it was made for; `None` where that is not known.
    pub domain: Option<Domain>,
    /// Whether it places texts by their meaning, as the mean of their tokens.
    pub mean_pooling: bool,
    /// How many numbers it has learnt.
    pub parameters: f64,
    /// Of these, those of its layers, counted as often as they are used.
    pub layer_parameters: f64,
    /// Length of its files, in bytes.
    pub bytes: f64,
    /// Width of its token vectors.
    pub hidden_size: u32,
    /// Transformer layers.
    pub layers: u32,
    /// The most tokens it can read at once.
    pub max_length: u32,
    /// The web page that tells about it; `None` for a model from disk.
    pub source: Option<String>,
    /// The commit on the model hub, where it is known.
    pub revision: Option<String>,
    /// Whether it is one of the catalogue.
    pub recommended_by_us: bool,
    /// Whether it is of another version than the one that the catalogue means.
    pub other_revision: bool,
    /// It is in the library, complete and verified.
    pub installed: bool,
    /// Its folder, when installed.
    pub folder: Option<String>,
    /// The host or path that it came from, when installed.
    pub origin: Option<String>,
    /// Bytes of a download that was begun and is not done.
    pub arrived_bytes: Option<f64>,
    /// Another program has downloaded it: no connection is needed.
    pub cached: bool,
    /// What it would need for this project on this machine.
    pub fit: Fit,
}

/// The model room at a glance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelShelf {
    /// All models of the catalogue and of the library.
    pub models: Vec<ModelCard>,
    /// The one that is proposed for this project.
    pub recommended: Option<String>,
    /// Why.
    pub reason: String,
    /// Whether this machine was measured, so that times are told.
    pub measured: bool,
    /// Where the library is.
    pub library: String,
    /// Length of all installed models, in bytes.
    pub library_bytes: f64,
    /// What takes room in the library without being a model that can be used.
    pub unfinished: Vec<Unfinished>,
}

/// A download that was stopped, or a model that is damaged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Unfinished {
    /// The model.
    pub id: String,
    /// Bytes that it takes.
    pub bytes: f64,
    /// Whether it was whole once.
    pub damaged: bool,
}

/// A model in the library and who uses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct ModelUse {
    /// The model.
    pub id: String,
    /// Projects that have chosen it or have trained with it, of those opened lately.
    pub projects: Vec<String>,
}

/// All models for a project, with the one that is proposed.
///
/// # Errors
/// Those of the library and the database.
pub fn shelf(project: Option<&Project>, language: Language) -> Result<ModelShelf> {
    let speed = speed::known();
    let measured = speed.is_some();
    let fitting = Fitting::new(project, speed)?;
    let models = cards(&fitting)?;
    let recommended = fitting.recommend(&models);
    Ok(ModelShelf {
        reason: recommended
            .map(|card| fitting.reason(card, language))
            .unwrap_or_default(),
        recommended: recommended.map(|card| card.id.clone()),
        measured,
        library: library().root().display().to_string(),
        unfinished: unfinished(&library())?,
        library_bytes: models
            .iter()
            .filter(|card| card.installed)
            .map(|card| card.bytes)
            .sum(),
        models,
    })
}

fn unfinished(library: &Library) -> Result<Vec<Unfinished>> {
    let damaged = library.damaged()?.into_iter().map(|record| Unfinished {
        bytes: record.bytes() as f64,
        id: record.id,
        damaged: true,
    });
    let stopped = library.partial()?.into_iter().map(|partial| Unfinished {
        id: partial.id,
        bytes: partial.bytes as f64,
        damaged: false,
    });
    Ok(damaged.chain(stopped).collect())
}

/// The cards of all models of the catalogue, then of the library's others.
pub(crate) fn cards(fitting: &Fitting) -> Result<Vec<ModelCard>> {
    let library = library();
    let mut here: HashMap<String, Record> = library
        .installed()?
        .into_iter()
        .map(|record| (record.id.clone(), record))
        .collect();
    let partial: HashMap<String, u64> = library
        .partial()?
        .into_iter()
        .map(|part| (part.id, part.bytes))
        .collect();
    let mut cards = Vec::new();
    for entry in catalogue()? {
        let record = here.remove(&entry.id);
        let mut card = of_entry(&entry, record.as_ref(), &library, fitting)?;
        card.arrived_bytes = partial.get(&entry.id).map(|bytes| *bytes as f64);
        card.cached = !card.installed && bring::is_in_cache(&entry.id, entry.revision.as_deref());
        cards.push(card);
    }
    let mut others: Vec<Record> = here.into_values().collect();
    others.sort_by(|a, b| a.id.cmp(&b.id));
    for record in &others {
        // A damaged model is not shown as one but among what is unfinished.
        if let Some(card) = of_record(record, &library, fitting)? {
            cards.push(card);
        }
    }
    Ok(cards)
}

/// The card of one model, of the catalogue or the library.
///
/// # Errors
/// [`HubError::UnknownModel`]; those of the library.
pub fn card(id: &str, project: Option<&Project>) -> Result<ModelCard> {
    let fitting = Fitting::new(project, speed::known())?;
    let found = cards(&fitting)?.into_iter().find(|card| card.id == id);
    found.ok_or_else(|| HubError::UnknownModel { id: id.to_owned() }.into())
}

/// Which of the projects opened lately use each model of the library. A project that cannot be opened now is passed over.
///
/// # Errors
/// Those of the library.
pub fn uses() -> Result<Vec<ModelUse>> {
    let mut uses: Vec<ModelUse> = library()
        .installed()?
        .into_iter()
        .map(|record| ModelUse {
            id: record.id,
            projects: Vec::new(),
        })
        .collect();
    for recent in Stored::read()?.recent {
        let Ok(project) = Project::open(std::path::Path::new(&recent.path)) else {
            continue;
        };
        let chosen = crate::session::chosen_model(&project)?;
        let trained: Vec<String> = project.runs()?.into_iter().map(|run| run.model).collect();
        for used in &mut uses {
            if used.id == chosen || trained.contains(&used.id) {
                used.projects.push(recent.name.clone());
            }
        }
    }
    Ok(uses)
}

fn of_entry(
    entry: &CatalogueEntry,
    record: Option<&Record>,
    library: &Library,
    fitting: &Fitting,
) -> Result<ModelCard> {
    let footprint = Footprint::of(&config_of(&entry.config)?).map_err(TrainError::from)?;
    let installed = record.is_some() && library.has(&entry.id)?;
    let bytes = record
        .filter(|_| installed)
        .map_or(entry.download_bytes, Record::bytes);
    let fit = fitting.of(&Candidate {
        footprint: &footprint,
        architecture: entry.architecture(),
        languages: &entry.languages,
        multilingual: entry.multilingual,
        mean_pooling: entry.mean_pooling,
        download: if installed { 0.0 } else { bytes as f64 },
    });
    Ok(ModelCard {
        id: entry.id.clone(),
        name: entry.name.clone(),
        description: Some(entry.description.clone()),
        architecture: entry.architecture().to_owned(),
        licence: entry.licence.clone(),
        commercial_use: entry.commercial_use,
        languages: entry.languages.clone(),
        multilingual: entry.multilingual,
        domain: Some(entry.domain),
        mean_pooling: entry.mean_pooling,
        parameters: entry.parameters as f64,
        layer_parameters: layer_parameters(&footprint),
        bytes: bytes as f64,
        hidden_size: entry.hidden_size,
        layers: entry.layers,
        max_length: entry.max_length,
        source: Some(entry.source.clone()),
        revision: record
            .and_then(|record| record.revision.clone())
            .or_else(|| entry.revision.clone()),
        recommended_by_us: true,
        other_revision: installed
            && record.is_some_and(|record| entry.revision.is_some() && record.revision != entry.revision),
        installed,
        folder: installed.then(|| folder(library, &entry.id)),
        origin: record.filter(|_| installed).map(|record| record.origin.clone()),
        arrived_bytes: None,
        cached: false,
        fit,
    })
}

/// A model of the library that the catalogue does not know; `None` for a damaged one.
fn of_record(record: &Record, library: &Library, fitting: &Fitting) -> Result<Option<ModelCard>> {
    if !library.has(&record.id)? {
        return Ok(None);
    }
    let path = library.root().join(record.id.replace('/', "--"));
    let Ok((facts, (model, footprint))) = check_folder(&path)
        .map_err(EngineError::from)
        .and_then(|facts| Ok((facts, ModelFacts::read(&path)?)))
    else {
        return Ok(None);
    };
    let mut card = unknown(
        &record.id,
        &facts.architecture,
        &footprint,
        model.means_texts,
        record.bytes() as f64,
    );
    card.licence.clone_from(&record.licence);
    card.revision.clone_from(&record.revision);
    card.source = record.revision.as_ref().map(|_| page(&record.id));
    card.installed = true;
    card.folder = Some(path.display().to_string());
    card.origin = Some(record.origin.clone());
    card.fit = fitting.of(&Candidate {
        footprint: &footprint,
        architecture: &facts.architecture,
        languages: &[],
        multilingual: false,
        mean_pooling: model.means_texts,
        download: 0.0,
    });
    // Nobody has said what it reads.
    card.fit.reads_language = None;
    Ok(Some(card))
}

/// A model of the hub that was looked up.
pub(crate) fn of_repository(
    repository: &Repository,
    config: &Config,
    footprint: &Footprint,
    fitting: &Fitting,
) -> Result<ModelCard> {
    let architecture = config
        .word("model_type", "")
        .map_err(TrainError::from)?
        .to_owned();
    let manifest = &repository.manifest;
    let mut card = unknown(
        &manifest.id,
        &architecture,
        footprint,
        false,
        manifest.bytes() as f64,
    );
    card.licence.clone_from(&manifest.licence);
    card.languages.clone_from(&repository.languages);
    card.source = Some(page(&manifest.id));
    card.revision = manifest.revision().map(str::to_owned);
    card.installed = library().has(&manifest.id)?;
    card.fit = fitting.of(&Candidate {
        footprint,
        architecture: &architecture,
        languages: &repository.languages,
        multilingual: repository.languages.len() > 3,
        mean_pooling: false,
        download: manifest.bytes() as f64,
    });
    if repository.languages.is_empty() {
        card.fit.reads_language = None;
    }
    Ok(card)
}

/// A model of which only its own files speak.
fn unknown(id: &str, architecture: &str, footprint: &Footprint, mean_pooling: bool, bytes: f64) -> ModelCard {
    ModelCard {
        id: id.to_owned(),
        name: id.rsplit('/').next().unwrap_or(id).to_owned(),
        description: None,
        architecture: architecture.to_owned(),
        licence: None,
        commercial_use: CommercialUse::Unclear,
        languages: Vec::new(),
        multilingual: false,
        domain: None,
        mean_pooling,
        parameters: (footprint.dense + footprint.tables) as f64,
        layer_parameters: layer_parameters(footprint),
        bytes,
        hidden_size: footprint.hidden as u32,
        layers: footprint.layers as u32,
        max_length: footprint.max_length as u32,
        source: None,
        revision: None,
        recommended_by_us: false,
        other_revision: false,
        installed: false,
        folder: None,
        origin: None,
        arrived_bytes: None,
        cached: false,
        fit: Fit::unknown(),
    }
}

fn layer_parameters(footprint: &Footprint) -> f64 {
    footprint.of_layers as f64 * footprint.layers as f64 / footprint.own_layers.max(1) as f64
}

fn folder(library: &Library, id: &str) -> String {
    library.root().join(id.replace('/', "--")).display().to_string()
}

fn page(id: &str) -> String {
    format!("{}/{id}", understudy_hub::PUBLIC_HUB)
}

fn config_of(fields: &serde_json::Map<String, serde_json::Value>) -> Result<Config> {
    let text = serde_json::Value::Object(fields.clone()).to_string();
    Config::parse(&text).map_err(|error| EngineError::Train(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_s_sizes_are_those_of_its_configurations() {
        for entry in catalogue().unwrap() {
            let footprint = Footprint::of(&config_of(&entry.config).unwrap()).unwrap();
            // Counted with Transformers; ours leaves out what no gradient reaches.
            let (ours, theirs) = (
                (footprint.dense + footprint.tables) as f64,
                entry.parameters as f64,
            );
            assert!(
                (ours / theirs - 1.0).abs() < 0.02,
                "{}: {ours} {theirs}",
                entry.id
            );
            assert_eq!(
                (footprint.hidden, footprint.layers),
                (entry.hidden_size as usize, entry.layers as usize),
                "{}",
                entry.id
            );
            assert!(entry.max_length as usize <= footprint.max_length, "{}", entry.id);
        }
    }
}
