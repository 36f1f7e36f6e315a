//! A tiny run for the tests of whole runs.

use std::path::{Path, PathBuf};

use understudy_train::{
    Control, Example, Outcome, ProblemType, TrainError, TrainEvent, TrainSettings, TrainingJob, train,
};

/// A tiny random BERT with a tokenizer that knows letters and a few words.
pub fn base() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nn/tests/fixtures/tiny-bert")
}

/// Texts whose class is plain from one word.
pub fn examples(n: usize) -> Vec<Example> {
    let words = [["law", "court"], ["heart", "pain"]];
    (0..n)
        .map(|i| {
            let label = i % 2;
            Example {
                text: format!("{} {} good", words[label][i / 2 % 2], ["a", "b", "c"][i % 3]),
                labels: vec![label],
            }
        })
        .collect()
}

/// A run over such texts that takes a second.
pub fn job(folder: &Path) -> TrainingJob {
    TrainingJob {
        base: base(),
        checkpoint: folder.join("checkpoint"),
        model: folder.join("model"),
        device: None,
        settings: TrainSettings {
            epochs: 8,
            batch_size: 8,
            learning_rate: 3e-3,
            max_length: 24,
            ..TrainSettings::textbook("tiny")
        },
        labels: vec!["law".into(), "medicine".into()],
        problem_type: ProblemType::SingleLabel,
        train: examples(50),
        validation: examples(30),
        test: examples(12),
    }
}

/// Does it; `on_step` hears of every step.
pub fn run(job: &TrainingJob, control: &Control, on_step: impl Fn(u32)) -> Result<Outcome, TrainError> {
    train(job, control, &mut |event| {
        if let TrainEvent::Step { step, .. } = event {
            on_step(step);
        }
    })
}

/// The kept model's weights as they are on disk.
pub fn weights(job: &TrainingJob) -> Vec<u8> {
    std::fs::read(job.model.join("model.safetensors")).unwrap()
}
