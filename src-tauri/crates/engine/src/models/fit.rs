//! What a model would need for these texts on this machine, told before anything is downloaded.
//!
//! Memory comes from the estimator of the learning core, time from a measurement of this machine. Lengths in tokens are
//! reckoned from letters, because the tokenizer of a model that is not here is not here either; the plan of a training
//! counts them exactly.

use serde::{Deserialize, Serialize};
use understudy_data::Project;
use understudy_train::memory::{self, Texts};
use understudy_train::presets::{self, ModelFacts};
use understudy_train::{Footprint, Method, Speed, TrainSettings};

use crate::error::Result;
use crate::models::need::Need;
use crate::planning::{USABLE_MEMORY, threads};

/// Whether a model can do something on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It can.
    Fits,
    /// It can in a slower way, or when other programs give memory back.
    Tight,
    /// It needs more memory than the machine has.
    DoesNotFit,
}

/// What a model would need for this project on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Fit {
    /// Whether it can be trained.
    pub training: Verdict,
    /// Memory of a training, MB.
    pub training_mb: f64,
    /// Seconds that a training takes at most; `None` before this machine was measured.
    pub training_seconds: Option<f64>,
    /// Whether it can answer once it is trained.
    pub answering: Verdict,
    /// Memory of answering, MB.
    pub answering_mb: f64,
    /// Texts that it answers in a second; `None` before this machine was measured.
    pub texts_per_second: Option<f64>,
    /// Whether the disk has room for it.
    pub disk: bool,
    /// Whether it reads the language that most texts are in; `None` where that is not known.
    pub reads_language: Option<bool>,
}

impl Fit {
    /// Before anything is known.
    pub(crate) fn unknown() -> Self {
        Self {
            training: Verdict::DoesNotFit,
            training_mb: 0.0,
            training_seconds: None,
            answering: Verdict::DoesNotFit,
            answering_mb: 0.0,
            texts_per_second: None,
            disk: false,
            reads_language: None,
        }
    }
}

/// The texts and the machine together.
#[derive(Debug, Clone)]
pub struct Fitting {
    pub(super) need: Need,
    memory_free: f64,
    memory_total: f64,
    disk_free: f64,
    speed: Option<Speed>,
}

/// What is known of a model for its fit.
pub(crate) struct Candidate<'a> {
    pub footprint: &'a Footprint,
    pub architecture: &'a str,
    pub languages: &'a [String],
    pub multilingual: bool,
    pub mean_pooling: bool,
    /// Bytes still to be downloaded.
    pub download: f64,
}

impl Fitting {
    /// For a project on this machine; `at` is on the disk that models come to.
    ///
    /// # Errors
    /// Those of the database.
    pub fn new(project: Option<&Project>, speed: Option<Speed>) -> Result<Self> {
        let machine = understudy_hub::machine(crate::models::library().root());
        Ok(Self {
            need: Need::of(project)?,
            memory_free: machine.memory_free_bytes,
            memory_total: machine.memory_bytes,
            disk_free: machine.disk_free_bytes,
            speed,
        })
    }

    /// What a model would need.
    pub(crate) fn of(&self, model: &Candidate<'_>) -> Fit {
        let texts = self.need.tokens(model);
        let usable = USABLE_MEMORY * self.memory_free;
        let facts = ModelFacts {
            hidden_size: model.footprint.hidden,
            max_length: model.footprint.max_length,
            means_texts: model.mean_pooling && model.footprint.takes_pooling_layer,
        };
        let data = self.need.facts(&texts);
        let preset = presets::propose(&data, &facts);
        let (mut settings, _) = presets::choose(preset, "", &data, &facts);
        let plain = memory::estimate(model.footprint, &settings, self.need.classes, &texts, threads());
        let (training, needed) = self.training(model.footprint, &mut settings, &texts, plain, usable);
        let answering = memory::of_answering(model.footprint, settings.max_length as usize, threads());
        let speed = self.speed.as_ref();
        Fit {
            training,
            training_mb: needed / 1e6,
            training_seconds: speed.map(|speed| {
                speed.seconds_of_training(
                    model.footprint,
                    model.architecture,
                    &settings,
                    &texts,
                    self.need.validation,
                )
            }),
            answering: self.verdict(answering, usable),
            answering_mb: answering / 1e6,
            texts_per_second: speed
                .map(|speed| speed.texts_per_second(model.footprint, model.architecture, &settings, &texts)),
            disk: model.download < self.disk_free,
            reads_language: self.need.is_read_by(model.languages, model.multilingual),
        }
    }

