//! The memory that is foretold against the memory that a run takes, over architectures, sizes, batches and lengths.
//!
//! Peak memory belongs to a process, so every run has one of its own: this program again, told by an environment
//! variable which run to do.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use understudy_train::memory::{Texts, estimate};
use understudy_train::tokenizer::Tokenizer;
use understudy_train::{
    Control, Example, Footprint, Method, Pooling, ProblemType, TrainError, TrainEvent, TrainSettings,
    TrainingJob, WindowPooling, train,
};

const WHICH: &str = "UNDERSTUDY_MEMORY_CASE";
const PLACE: &str = "UNDERSTUDY_MEMORY_PLACE";
/// The cases that are also stopped after their first step, and what went on then is measured: where everything learns, where
/// adapters do, where the head does.
const STOPPED: [usize; 3] = [0, 6, 7];
/// Set for a run that is to be stopped after its first step.
const STOPS: &str = "UNDERSTUDY_MEMORY_STOPS";

/// What the estimate may be wrong by.
const TOLERANCE: f64 = 0.15;

/// A model's configuration, the words of its texts, and the settings of its run.
fn cases() -> Vec<(Value, usize, TrainSettings)> {
    let bert = json!({ "model_type": "bert", "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12,
        "intermediate_size": 1536, "vocab_size": 30522, "max_position_embeddings": 512 });
    let wide = json!({ "model_type": "roberta", "hidden_size": 768, "num_hidden_layers": 3, "num_attention_heads": 12,
        "intermediate_size": 3072, "vocab_size": 20000, "max_position_embeddings": 514, "type_vocab_size": 1,
        "pad_token_id": 1 });
    let deberta = json!({ "model_type": "deberta-v2", "hidden_size": 384, "num_hidden_layers": 4, "num_attention_heads": 6,
        "intermediate_size": 1536, "vocab_size": 30000, "max_position_embeddings": 512, "type_vocab_size": 0,
        "relative_attention": true, "pos_att_type": ["p2c", "c2p"], "position_biased_input": false,
        "share_att_key": true, "norm_rel_ebd": "layer_norm", "position_buckets": 256, "max_relative_positions": -1 });
    let modern = json!({ "model_type": "modernbert", "hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6,
        "intermediate_size": 576, "vocab_size": 30000, "max_position_embeddings": 1024 });
    let plain = |batch_size, max_length| TrainSettings {
        epochs: 1,
        batch_size,
        max_length,
        ..TrainSettings::textbook("m")
    };
    vec![
        (bert.clone(), 20, plain(16, 128)),
        (bert.clone(), 200, plain(16, 256)),
        (bert.clone(), 450, plain(16, 512)),
        (bert.clone(), 200, plain(64, 256)),
        (
            bert.clone(),
            450,
            TrainSettings {
                recompute: true,
                ..plain(16, 512)
            },
        ),
        (
            bert.clone(),
            450,
            TrainSettings {
                accumulation_steps: 4,
                ..plain(16, 512)
            },
        ),
        (
            bert.clone(),
            200,
            TrainSettings {
                method: Method::Lora,
                ..plain(16, 256)
            },
        ),
        (
            bert.clone(),
            200,
            TrainSettings {
                method: Method::Head,
                pooling: Pooling::Mean,
                ..plain(16, 256)
            },
        ),
        (
            bert,
            450,
            TrainSettings {
                windows: 2,
                window_pooling: WindowPooling::Max,
                ..plain(8, 256)
            },
        ),
        (wide.clone(), 200, plain(16, 256)),
        // Little learns and steps are short: two whole models, mixed at the end, are the peak.
        (
            wide,
            20,
            TrainSettings {
                method: Method::Lora,
                head_epochs: 2,
                average_with_start: true,
                ..plain(16, 128)
            },
        ),
        (deberta, 120, plain(16, 128)),
        (modern, 200, plain(16, 256)),
    ]
}

/// Texts of about `words` words that the tiny tokenizer knows: two steps of them, for what comes with the second.
fn texts(words: usize, settings: &TrainSettings) -> Vec<Example> {
    let known = ["good", "bad", "court", "law", "pain", "heart", "contract", "pays"];
    (0..settings.batch_size.max(32) as usize)
        .map(|i| {
            let count = words / 2 + (i * 37) % words.max(2);
            let word = |j: usize| known[(i + j * j) % known.len()];
            Example {
                text: (0..count).map(word).collect::<Vec<_>>().join(" "),
                labels: vec![i % 2],
            }
        })
        .collect()
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert")
}

