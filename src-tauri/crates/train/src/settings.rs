//! What can be chosen about a training run.

use serde::{Deserialize, Serialize};
use understudy_nn::{DeviceKind, Precision, WindowPooling};

use crate::error::{Result, TrainError};
use crate::predictor::Reading;
use crate::presets::Preset;
use crate::tokenizer::{Truncation, tokens_read};

/// Which numbers of a model learn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// All of them (of the layers that are trained).
    #[default]
    Full,
    /// Low-rank changes of the encoder's matrices, and the head (Hu et al. 2021).
    Lora,
    /// The head alone, on what the encoder makes of the texts, computed once.
    Head,
}

/// What a text's meaning is taken from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// What the architecture's classifiers read: mostly the first token.
    #[default]
    Native,
    /// The mean of all tokens, through a layer that is put on the encoder: for sentence encoders.
    Mean,
}

/// The settings of a run, in the field's terms. [`crate::presets`] chooses them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TrainSettings {
    /// Id of the pretrained model.
    pub model: String,
    /// How often every training text is seen in a training.
    pub epochs: u32,
    /// So many trainings begin alike, see the texts in other orders, and become one model: the mean of their weights.
    pub trainings: u32,
    /// Texts per step.
    pub batch_size: u32,
    /// The highest learning rate of the schedule.
    pub learning_rate: f64,
    /// Decoupled weight decay (Loshchilov & Hutter 2019), on matrices only.
    pub weight_decay: f64,
    /// Share of the steps during which the learning rate rises from 0.
    pub warmup_ratio: f64,
    /// Probability of dropout everywhere.
    pub dropout: f64,
    /// Gradients longer than this are shortened to it.
    pub max_grad_norm: f64,
    /// Tokens read of a text, special tokens included.
    pub max_length: u32,
    /// A longer text is read in up to this many overlapping windows; 1 cuts it.
    pub windows: u32,
    /// How the windows of a text become one.
    pub window_pooling: WindowPooling,
    /// What is read of a longer text where there is one window.
    pub truncation: Truncation,
    /// Decides everything random: the head's first weights, the order of the texts, dropout.
    pub seed: u32,
    /// Which numbers learn.
    pub method: Method,
    /// Rank of the changes of [`Method::Lora`].
    pub lora_rank: u32,
    /// Only this many layers below the head learn; 0 for all, with the embeddings.
    pub trained_layers: u32,
    /// Every layer learns this much slower than the one above it (1: all alike).
    pub layer_decay: f64,
    /// In what numbers products are computed while training; on a graphics card also those that lie between them.
    pub precision: Precision,
    /// Where the training computes.
    pub device: DeviceKind,
    /// What a text's meaning is taken from.
    pub pooling: Pooling,
    /// The head learns for this many epochs on fixed features before the whole model does.
    pub head_epochs: u32,
    /// Share of every target that is spread evenly over all classes.
    pub label_smoothing: f64,
    /// Whether rare classes weigh as much as common ones.
    pub class_weights: bool,
    /// A step's texts are read in this many parts, or more where these would be long ([`crate::batch::TOKENS_PER_PART`]), one
    /// after the other: less memory, the same result but for what is dropped out.
    pub accumulation_steps: u32,
    /// Layers are computed again on the way back instead of kept: much less memory, a third more time.
    pub recompute: bool,
    /// Training ends when this many epochs in a row brought nothing better; 0 for never.
    pub patience: u32,
    /// Whether the kept model is mixed with the one that the run began with, as far as validation likes it better. Needs a
    /// head that learned first ([`TrainSettings::head_epochs`]).
    pub average_with_start: bool,
    /// What chose these settings; they may have been changed since.
    pub preset: Preset,
}

impl Default for TrainSettings {
    fn default() -> Self {
        Self::textbook("")
    }
}

/// Batch size when only results are wanted.
pub const EVALUATION_BATCH: usize = 64;

