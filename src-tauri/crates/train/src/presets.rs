//! Settings chosen from the data and the model, each with its reason.
//!
//! The textbook's three epochs at 5e-5 leave a small encoder far from what it can learn (docs/performance.md has the
//! measurements behind every number here). A sentence encoder already places texts by meaning, so its head learns on
//! fixed features in seconds and is a better start for the whole model than random numbers; small models stand larger
//! learning rates; few texts need more epochs; how many are enough is told by validation.

use std::path::Path;

use serde::{Deserialize, Serialize};
use understudy_nn::{Footprint, Precision};

use crate::error::Result;
use crate::settings::{Method, Pooling, TrainSettings};
use crate::tokenizer::{Truncation, windows_for};

/// How much time is to be spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Seconds to a minute: a first look.
    Quick,
    /// The default.
    #[default]
    Balanced,
    /// Several times as long, for the last bit.
    Thorough,
    /// A few examples a class.
    FewLabels,
    /// What tutorials do: for comparisons.
    Textbook,
}

impl Preset {
    /// All of them.
    pub const ALL: [Preset; 5] = [
        Preset::Quick,
        Preset::Balanced,
        Preset::Thorough,
        Preset::FewLabels,
        Preset::Textbook,
    ];
}

/// What is known of the texts to learn from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DataFacts {
    /// Texts.
    pub texts: usize,
    /// Classes.
    pub classes: usize,
    /// Texts of the rarest class.
    pub rarest: usize,
    /// Texts of the commonest class.
    pub commonest: usize,
    /// Length in tokens that 95 of 100 texts do not exceed.
    pub length_p95: usize,
    /// Whether a text may have several labels.
    pub several: bool,
}

/// What is known of the model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelFacts {
    /// Size of its hidden states.
    pub hidden_size: usize,
    /// Longest sequence in tokens.
    pub max_length: usize,
    /// Whether it was trained to place texts by meaning, as the mean of its tokens, and a layer can be put on it that
    /// says so.
    pub means_texts: bool,
}

impl ModelFacts {
    /// Of the model in `folder`. Sentence encoders say how they pool in `1_Pooling/config.json`.
    ///
    /// # Errors
    /// [`crate::TrainError::Model`].
    pub fn read(folder: &Path) -> Result<(Self, Footprint)> {
        let footprint = Footprint::read(folder)?;
        let pooling = std::fs::read_to_string(folder.join("1_Pooling/config.json")).ok();
        let pooling: Option<serde_json::Value> = pooling.and_then(|text| serde_json::from_str(&text).ok());
        let by_mean = pooling.is_some_and(|pooling| {
            pooling["pooling_mode_mean_tokens"] == true && pooling["pooling_mode_cls_token"] != true
        });
        let facts = ModelFacts {
            hidden_size: footprint.hidden,
            max_length: footprint.max_length,
            means_texts: by_mean && footprint.takes_pooling_layer,
        };
        Ok((facts, footprint))
    }
}

/// The preset that fits these texts: with few examples of a class the whole model would learn them by heart.
pub fn propose(data: &DataFacts, model: &ModelFacts) -> Preset {
    match model.means_texts && data.texts < FEW * data.classes.max(1) {
        true => Preset::FewLabels,
        false => Preset::Balanced,
    }
}

