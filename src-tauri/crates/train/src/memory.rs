//! How much memory a run will need, told before it starts, and how to make it need less.
//!
//! What is counted: the weights and, of what learns, gradients and two moments; what a step's longest batch keeps of
//! the forward pass; what passes through a layer; the texts themselves; the program. Checked against measured runs over
//! architectures, sizes, batch sizes and lengths (`tests/memory.rs`).

use understudy_nn::{DeviceKind, Footprint};

use crate::batch::TOKENS_PER_PART;
use crate::settings::{Method, Pooling, TrainSettings};

/// Bytes of a number.
const NUMBER: f64 = 4.0;

/// What the program needs without a model: code, the tokenizer's tables, the database's caches.
const PROGRAM: f64 = 30e6;

/// Buffers are kept for reuse, and batches differ in length: a part of them lies idle.
const IDLE_BUFFERS: f64 = 1.05;

/// Lengths in tokens of a sample of the texts, and what else of them takes memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts {
    /// Lengths of a sample, uncut.
    pub lengths: Vec<usize>,
    /// Texts in all.
    pub count: usize,
    /// Bytes of all texts.
    pub bytes: usize,
    /// Different token ids that occur.
    pub vocabulary: usize,
}

impl Texts {
    /// Mean and deviation of the lengths, cut at `max_length`.
    fn moments(&self, max_length: f64) -> (f64, f64) {
        let n = self.lengths.len().max(1) as f64;
        let cut = self.lengths.iter().map(|&length| (length as f64).min(max_length));
        let mean = cut.clone().sum::<f64>() / n;
        let variance = cut.map(|length| (length - mean).powi(2)).sum::<f64>() / n;
        (mean, variance.sqrt())
    }

    /// Tokens of the longest of the random batches of an epoch.
    fn longest_batch(&self, texts: f64, max_length: f64) -> f64 {
        let (mean, deviation) = self.moments(max_length);
        let batches = (self.count as f64 / texts).max(1.0);
        // The largest of n normal numbers lies about this many deviations above their mean.
        let deviations = (2.0 * (1.0 + batches).ln()).sqrt();
        (texts * mean + deviations * deviation * texts.sqrt()).min(texts * max_length)
    }
}

/// Peak memory of a run with these settings, in bytes. `threads` is how many work at once.
pub fn estimate(
    model: &Footprint,
    settings: &TrainSettings,
    classes: usize,
    texts: &Texts,
    threads: usize,
) -> f64 {
    let max_length = f64::from(settings.max_length);
    // Windows overlap a little.
    let longest = max_length * f64::from(settings.windows);
    let hidden = model.hidden as f64;
    let layers = model.layers as f64
        + if settings.pooling == Pooling::Mean {
            1.0
        } else {
            0.0
        };
    let head = hidden * (hidden + classes as f64 + 2.0);
    let added = match settings.pooling {
        Pooling::Mean => model.of_layers as f64 / model.layers.max(1) as f64,
        Pooling::Native => 0.0,
    };
    let dense = model.dense as f64 + added + head;
    let trained_layers = match settings.trained_layers {
        0 => layers,
        layers_below_head => f64::from(layers_below_head).min(layers),
    };
    let of_layers = (model.of_layers as f64 + added) * trained_layers / layers.max(1.0);
    let touched = texts.vocabulary as f64 * model.table_columns as f64;
    let (learns, touched) = match settings.method {
        Method::Full if settings.trained_layers == 0 => (dense, touched),
        Method::Full => (of_layers + head, 0.0),
        // Twelve square matrices a layer stand beside two narrow ones each.
        Method::Lora => (
            trained_layers * f64::from(settings.lora_rank) * 18.0 * hidden + head,
            0.0,
        ),
        Method::Head => (head, 0.0),
    };
    // Weights; gradient and moments of what learns; two moments of the rows that occur, in pages of their own.
    let numbers = dense + model.tables as f64 + 3.0 * learns + 2.0 * touched;
    let batch = f64::from(settings.batch_size) / f64::from(settings.accumulation_steps);
    let at_once = match settings.device {
        DeviceKind::Cpu => longest.max(TOKENS_PER_PART as f64),
        DeviceKind::Cuda | DeviceKind::Metal => f64::INFINITY,
    };
    let tokens = texts.longest_batch(batch, longest).min(at_once);
    let kept_per_token = match settings.recompute {
        true => trained_layers * hidden + model.kept_per_token as f64,
        false => (trained_layers - 1.0) * model.kept_per_token as f64 + model.last_kept_per_token as f64,
    };
    let training = match settings.method {
        Method::Head => 0.0,
        _ => tokens * (kept_per_token + 2.0 * hidden + model.passing_per_token as f64),
    };
    let (judging, attention) = (reading(model, longest), attention(max_length, threads));
    // Kept while a head learns: to the end, or before the whole model begins.
    let features = texts.count as f64 * hidden;
    let (training, features) = match settings.method {
        Method::Head => (training, features),
        _ if settings.head_epochs > 0 => (training.max(features), 0.0),
        _ => (training, 0.0),
    };
    // At the end two whole models are mixed; then one is read with.
    let whole = dense + model.tables as f64;
    let mixing = match settings.mixes() || settings.trainings() > 1 {
        true => (2.0 * whole).max(whole + IDLE_BUFFERS * judging),
        false => 0.0,
    };
    let own_texts = 2.0 * texts.bytes as f64 + NUMBER * texts.count as f64 * texts.moments(longest).0;
    let learning = numbers + features + IDLE_BUFFERS * training.max(judging);
    PROGRAM + own_texts + NUMBER * (learning.max(mixing) + attention)
}