impl TrainSettings {
    /// The defaults of Transformers' course on fine-tuning: 3 epochs of batches of 16, weight decay 0.01, 5e-5 falling
    /// linearly after a short rise, texts cut at 128 tokens.
    pub fn textbook(model: &str) -> Self {
        TrainSettings {
            model: model.to_owned(),
            epochs: 3,
            trainings: 1,
            batch_size: 16,
            learning_rate: 5e-5,
            weight_decay: 0.01,
            warmup_ratio: 0.1,
            dropout: 0.1,
            max_grad_norm: 1.0,
            max_length: 128,
            windows: 1,
            window_pooling: WindowPooling::Mean,
            truncation: Truncation::Head,
            seed: 0,
            method: Method::Full,
            lora_rank: 8,
            trained_layers: 0,
            layer_decay: 1.0,
            precision: Precision::F32,
            device: DeviceKind::Cpu,
            pooling: Pooling::Native,
            head_epochs: 0,
            label_smoothing: 0.0,
            class_weights: false,
            accumulation_steps: 1,
            recompute: false,
            patience: 0,
            average_with_start: false,
            preset: Preset::Textbook,
        }
    }

    /// Reads stored settings; what an earlier version did not know of yet is as the textbook has it.
    ///
    /// # Errors
    /// When a field is none of this version's.
    pub fn from_stored(stored: serde_json::Value) -> std::result::Result<Self, serde_json::Error> {
        let mut fields = serde_json::to_value(Self::default())?;
        if let (Some(fields), serde_json::Value::Object(stored)) = (fields.as_object_mut(), stored) {
            fields.extend(stored);
        }
        serde_json::from_value(fields)
    }

    /// How the model is to read texts.
    pub(crate) fn reading(&self) -> Reading {
        Reading {
            max_length: self.max_length as usize,
            windows: self.windows as usize,
            window_pooling: self.window_pooling,
            truncation: self.truncation,
            precision: self.precision,
        }
    }

    /// Tokens that are read of a long text.
    pub fn tokens_read(&self) -> usize {
        tokens_read(self.max_length as usize, self.windows as usize)
    }

    /// Whether of a text that is longer than the model reads the end is read, too.
    pub fn reads_the_end(&self) -> bool {
        self.windows == 1 && self.truncation == Truncation::HeadAndTail
    }