/// Why a setting is what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum Reason {
    /// The model already places texts by their meaning.
    MeansTexts,
    /// There are few examples of a class.
    FewExamples {
        /// Of the rarest class.
        rarest: u32,
    },
    /// Models of this size stand it.
    ModelSize {
        /// Size of the hidden states.
        hidden_size: u32,
    },
    /// So many corrections are worth while with so many texts.
    Steps {
        /// Corrections in all.
        steps: u32,
    },
    /// Nearly all texts are no longer.
    Lengths {
        /// Tokens that 95 of 100 texts do not exceed.
        tokens: u32,
    },
    /// Many texts are longer than the model reads at once.
    LongTexts {
        /// Tokens that 95 of 100 texts do not exceed.
        tokens: u32,
    },
    /// Many texts are longer than what is read of them, and come to their point at their end.
    EndsTell {
        /// Tokens that 95 of 100 texts do not exceed.
        tokens: u32,
    },
    /// The processor multiplies rounded numbers faster.
    Processor,
    /// The whole model need not follow a head that knows nothing yet.
    HeadFirst,
    /// Part of what is learned from few or contradictory texts is their noise.
    LooksBack,
    /// What one training comes to is partly chance where there are few texts.
    SeveralTrainings,
    /// It ends by itself when nothing gets better.
    StopsItself,
    /// Otherwise the common classes would drown the rare ones.
    Imbalance {
        /// How many times as common the commonest class is as the rarest.
        times: u32,
    },
    /// It fits into the memory that is free.
    Memory {
        /// Megabytes that the run will need.
        megabytes: u32,
    },
}

/// A setting that a preset chose.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct Choice {
    /// The setting's name.
    pub setting: String,
    /// Why it is what it is.
    pub reason: Reason,
}

/// Fewer examples of a class than this are few.
const FEW: usize = 16;

/// Windows of a long text that are worth their time.
const MOST_WINDOWS: usize = 8;

/// A head that learns alone may read the same features this often: it costs next to nothing.
const HEAD_EPOCHS: u32 = 20;

/// A head that the whole model is to follow must not know its texts by heart yet: with 20 epochs the loss is so small
/// that the model hardly moves (cuad_clauses: 0.66 macro-F1 against 0.71).
const HEAD_START: u32 = 5;

/// Corrections below which a model has hardly moved, and above which epochs need not be added.
const ENOUGH_STEPS: usize = 1500;

/// Texts up to which several trainings take the time that one takes with many.
const FEW_TEXTS: usize = 5_000;

/// Size of the hidden states up to which a model is small.
const SMALL: usize = 512;

/// Chooses the settings for a model and texts, and says why.
pub fn choose(
    preset: Preset,
    model: &str,
    data: &DataFacts,
    facts: &ModelFacts,
) -> (TrainSettings, Vec<Choice>) {
    let mut settings = TrainSettings {
        preset,
        ..TrainSettings::textbook(model)
    };
    settings.max_length = settings.max_length.min(facts.max_length as u32);
    let mut choices = Vec::new();
    if preset == Preset::Textbook {
        return (settings, choices);
    }
    let mut because = |setting: &str, reason: Reason| {
        let setting = setting.to_owned();
        choices.push(Choice { setting, reason });
    };
    if Precision::bf16_is_fast() {
        settings.precision = Precision::Bf16;
        because("precision", Reason::Processor);
    }
    settings.max_length = length(preset, data, facts);
    because(
        "max_length",
        Reason::Lengths {
            tokens: data.length_p95 as u32,
        },
    );
    if preset == Preset::Thorough && data.length_p95 > facts.max_length {
        let windows = windows_for(data.length_p95, settings.max_length as usize);
        settings.windows = windows.min(MOST_WINDOWS) as u32;
        because(
            "windows",
            Reason::LongTexts {
                tokens: data.length_p95 as u32,
            },
        );
    } else if data.length_p95 > settings.max_length as usize {
        settings.truncation = Truncation::HeadAndTail;
        because(
            "truncation",
            Reason::EndsTell {
                tokens: data.length_p95 as u32,
            },
        );
    }
    if facts.means_texts {
        settings.pooling = Pooling::Mean;
        because("pooling", Reason::MeansTexts);
    }
    let times = data.commonest / data.rarest.max(1);
    // Where a text may have several labels, the thresholds look after the rare ones.
    if times >= 20 && data.rarest >= FEW && !data.several {
        settings.class_weights = true;
        because("class_weights", Reason::Imbalance { times: times as u32 });
    }
    let few = Reason::FewExamples {
        rarest: data.rarest as u32,
    };
    if facts.means_texts && matches!(preset, Preset::Quick | Preset::FewLabels) {
        settings.method = Method::Head;
        because(
            "method",
            if preset == Preset::Quick {
                Reason::MeansTexts
            } else {
                few
            },
        );
        head_alone(&mut settings);
        because("patience", Reason::StopsItself);
        return (settings, choices);
    }
    settings.head_epochs = HEAD_START;
    because("head_epochs", Reason::HeadFirst);
    if preset != Preset::Quick {
        settings.average_with_start = true;
        because("average_with_start", Reason::LooksBack);
    }
    settings.learning_rate = learning_rate(preset, facts);
    because(
        "learning_rate",
        Reason::ModelSize {
            hidden_size: facts.hidden_size as u32,
        },
    );
    settings.epochs = epochs(preset, data, settings.batch_size as usize);
    let steps = settings.steps(data.texts);
    because("epochs", Reason::Steps { steps });
    settings.trainings = trainings(preset, data, facts);
    if settings.trainings > 1 {
        because("trainings", Reason::SeveralTrainings);
    }
    if preset != Preset::Quick {
        settings.patience = if preset == Preset::Thorough { 4 } else { 3 };
        because("patience", Reason::StopsItself);
    }
    if preset == Preset::Thorough {
        settings.layer_decay = 0.9;
        because(
            "layer_decay",
            Reason::ModelSize {
                hidden_size: facts.hidden_size as u32,
            },
        );
    }
    (settings, choices)
}

