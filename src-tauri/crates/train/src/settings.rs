//! What can be chosen about a training run.

use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// The settings of a run, in the field's terms. [`TrainSettings::textbook`] gives values that work for most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "specta", derive(specta::Type))]
pub struct TrainSettings {
    /// Id of the pretrained model.
    pub model: String,
    /// How often every training text is seen.
    pub epochs: u32,
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
    /// Decides everything random: the head's first weights, the order of the texts, dropout.
    pub seed: u32,
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
            batch_size: 16,
            learning_rate: 5e-5,
            weight_decay: 0.01,
            warmup_ratio: 0.1,
            dropout: 0.1,
            max_grad_norm: 1.0,
            max_length: 128,
            seed: 0,
        }
    }

    /// Steps for this many training texts.
    pub fn steps(&self, texts: usize) -> u32 {
        self.steps_per_epoch(texts) * self.epochs
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
            ("batch_size", f64::from(self.batch_size), 1.0, 1024.0),
            ("learning_rate", self.learning_rate, 1e-8, 1.0),
            ("weight_decay", self.weight_decay, 0.0, 1.0),
            ("warmup_ratio", self.warmup_ratio, 0.0, 1.0),
            ("dropout", self.dropout, 0.0, 0.9),
            ("max_grad_norm", self.max_grad_norm, 1e-3, 1e6),
            ("max_length", f64::from(self.max_length), 4.0, positions as f64),
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
    fn the_last_small_batch_counts_as_a_step() {
        assert_eq!(TrainSettings::textbook("m").steps(33), 9);
    }
}
