//! How long a training will take on this machine, from a measurement of two seconds.
//!
//! What takes time is counted: products of matrices (two operations a number and token forward, twice as many back), the
//! products of attention, and the walk of the optimiser over all that learns. How fast they go is measured on small random
//! encoders of three kinds and two widths, because wide matrices are multiplied faster than narrow ones. Checked against
//! whole runs by `npm run bench -- fit`.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use understudy_nn::random::Key;
use understudy_nn::{
    Config, Footprint, Gradients, Input, Objective, PackedBatch, Precision, SequenceClassifier, Step,
};

use crate::averaging;
use crate::error::Result;
use crate::memory::Texts;
use crate::optimizer::AdamW;
use crate::settings::{Method, Pooling, TrainSettings};

/// What is measured: architecture, width, and layers enough not to fit into the processor's caches with all that learning
/// needs besides.
const KINDS: [(&str, usize, usize); 4] = [
    ("bert", 384, 2),
    ("bert", 768, 2),
    ("deberta-v2", 384, 2),
    ("modernbert", 384, 2),
];

/// A small and a large step, each texts and their length in tokens: what a step costs whatever it reads, and what each token
/// costs once there are so many that what is kept of them goes through memory.
const STEPS: [(usize, usize); 2] = [(2, 32), (2, 128)];

/// Seconds spent on each measurement, after one step that is not counted.
const SPENT: f64 = 0.025;

/// A whole run takes longer than its parts, which were measured where caches help: what twelve layers keep of a batch of
/// long texts, and their weights, go through memory. Runs of four models took 0.75 to 1.2 times as long as their parts
/// (docs/performance.md); what is foretold is told as a most.
const WHOLE_RUN: f64 = 1.25;

/// How fast one kind of encoder goes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pace {
    /// `model_type`, as in `bert`.
    pub architecture: String,
    /// Width of a token vector.
    pub hidden: usize,
    /// Operations a second while learning in 32-bit numbers.
    pub learning: f64,
    /// The same with rounded numbers.
    pub learning_bf16: f64,
    /// Operations a second while reading.
    pub reading: f64,
    /// Seconds that every step of learning costs besides, for each number of the encoder that learns: weights and gradients
    /// go through memory, the optimiser moves them.
    pub step: f64,
}

/// How fast this machine is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// One entry for each measured encoder.
    pub paces: Vec<Pace>,
}

/// Measures this machine with all its cores.
///
/// # Errors
/// None but faults of ours.
pub fn measure() -> Result<Speed> {
    let paces = KINDS.map(|(architecture, hidden, layers)| measure_one(architecture, hidden, layers));
    Ok(Speed {
        paces: paces.into_iter().collect::<Result<_>>()?,
    })
}

fn measure_one(architecture: &str, hidden: usize, layers: usize) -> Result<Pace> {
    let config = Config::parse(&configuration(architecture, hidden, layers).to_string())?;
    let footprint = Footprint::of(&config)?;
    let labels: Vec<String> = (0..4).map(|label| label.to_string()).collect();
    let mut model = SequenceClassifier::random(&config, &labels, 0)?;
    let mut gradients = Gradients::new(&model.parameters);
    let batches = STEPS.map(|(texts, length)| {
        let ids: Vec<u32> = (0..length as u32).map(|place| 10 + place % 100).collect();
        PackedBatch::from_sequences(std::iter::repeat_n(ids.as_slice(), texts))
    });
    let passes = STEPS.map(|(texts, length)| {
        let (texts, length) = (texts as f64, length as f64);
        forward_operations(&footprint, Pooling::Native, texts, length, length * length)
    });
    // Operations a second beyond what a step costs anyway, and what that is.
    let mut learning = |model: &mut SequenceClassifier, precision| -> Result<(f64, f64)> {
        model.set_training_precision(precision);
        let [mut small, mut large] = [0.0_f64; 2];
        for (batch, seconds) in batches.iter().zip([&mut small, &mut large]) {
            *seconds = seconds_of(|| learn(model, batch, &mut gradients))?;
        }
        let each = ((large - small) / (3.0 * (passes[1] - passes[0]))).max(1e-16);
        Ok((1.0 / each, (small - 3.0 * passes[0] * each).max(0.0)))
    };
    let (plain, step) = learning(&mut model, Precision::F32)?;
    let rounded = match Precision::rounds_bf16() {
        true => learning(&mut model, Precision::Bf16)?.0,
        false => plain,
    };
    let reading = seconds_of(|| {
        model.logits(&batches[1])?;
        Ok(())
    })?;
    let mut optimizer = AdamW::new(&model.parameters, &TrainSettings::textbook(""));
    let moving = seconds_of(|| {
        optimizer.update(&mut model.parameters, &gradients, 1e-6);
        Ok(())
    })?;
    Ok(Pace {
        architecture: architecture.to_owned(),
        hidden,
        learning: plain,
        learning_bf16: rounded,
        reading: passes[1] / reading,
        step: (step + moving) / footprint.dense as f64,
    })
}