/// A head that learns alone may learn fast and often.
fn head_alone(settings: &mut TrainSettings) {
    settings.epochs = HEAD_EPOCHS;
    settings.batch_size = 32;
    settings.learning_rate = 1e-3;
    settings.patience = 6;
}

/// What 95 of 100 texts need, within what the preset has time for.
fn length(preset: Preset, data: &DataFacts, facts: &ModelFacts) -> u32 {
    let most = match preset {
        Preset::Quick | Preset::FewLabels | Preset::Balanced => 256,
        Preset::Thorough => 512,
        Preset::Textbook => 128,
    };
    data.length_p95
        .next_multiple_of(16)
        .clamp(32, most)
        .min(facts.max_length) as u32
}

/// Peak learning rates by the size of the model: what does not destroy it, from 384 (MiniLM) over 768 (base) to 1024
/// (large).
fn learning_rate(preset: Preset, facts: &ModelFacts) -> f64 {
    let rate = match facts.hidden_size {
        0..=SMALL => 2e-4,
        hidden_size if hidden_size <= 800 => 4e-5,
        _ => 1.5e-5,
    };
    if preset == Preset::Thorough {
        rate * 0.7
    } else {
        rate
    }
}

/// Several where there are few texts and the time for it: a large model takes as long for one as a small one for many.
fn trainings(preset: Preset, data: &DataFacts, facts: &ModelFacts) -> u32 {
    match (preset, facts.hidden_size <= SMALL) {
        _ if data.texts > FEW_TEXTS => 1,
        (Preset::Balanced, true) | (Preset::Thorough, false) => 3,
        (Preset::Thorough, true) => 5,
        _ => 1,
    }
}