/// A folder with a random model of this configuration and the tiny tokenizer.
fn model(place: &Path, config: &Value) -> PathBuf {
    let folder = place.join("model");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.json"), config.to_string()).unwrap();
    std::fs::copy(fixture().join("tokenizer.json"), folder.join("tokenizer.json")).unwrap();
    let labels = ["a".to_owned(), "b".to_owned()];
    understudy_nn::SequenceClassifier::random(
        &understudy_nn::config::Config::read(&folder).unwrap(),
        &labels,
        1,
    )
    .unwrap()
    .save(&folder)
    .unwrap();
    folder
}

/// Peak memory of this process in bytes.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0
}

/// One run, in a process of its own; prints its peak.
#[test]
fn one_case_when_asked() {
    let (Ok(which), Ok(place)) = (std::env::var(WHICH), std::env::var(PLACE)) else {
        return;
    };
    let (_, words, settings) = cases().swap_remove(which.parse().unwrap());
    let place = PathBuf::from(place);
    let train_texts = texts(words, &settings);
    let job = TrainingJob {
        base: place.join("model"),
        device: None,
        checkpoint: place.join("checkpoint"),
        model: place.join("trained"),
        labels: vec!["a".into(), "b".into()],
        problem_type: ProblemType::SingleLabel,
        validation: train_texts[..8].to_vec(),
        test: Vec::new(),
        train: train_texts,
        settings,
    };
    let control = Control::default();
    let stops = std::env::var_os(STOPS).is_some();
    let mut watch = |event: TrainEvent| {
        if stops && matches!(event, TrainEvent::Step { .. }) {
            control.cancel();
        }
    };
    let ended = train(&job, &control, &mut watch);
    assert_eq!(stops, matches!(ended, Err(TrainError::Cancelled)));
    println!("peak {}", peak());
}

/// The peak of a case's run in a process of its own.
fn measured(case: usize, place: &Path, stops: bool) -> f64 {
    let mut run = std::process::Command::new(std::env::current_exe().unwrap());
    run.args(["--exact", "one_case_when_asked", "--nocapture"])
        .env(WHICH, case.to_string())
        .env(PLACE, place);
    if stops {
        run.env(STOPS, "");
    }
    let output = run.output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    let peak = printed
        .lines()
        .find_map(|line| line.split("peak ").nth(1)?.trim().parse().ok());
    assert!(peak.is_some(), "case {case}: {printed}");
    peak.unwrap()
}

#[test]
fn what_is_foretold_is_what_is_measured() {
    if std::env::var_os(WHICH).is_some() {
        return;
    }
    let mut wrong = Vec::new();
    for (case, (config, words, settings)) in cases().into_iter().enumerate() {
        let place = tempfile::tempdir().unwrap();
        let folder = model(place.path(), &config);
        let whole = measured(case, place.path(), false);
        let gone_on = STOPPED.contains(&case).then(|| {
            for left in ["checkpoint", "trained"] {
                std::fs::remove_dir_all(place.path().join(left)).unwrap();
            }
            measured(case, place.path(), true);
            measured(case, place.path(), false)
        });
        let examples = texts(words, &settings);
        let all: Vec<&str> = examples.iter().map(|example| example.text.as_str()).collect();
        let encoded = Tokenizer::load(&folder, 8192, 1)
            .unwrap()
            .encode(&all, &Control::default(), |_| {})
            .unwrap();
        let known = Texts {
            lengths: (0..encoded.len()).map(|text| encoded.length(text)).collect(),
            count: examples.len(),
            bytes: all.iter().map(|text| text.len()).sum(),
            vocabulary: 20,
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let foretold = estimate(&Footprint::read(&folder).unwrap(), &settings, 2, &known, threads);
        for (how, measured) in [("whole", Some(whole)), ("after a stop", gone_on)] {
            let Some(measured) = measured else { continue };
            let ratio = foretold / measured;
            println!(
                "case {case}, {how}: foretold {:.0} MB, measured {:.0} MB, ratio {ratio:.2}",
                foretold / 1e6,
                measured / 1e6
            );
            if (ratio - 1.0).abs() > TOLERANCE {
                wrong.push(format!("case {case}, {how}: {ratio:.2}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}