/// One step without the optimiser.
fn learn(model: &SequenceClassifier, batch: &PackedBatch, gradients: &mut Gradients) -> Result<()> {
    gradients.clear();
    let (objective, texts) = (Objective::default(), batch.sequences());
    let targets: Vec<&[usize]> = vec![&[1]; texts];
    let step = Step {
        labels: &targets,
        objective: &objective,
        total_weight: texts as f64,
        dropout: Some(Key::new(1)),
    };
    model.loss_and_gradients(Input::Texts(batch), &step, gradients)?;
    Ok(())
}

fn configuration(architecture: &str, hidden: usize, layers: usize) -> Value {
    let mut config = json!({
        "model_type": architecture, "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": hidden / 64, "intermediate_size": 4 * hidden, "vocab_size": 200,
        "max_position_embeddings": 256, "type_vocab_size": 2,
    });
    match architecture {
        "deberta-v2" => {
            config["relative_attention"] = json!(true);
            config["pos_att_type"] = json!(["p2c", "c2p"]);
            config["position_biased_input"] = json!(false);
            config["share_att_key"] = json!(true);
            config["norm_rel_ebd"] = json!("layer_norm");
            config["position_buckets"] = json!(64);
            config["type_vocab_size"] = json!(0);
        }
        "modernbert" => config["intermediate_size"] = json!(3 * hidden / 2),
        _ => {}
    }
    config
}