/// So many that the model takes enough steps, however few texts there are.
fn epochs(preset: Preset, data: &DataFacts, batch_size: usize) -> u32 {
    let steps = data.texts.div_ceil(batch_size).max(1);
    let (least, most) = match preset {
        Preset::Quick => (1, 3),
        Preset::Thorough => (6, 30),
        _ => (3, 15),
    };
    (ENOUGH_STEPS.div_ceil(steps) as u32).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANK: DataFacts = DataFacts {
        texts: 9_500,
        classes: 77,
        rarest: 33,
        commonest: 180,
        length_p95: 34,
        several: false,
    };
    const MINILM: ModelFacts = ModelFacts {
        hidden_size: 384,
        max_length: 512,
        means_texts: true,
    };

    fn chosen(preset: Preset, data: DataFacts, model: ModelFacts) -> TrainSettings {
        let (settings, choices) = choose(preset, "m", &data, &model);
        settings.check(model.max_length).unwrap();
        assert!(preset == Preset::Textbook || !choices.is_empty());
        settings
    }

    #[test]
    fn every_preset_is_allowed_for_tiny_and_huge_data() {
        let tiny = DataFacts {
            texts: 2,
            classes: 2,
            rarest: 1,
            commonest: 1,
            length_p95: 3,
            several: false,
        };
        let huge = DataFacts {
            texts: 1_000_000,
            length_p95: 4_000,
            ..BANK
        };
        let short = ModelFacts {
            hidden_size: 1024,
            max_length: 24,
            means_texts: false,
        };
        for preset in Preset::ALL {
            for data in [tiny, BANK, huge] {
                for model in [MINILM, short] {
                    chosen(preset, data, model);
                }
            }
        }
    }

    #[test]
    fn quick_trains_the_head_alone_where_the_model_means_texts() {
        let settings = chosen(Preset::Quick, BANK, MINILM);
        assert_eq!((settings.method, settings.pooling), (Method::Head, Pooling::Mean));
        let plain = ModelFacts {
            means_texts: false,
            ..MINILM
        };
        assert_eq!(chosen(Preset::Quick, BANK, plain).method, Method::Full);
    }

    #[test]
    fn a_few_examples_a_class_call_for_the_preset_of_that_name() {
        let few = DataFacts {
            texts: 77 * 8,
            ..BANK
        };
        assert_eq!(propose(&few, &MINILM), Preset::FewLabels);
        assert_eq!(propose(&BANK, &MINILM), Preset::Balanced);
    }

    #[test]
    fn few_texts_are_read_more_often_and_large_models_learn_slower() {
        let few = DataFacts { texts: 400, ..BANK };
        assert!(chosen(Preset::Balanced, few, MINILM).epochs > chosen(Preset::Balanced, BANK, MINILM).epochs);
        let large = ModelFacts {
            hidden_size: 1024,
            ..MINILM
        };
        assert!(chosen(Preset::Balanced, BANK, large).learning_rate < 2e-5);
    }

    #[test]
    fn few_texts_are_learned_from_several_times() {
        let few = DataFacts { texts: 4_000, ..BANK };
        let of = |preset, data| chosen(preset, data, MINILM).trainings();
        assert_eq!(
            [
                of(Preset::Quick, few),
                of(Preset::Balanced, few),
                of(Preset::Thorough, few)
            ],
            [1, 3, 5]
        );
        assert_eq!(of(Preset::Thorough, BANK), 1);
        let base = ModelFacts {
            hidden_size: 768,
            ..MINILM
        };
        assert_eq!(chosen(Preset::Balanced, few, base).trainings(), 1);
    }

    #[test]
    fn texts_longer_than_the_model_reads_are_read_in_windows_when_there_is_time() {
        let long = DataFacts {
            length_p95: 1_800,
            ..BANK
        };
        let settings = chosen(Preset::Thorough, long, MINILM);
        assert_eq!((settings.max_length, settings.windows), (512, 4));
        let longer = DataFacts {
            length_p95: 2_000,
            ..long
        };
        assert_eq!(
            chosen(Preset::Thorough, longer, MINILM).windows,
            5,
            "windows overlap"
        );
        let balanced = chosen(Preset::Balanced, long, MINILM);
        assert_eq!(
            (balanced.windows, balanced.truncation),
            (1, Truncation::HeadAndTail)
        );
        assert_eq!(
            chosen(Preset::Balanced, BANK, MINILM).truncation,
            Truncation::Head
        );
    }

    #[test]
    fn strong_imbalance_is_weighed_unless_the_rarest_class_is_too_rare_to_mean_much() {
        let uneven = DataFacts {
            rarest: 20,
            commonest: 900,
            ..BANK
        };
        assert!(chosen(Preset::Balanced, uneven, MINILM).class_weights);
        assert!(!chosen(Preset::Balanced, DataFacts { rarest: 2, ..uneven }, MINILM).class_weights);
        assert!(!chosen(Preset::Balanced, BANK, MINILM).class_weights);
    }
}