    /// A way to train within the memory there is: as proposed, else in parts and with layers computed again, else with
    /// adapters only. It does not fit when no way fits into all the memory that the machine has.
    fn training(
        &self,
        footprint: &Footprint,
        settings: &mut TrainSettings,
        texts: &Texts,
        plain: f64,
        usable: f64,
    ) -> (Verdict, f64) {
        if plain <= usable {
            return (Verdict::Fits, plain);
        }
        let needed = memory::fit(footprint, settings, self.need.classes, texts, threads(), usable);
        if needed <= USABLE_MEMORY * self.memory_total {
            return (Verdict::Tight, needed);
        }
        settings.method = Method::Lora;
        let needed = memory::fit(footprint, settings, self.need.classes, texts, threads(), usable);
        (self.verdict(needed, usable).max_tight(), needed)
    }

    fn verdict(&self, needed: f64, usable: f64) -> Verdict {
        match needed {
            needed if needed <= usable => Verdict::Fits,
            needed if needed <= USABLE_MEMORY * self.memory_total => Verdict::Tight,
            _ => Verdict::DoesNotFit,
        }
    }
}

impl Verdict {
    /// What only adapters make possible is not a plain fit.
    fn max_tight(self) -> Self {
        match self {
            Verdict::Fits => Verdict::Tight,
            other => other,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::models::cards::cards;

    pub(in crate::models) const GB: f64 = 1e9;

    pub(in crate::models) fn need(language: &str, texts: usize, classes: usize) -> Need {
        Need {
            characters: vec![540; 10],
            ideographs: if language == "zh" { 0.9 } else { 0.0 },
            texts,
            validation: texts / 5,
            classes,
            languages: vec![language.into()],
            median: 540,
            known: true,
            ..Need::usual()
        }
    }

    /// Of a machine with so much memory, on which BERT base learns about 8 texts of 256 tokens a second.
    pub(in crate::models) fn on(memory: f64, need: Need) -> Fitting {
        let pace = |architecture: &str, hidden, learning: f64| understudy_train::speed::Pace {
            architecture: architecture.into(),
            hidden,
            learning,
            learning_bf16: 2.0 * learning,
            reading: learning,
            step: 1e-9,
        };
        Fitting {
            need,
            memory_free: 0.8 * memory,
            memory_total: memory,
            disk_free: 100.0 * GB,
            speed: Some(Speed {
                paces: vec![
                    pace("bert", 384, 1.5e11),
                    pace("bert", 768, 2e11),
                    pace("deberta-v2", 384, 1e11),
                    pace("modernbert", 384, 1e11),
                ],
            }),
        }
    }

    #[test]
    fn less_memory_never_makes_a_model_fit_better_and_a_small_machine_still_trains_something() {
        let verdicts = |memory: f64| -> Vec<Verdict> {
            let cards = cards(&on(memory, need("en", 3000, 10))).unwrap();
            cards.iter().map(|card| card.fit.training).collect()
        };
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Fits => 0,
            Verdict::Tight => 1,
            Verdict::DoesNotFit => 2,
        };
        let (small, middle, large) = (verdicts(2.0 * GB), verdicts(8.0 * GB), verdicts(64.0 * GB));
        for (less, more) in small.iter().zip(&middle).chain(middle.iter().zip(&large)) {
            assert!(rank(less) >= rank(more));
        }
        assert!(large.iter().all(|verdict| *verdict == Verdict::Fits));
        assert!(small.contains(&Verdict::Fits) && small.contains(&Verdict::DoesNotFit));
    }
}