/// Seconds of the middle one of as many repetitions as take the time, at least one. The first is not counted: caches are cold, buffers are not there yet.
fn seconds_of(mut work: impl FnMut() -> Result<()>) -> Result<f64> {
    work()?;
    let (began, mut times) = (Instant::now(), Vec::new());
    while times.is_empty() || began.elapsed().as_secs_f64() < SPENT {
        let one = Instant::now();
        work()?;
        times.push(one.elapsed().as_secs_f64());
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Keys and values are what a last layer computes of every token when only the first tokens' results are wanted: two
/// of a layer's twelve squares of its width.
const KEYS_AND_VALUES: f64 = 1.0 / 6.0;

/// Operations of reading `texts` texts once, whose lengths have this mean and mean square.
fn forward_operations(model: &Footprint, pooling: Pooling, texts: f64, mean: f64, mean_square: f64) -> f64 {
    let whole = match model.last_kept_per_token < model.kept_per_token {
        // A mean is gathered by a layer more, of its first tokens alone.
        true if pooling == Pooling::Mean => model.layers as f64 + KEYS_AND_VALUES,
        true => model.layers as f64 - 1.0 + KEYS_AND_VALUES,
        false => model.layers as f64,
    };
    let matrices = 2.0 * model.of_layers as f64 / model.own_layers.max(1) as f64 * mean;
    let attention = 4.0 * model.hidden as f64 * mean_square;
    texts * whole * (matrices + attention)
}

impl Speed {
    /// Seconds that a training takes at most (it may end earlier where nothing gets better), with `validation` texts to be
    /// read after every epoch.
    #[must_use]
    pub fn seconds_of_training(
        &self,
        model: &Footprint,
        architecture: &str,
        settings: &TrainSettings,
        texts: &Texts,
        validation: usize,
    ) -> f64 {
        let (mean, mean_square) = moments(texts, settings);
        let epochs = f64::from(settings.rounds());
        let reading = |count: f64| {
            forward_operations(model, settings.pooling, count, mean, mean_square)
                / self.pace(architecture, model.hidden, |pace| pace.reading)
        };
        let count = texts.count as f64;
        if settings.method == Method::Head {
            // The encoder reads everything once, and at the end twice more what the model is judged by; the head's epochs cost
            // next to nothing.
            return WHOLE_RUN * reading(count + 2.0 * validation as f64);
        }
        let learning = self.pace(architecture, model.hidden, |pace| match settings.precision {
            Precision::F32 => pace.learning,
            Precision::Bf16 => pace.learning_bf16,
        });
        let passes = match (settings.method, settings.recompute) {
            (Method::Lora, _) => 2.2,
            (_, true) => 4.0,
            _ => 3.0,
        };
        let learns = match settings.method {
            Method::Lora => 0.0,
            _ => model.dense as f64,
        };
        let steps = (count / f64::from(settings.batch_size)).ceil();
        let epoch = passes * forward_operations(model, settings.pooling, count, mean, mean_square) / learning
            + steps * learns * self.pace(architecture, model.hidden, |pace| pace.step)
            + reading(validation as f64);
        let before = if settings.head_epochs > 0 {
            reading(count)
        } else {
            0.0
        };
        let means = match (settings.mixes(), settings.trainings()) {
            (true, trainings) => averaging::SHARES.len() + usize::from(trainings > 1),
            (false, trainings) => usize::from(trainings > 1),
        };
        let mixing = means as f64 * reading(validation as f64);
        WHOLE_RUN * (before + epochs * epoch + mixing)
    }

    /// Texts that are answered in a second.
    #[must_use]
    pub fn texts_per_second(
        &self,
        model: &Footprint,
        architecture: &str,
        settings: &TrainSettings,
        texts: &Texts,
    ) -> f64 {
        let (mean, mean_square) = moments(texts, settings);
        let operations = forward_operations(model, settings.pooling, 1.0, mean, mean_square);
        self.pace(architecture, model.hidden, |pace| pace.reading) / operations.max(1.0)
    }

    /// The pace of an architecture at a width. Between the measured widths it grows with their logarithm, beyond them no
    /// more; architectures that were measured at one width grow as BERT does.
    fn pace(&self, architecture: &str, hidden: usize, of: impl Fn(&Pace) -> f64) -> f64 {
        let measured = |name: &str, hidden: usize| {
            let found = self
                .paces
                .iter()
                .find(|pace| pace.architecture == name && pace.hidden == hidden);
            found.map_or(1.0, |pace| of(pace).max(f64::MIN_POSITIVE))
        };
        let (narrow, wide) = (measured("bert", 384), measured("bert", 768));
        let part = ((hidden as f64 / 384.0).ln() / 2.0_f64.ln()).clamp(-1.0, 1.0);
        let bert = narrow * (wide / narrow).powf(part);
        match architecture {
            "deberta-v2" | "modernbert" => measured(architecture, 384) * bert / narrow,
            _ => bert,
        }
    }
}

/// Mean and mean square of the lengths as they are read.
fn moments(texts: &Texts, settings: &TrainSettings) -> (f64, f64) {
    let limit = f64::from(settings.max_length);
    let windows = f64::from(settings.windows);
    let n = texts.lengths.len().max(1) as f64;
    // A text in several windows attends within each.
    let cut = |length: &usize| (*length as f64).min(limit * windows);
    let mean = texts.lengths.iter().map(cut).sum::<f64>() / n;
    let square = |length: f64| length * length.min(limit);
    (
        mean,
        texts
            .lengths
            .iter()
            .map(|length| square(cut(length)))
            .sum::<f64>()
            / n,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speed() -> Speed {
        let pace = |architecture: &str, hidden, learning| Pace {
            architecture: architecture.into(),
            hidden,
            learning,
            learning_bf16: 2.0 * learning,
            reading: learning,
            step: 1e-9,
        };
        Speed {
            paces: vec![
                pace("bert", 384, 1e11),
                pace("bert", 768, 2e11),
                pace("deberta-v2", 384, 5e10),
                pace("modernbert", 384, 8e10),
            ],
        }
    }

    #[test]
    fn widths_between_the_measured_ones_go_at_a_pace_between() {
        let of = |architecture: &str, hidden| speed().pace(architecture, hidden, |pace| pace.learning);
        assert!((of("roberta", 384) - 1e11).abs() < 1.0 && (of("bert", 768) - 2e11).abs() < 1.0);
        assert!(of("bert", 512) > 1e11 && of("bert", 512) < 2e11);
        assert!(
            (of("bert", 1024) - 2e11).abs() < 1.0,
            "no faster than what was measured"
        );
        assert!(of("bert", 256) < 1e11);
        assert!((of("deberta-v2", 768) - 1e11).abs() < 1.0);
    }

    #[test]
    fn a_last_layer_of_first_tokens_counts_for_little_and_a_mean_takes_one_more() {
        let of = |model: &Value, pooling| {
            let footprint = Footprint::of(&Config::parse(&model.to_string()).unwrap()).unwrap();
            forward_operations(&footprint, pooling, 1.0, 1.0, 0.0) / (2.0 * footprint.of_layers as f64 / 2.0)
        };
        let bert = configuration("bert", 384, 2);
        assert!((of(&bert, Pooling::Native) - (1.0 + KEYS_AND_VALUES)).abs() < 1e-9);
        assert!((of(&bert, Pooling::Mean) - (2.0 + KEYS_AND_VALUES)).abs() < 1e-9);
        assert!((of(&configuration("modernbert", 384, 2), Pooling::Native) - 2.0).abs() < 1e-9);
    }

    #[test]
    fn a_measurement_takes_seconds_and_tells_numbers_that_can_be() {
        let began = Instant::now();
        let speed = measure().unwrap();
        assert!(began.elapsed().as_secs_f64() < 60.0);
        for pace in &speed.paces {
            for operations in [pace.learning, pace.learning_bf16, pace.reading] {
                assert!(operations > 1e7 && operations < 1e17, "{pace:?}");
            }
            assert!(pace.step > 0.0 && pace.step < 1e-4, "{pace:?}");
        }
    }
}