/// Memory of answering with a trained model, in bytes.
pub fn of_answering(model: &Footprint, max_length: usize, threads: usize) -> f64 {
    let max_length = max_length as f64;
    let numbers = (model.dense + model.tables) as f64;
    PROGRAM + NUMBER * (numbers + IDLE_BUFFERS * reading(model, max_length) + attention(max_length, threads))
}

/// Results are computed for up to 2048 tokens at a time (or one text), without keeping anything.
fn reading(model: &Footprint, longest: f64) -> f64 {
    2048.0_f64.max(longest) * (model.passing_per_token + 2 * model.hidden) as f64
}

/// Attention looks at a few hundred tokens at a time.
fn attention(max_length: f64, threads: usize) -> f64 {
    threads as f64 * 3.0 * max_length * max_length.min(512.0)
}

/// Reads a step's texts in more parts, then computes layers again, until a run fits into `free` bytes. Returns what it
/// will need; that can be more than `free` when nothing helps.
pub fn fit(
    model: &Footprint,
    settings: &mut TrainSettings,
    classes: usize,
    texts: &Texts,
    threads: usize,
    free: f64,
) -> f64 {
    loop {
        let needed = estimate(model, settings, classes, texts, threads);
        if needed <= free {
            return needed;
        }
        if settings.accumulation_steps < settings.batch_size {
            settings.accumulation_steps = (2 * settings.accumulation_steps).min(settings.batch_size);
        } else if !settings.recompute && settings.method != Method::Head {
            settings.recompute = true;
        } else {
            return needed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: Footprint = Footprint {
        dense: 86_000_000,
        of_layers: 85_000_000,
        tables: 23_000_000,
        table_columns: 768,
        hidden: 768,
        layers: 12,
        own_layers: 12,
        kept_per_token: 8 * 768 + 2 * 3072,
        last_kept_per_token: 2 * 768,
        passing_per_token: 4 * 768 + 3072,
        max_length: 512,
        takes_pooling_layer: true,
    };

    fn texts() -> Texts {
        Texts {
            lengths: vec![300; 50],
            count: 1000,
            bytes: 1_500_000,
            vocabulary: 5000,
        }
    }

    fn long() -> TrainSettings {
        TrainSettings {
            max_length: 512,
            ..TrainSettings::textbook("m")
        }
    }

    #[test]
    fn less_is_needed_when_less_learns_or_is_kept() {
        let of = |settings: TrainSettings| estimate(&BASE, &settings, 3, &texts(), 2);
        let full = of(long());
        let lora = of(TrainSettings {
            method: Method::Lora,
            ..long()
        });
        let recomputed = of(TrainSettings {
            recompute: true,
            ..long()
        });
        let top = of(TrainSettings {
            trained_layers: 2,
            ..long()
        });
        assert!(
            lora < full && recomputed < full && top < recomputed,
            "{full} {lora} {recomputed} {top}"
        );
    }

    #[test]
    fn a_run_is_made_to_fit_by_parts_first_and_keeps_its_batch() {
        let mut settings = long();
        let whole = estimate(&BASE, &settings, 3, &texts(), 2);
        let needed = fit(&BASE, &mut settings, 3, &texts(), 2, 0.85 * whole);
        assert!(needed <= 0.85 * whole);
        assert!(settings.accumulation_steps > 1 && settings.batch_size == 16 && !settings.recompute);
        let mut hopeless = long();
        let needed = fit(&BASE, &mut hopeless, 3, &texts(), 2, 1e6);
        assert!(needed > 1e6 && hopeless.recompute);
    }
}