    /// The settings that change nothing because of others.
    pub fn without_effect(&self) -> Vec<&'static str> {
        let head = self.method == Method::Head;
        [
            // A head alone comes to the same wherever it begins; the mean of adapters is not the adapter of the mean.
            ("trainings", self.method != Method::Full),
            ("lora_rank", self.method != Method::Lora),
            ("head_epochs", head),
            ("trained_layers", head),
            ("layer_decay", head),
            ("average_with_start", head || self.head_epochs == 0),
            ("truncation", self.windows > 1),
            ("window_pooling", self.windows <= 1),
        ]
        .into_iter()
        .filter_map(|(name, has_none)| has_none.then_some(name))
        .collect()
    }

    /// Whether the kept model is mixed with the one that the run began with.
    pub(crate) fn mixes(&self) -> bool {
        self.average_with_start && !self.without_effect().contains(&"average_with_start")
    }

    /// Trainings whose models become one.
    pub fn trainings(&self) -> u32 {
        match self.without_effect().contains(&"trainings") {
            true => 1,
            false => self.trainings.max(1),
        }
    }

    /// Epochs of all trainings.
    pub fn rounds(&self) -> u32 {
        self.epochs.saturating_mul(self.trainings())
    }

    /// Steps of all trainings for this many training texts.
    pub fn steps(&self, texts: usize) -> u32 {
        self.steps_per_epoch(texts).saturating_mul(self.rounds())
    }

    /// Steps of one epoch for this many training texts.
    pub fn steps_per_epoch(&self, texts: usize) -> u32 {
        texts.div_ceil(self.batch_size.max(1) as usize) as u32
    }

    /// Refuses values that cannot work. `positions` is the longest sequence that the model reads.
    ///
    /// # Errors
    /// [`TrainError::Setting`] with the first such value and its limits.
    pub fn check(&self, positions: usize) -> Result<()> {
        let limits = [
            ("epochs", f64::from(self.epochs), 1.0, 1000.0),
            ("trainings", f64::from(self.trainings), 1.0, 20.0),
            ("batch_size", f64::from(self.batch_size), 1.0, 1024.0),
            ("learning_rate", self.learning_rate, 1e-8, 1.0),
            ("weight_decay", self.weight_decay, 0.0, 1.0),
            ("warmup_ratio", self.warmup_ratio, 0.0, 1.0),
            ("dropout", self.dropout, 0.0, 0.9),
            ("max_grad_norm", self.max_grad_norm, 1e-3, 1e6),
            ("max_length", f64::from(self.max_length), 4.0, positions as f64),
            ("windows", f64::from(self.windows), 1.0, 64.0),
            ("lora_rank", f64::from(self.lora_rank), 1.0, 256.0),
            ("trained_layers", f64::from(self.trained_layers), 0.0, 1000.0),
            ("layer_decay", self.layer_decay, 0.1, 1.0),
            ("head_epochs", f64::from(self.head_epochs), 0.0, 1000.0),
            ("label_smoothing", self.label_smoothing, 0.0, 0.9),
            (
                "accumulation_steps",
                f64::from(self.accumulation_steps),
                1.0,
                f64::from(self.batch_size),
            ),
            ("patience", f64::from(self.patience), 0.0, 1000.0),
        ];
        match limits
            .into_iter()
            .find(|(_, value, low, high)| !(low..=high).contains(&value))
        {
            Some((setting, value, low, high)) => Err(TrainError::Setting {
                setting,
                value,
                low,
                high,
            }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_textbook_is_allowed_and_nonsense_is_named() {
        let good = TrainSettings::textbook("m");
        assert!(good.check(512).is_ok());
        let bad = [
            TrainSettings {
                epochs: 0,
                ..good.clone()
            },
            TrainSettings {
                learning_rate: f64::NAN,
                ..good.clone()
            },
            TrainSettings {
                max_length: 513,
                ..good.clone()
            },
            TrainSettings {
                dropout: 1.0,
                ..good.clone()
            },
        ];
        for (settings, name) in bad
            .iter()
            .zip(["epochs", "learning_rate", "max_length", "dropout"])
        {
            assert!(
                matches!(settings.check(512), Err(TrainError::Setting { setting, .. }) if setting == name)
            );
        }
    }

    #[test]
    fn what_changes_nothing_is_named() {
        let textbook = TrainSettings::textbook("m");
        let idle = ["lora_rank", "average_with_start", "window_pooling"];
        assert_eq!(textbook.without_effect(), idle);
        let full = TrainSettings {
            method: Method::Lora,
            head_epochs: 3,
            windows: 2,
            ..textbook.clone()
        };
        assert_eq!(full.without_effect(), ["trainings", "truncation"]);
        let head = TrainSettings {
            method: Method::Head,
            head_epochs: 3,
            ..textbook
        };
        assert!(head.without_effect().contains(&"average_with_start"));
    }

    #[test]
    fn settings_of_an_earlier_version_are_read_and_wrong_ones_refused() {
        let stored = serde_json::json!({ "model": "m", "epochs": 7 });
        let read = TrainSettings::from_stored(stored).unwrap();
        assert_eq!((read.epochs, read.batch_size, read.method), (7, 16, Method::Full));
        assert!(TrainSettings::from_stored(serde_json::json!({ "epochs": "many" })).is_err());
    }

    #[test]
    fn the_last_small_batch_counts_as_a_step() {
        let textbook = TrainSettings::textbook("m");
        assert_eq!(textbook.steps(33), 9);
        let three = TrainSettings {
            trainings: 3,
            ..textbook
        };
        assert_eq!((three.rounds(), three.steps(33)), (9, 27));
        let head = TrainSettings {
            method: Method::Head,
            ..three
        };
        assert_eq!(head.rounds(), 3, "one is as good as another");
    }
}
