//! Whole models against PyTorch: logits, loss, the gradient of every parameter, and the first step of training.
//!
//! The fixtures are made by `fixtures/make_fixtures.py`.
#![allow(clippy::unwrap_used)]

mod models;
mod texts;

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use understudy_nn::parameters::Place;
use understudy_nn::random::Key;
use understudy_nn::{
    Gradients, Input, NnError, Objective, PackedBatch, Precision, SequenceClassifier, Step, WindowPooling,
};

use models::{FIXTURES, folder};
use texts::{Golden, golden};

impl Golden {
    /// Loss and gradients of these texts.
    fn learn(&self, model: &SequenceClassifier, dropout: Option<Key>) -> (f64, Gradients) {
        let mut gradients = Gradients::new(&model.parameters);
        let objective = Objective::default();
        let step = Step {
            labels: &each(&self.labels),
            objective: &objective,
            total_weight: objective.total_weight(&each(&self.labels), 0),
            dropout,
        };
        let loss = model
            .loss_and_gradients(Input::Texts(&self.batch()), &step, &mut gradients)
            .unwrap();
        (loss, gradients)
    }
}

/// One label a text.
fn each(labels: &[usize]) -> Vec<&[usize]> {
    labels.iter().map(std::slice::from_ref).collect()
}

fn gradients(name: &str) -> HashMap<String, Tensor> {
    candle_core::safetensors::load(folder(name).join("gradients.safetensors"), &Device::Cpu).unwrap()
}

/// The gradient of a key's bias is zero in exact arithmetic (softmax ignores a shift): only its absolute size means
/// anything, and it does not move.
fn is_key_bias(name: &str) -> bool {
    let ends = ["key.bias", "k_lin.bias", "attn.k.bias"];
    ends.iter().any(|end| name.ends_with(end))
}

#[test]
fn logits_equal_those_of_transformers() {
    for name in FIXTURES {
        let model = SequenceClassifier::load(&folder(name)).unwrap();
        let golden = golden(name);
        let logits = model.logits(&golden.batch()).unwrap();
        let expected: Vec<f32> = golden.logits.concat();
        for (found, expected) in logits.iter().zip(&expected) {
            assert!(
                (found - expected).abs() < 1e-5,
                "{name}: {found} instead of {expected}"
            );
        }
    }
}

#[test]
fn loss_and_gradients_equal_those_of_pytorch() {
    for name in FIXTURES {
        let model = SequenceClassifier::load(&folder(name)).unwrap();
        let golden = golden(name);
        let (loss, found) = golden.learn(&model, None);
        assert!(
            (loss - golden.loss).abs() < 1e-5,
            "{name}: loss {loss} instead of {}",
            golden.loss
        );
        let expected = gradients(name);
        assert_eq!(expected.len(), model.parameters.len());
        for entry in model.parameters.entries() {
            let expected = &expected[&entry.name];
            let expected = expected.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let found = found.to_dense(entry);
            let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
            let difference = norm(&mut found.iter().zip(&expected).map(|(a, b)| a - b));
            let size = norm(&mut expected.iter().copied());
            let allowed = if is_key_bias(&entry.name) {
                1e-6
            } else {
                2e-5 * size + 1e-8
            };
            assert!(
                difference < allowed,
                "{name}: {}: {difference} of {size}",
                entry.name
            );
        }
    }
}

#[test]
fn the_order_of_the_sequences_in_a_batch_does_not_matter() {
    let model = SequenceClassifier::load(&folder("tiny-bert")).unwrap();
    let golden = golden("tiny-bert");
    let reversed = PackedBatch::from_sequences(golden.sequences.iter().rev().map(Vec::as_slice));
    let forward = model.logits(&golden.batch()).unwrap();
    let backward = model.logits(&reversed).unwrap();
    for (a, b) in forward.chunks(3).zip(backward.chunks(3).rev()) {
        a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() < 1e-6));
    }
}

#[test]
fn the_same_key_gives_the_same_bits_and_another_key_another_dropout() {
    let model = SequenceClassifier::load(&folder("tiny-bert")).unwrap();
    let golden = golden("tiny-bert");
    let run = |key: Key| {
        let (loss, gradients) = golden.learn(&model, Some(key));
        (
            loss.to_bits(),
            gradients.dense.iter().map(|x| x.to_bits()).collect::<Vec<_>>(),
        )
    };
    assert_eq!(run(Key::new(1)), run(Key::new(1)));
    assert_ne!(run(Key::new(1)).0, run(Key::new(2)).0);
}

#[test]
fn every_parameter_gets_a_gradient_so_that_one_step_moves_it() {
    for name in FIXTURES {
        let model = SequenceClassifier::load(&folder(name)).unwrap();
        let golden = golden(name);
        let (_, gradients) = golden.learn(&model, Some(Key::new(1)));
        for entry in model.parameters.entries() {
            assert!(
                is_key_bias(&entry.name) || gradients.to_dense(entry).iter().any(|&x| x != 0.0),
                "{name}: {} would not move",
                entry.name
            );
        }
    }
}

/// Loss and all gradients, with dropout, of a model that was changed.
fn trained(name: &str, change: impl FnOnce(&mut SequenceClassifier)) -> (f64, Gradients, SequenceClassifier) {
    let mut model = SequenceClassifier::load(&folder(name)).unwrap();
    let golden = golden(name);
    model.set_dropout(0.1);
    change(&mut model);
    let (loss, gradients) = golden.learn(&model, Some(Key::new(1)));
    (loss, gradients, model)
}

#[test]
fn layers_computed_again_give_the_same_bits_as_layers_kept() {
    for name in FIXTURES {
        let (loss, kept, _) = trained(name, |_| {});
        let (loss_again, again, _) = trained(name, |model| model.set_recompute(true));
        assert_eq!(loss.to_bits(), loss_again.to_bits(), "{name}");
        assert!(kept.dense == again.dense, "{name}");
        assert!(kept.tables[0].values == again.tables[0].values, "{name}");
    }
}

#[test]
fn products_of_rounded_numbers_give_nearly_the_same_gradients() {
    for name in FIXTURES {
        let (loss, exact, _) = trained(name, |_| {});
        let (rounded_loss, rounded, _) = trained(name, |model| model.set_training_precision(Precision::Bf16));
        assert!(
            (loss - rounded_loss).abs() < 2e-2,
            "{name}: {loss} {rounded_loss}"
        );
        let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
        let difference = norm(&mut exact.dense.iter().zip(&rounded.dense).map(|(a, b)| a - b));
        let size = norm(&mut exact.dense.iter().copied());
        assert!(difference < 0.05 * size, "{name}: {difference} of {size}");
    }
}

#[test]
fn frozen_parts_get_no_gradient_and_do_not_change_that_of_the_others() {
    for name in FIXTURES {
        // Dropout is off in frozen parts, so it must be off everywhere for a comparison.
        let (_, all, _) = trained(name, |model| model.set_dropout(0.0));
        let (_, some, model) = trained(name, |model| {
            model.set_dropout(0.0);
            model.freeze(2);
        });
        let mut frozen = 0;
        for entry in model.parameters.entries() {
            if entry.frozen {
                frozen += 1;
                assert!(entry.depth < 2, "{name}: {}", entry.name);
                continue;
            }
            let (a, b) = (all.to_dense(entry), some.to_dense(entry));
            assert!(a == b, "{name}: {}", entry.name);
        }
        assert!(frozen > 3, "{name}");
    }
}

#[test]
fn windows_of_a_text_are_pooled_into_one_answer() {
    let mut model = SequenceClassifier::load(&folder("tiny-bert")).unwrap();
    let golden = golden("tiny-bert");
    let single = model.features(&golden.batch()).unwrap();
    let hidden = single.len() / 5;
    let mut batch = golden.batch();
    // The first text has two windows, the second one, the third two.
    batch.texts = Some([0, 2, 3, 5].into());
    assert_eq!(batch.texts(), 3);
    let of = |window: usize, i: usize| single[window * hidden + i];
    let mean = model.features(&batch).unwrap();
    model.set_window_pooling(WindowPooling::Max);
    let max = model.features(&batch).unwrap();
    for i in 0..hidden {
        assert!((mean[i] - (of(0, i) + of(1, i)) / 2.0).abs() < 1e-6);
        assert_eq!(mean[hidden + i], of(2, i));
        assert_eq!(max[2 * hidden + i], of(3, i).max(of(4, i)));
    }
    assert_eq!(model.logits(&batch).unwrap().len(), 9);
    model.set_window_pooling(WindowPooling::Attention);
    let attended = model.features(&batch).unwrap();
    for (mean, attended) in mean.iter().zip(&attended) {
        assert!((mean - attended).abs() < 1e-6, "it begins as the mean");
    }
}

#[test]
fn windows_gathered_by_attention_learn_and_are_kept() {
    let mut model = SequenceClassifier::load(&folder("tiny-bert")).unwrap();
    model.set_window_pooling(WindowPooling::Attention);
    let golden = golden("tiny-bert");
    let gradient_of_query = |model: &SequenceClassifier, texts: Option<Arc<[usize]>>, labels: &[&[usize]]| {
        let mut batch = golden.batch();
        batch.texts = texts;
        let objective = Objective::default();
        let step = Step {
            labels,
            objective: &objective,
            total_weight: labels.len() as f64,
            dropout: None,
        };
        let mut gradients = Gradients::new(&model.parameters);
        model
            .loss_and_gradients(Input::Texts(&batch), &step, &mut gradients)
            .unwrap();
        let query = model.parameters.entries().len() - 1;
        assert_eq!(model.parameters.entries()[query].name, "window_attention.weight");
        match &model.parameters.entries()[query].place {
            Place::Dense(range) => gradients.dense[range.clone()].to_vec(),
            Place::Table(_) => panic!("a query is no table"),
        }
    };
    let labels = each(&golden.labels);
    let told = gradient_of_query(&model, Some([0, 2, 3, 5].into()), &labels[..3]);
    assert!(told.iter().any(|x| x.abs() > 1e-6), "several windows teach it");
    let alone = gradient_of_query(&model, None, &labels);
    assert!(alone.iter().all(|x| x.abs() < 1e-7), "a window alone does not");

    let query = model.parameters.len() - 1;
    for (i, x) in model.parameters.values_mut(query).iter_mut().enumerate() {
        *x = if i % 2 == 0 { 2.0 } else { -1.0 };
    }
    let mut batch = golden.batch();
    batch.texts = Some([0, 2, 3, 5].into());
    let place = tempfile::tempdir().unwrap();
    model.save(place.path()).unwrap();
    let again = SequenceClassifier::load(place.path()).unwrap();
    assert_eq!(again.logits(&batch).unwrap(), model.logits(&batch).unwrap());
    // Whoever learns on from it chooses anew.
    let (base, report) = SequenceClassifier::from_pretrained(place.path(), model.labels(), 0).unwrap();
    assert_eq!(report.unused, ["window_attention.weight"]);
    assert!(
        base.parameters
            .entries()
            .iter()
            .all(|entry| entry.name != "window_attention.weight")
    );
}

#[test]
fn the_gradients_of_a_steps_parts_add_up_to_those_of_the_step() {
    let model = SequenceClassifier::load(&folder("tiny-bert")).unwrap();
    let golden = golden("tiny-bert");
    let (loss, whole) = golden.learn(&model, None);
    let mut parts = Gradients::new(&model.parameters);
    let objective = Objective::default();
    let mut sum = 0.0;
    for range in [0..2, 2..5] {
        let step = Step {
            labels: &each(&golden.labels[range.clone()]),
            objective: &objective,
            total_weight: objective.total_weight(&each(&golden.labels), 0),
            dropout: None,
        };
        let batch = PackedBatch::from_sequences(golden.sequences[range].iter().map(Vec::as_slice));
        sum += model
            .loss_and_gradients(Input::Texts(&batch), &step, &mut parts)
            .unwrap();
    }
    assert!((sum - loss).abs() < 1e-6);
    for (a, b) in whole.dense.iter().zip(&parts.dense) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
}

#[test]
fn the_head_alone_learns_from_features_what_it_learns_from_texts() {
    for name in FIXTURES {
        let (loss, expected, mut model) = trained(name, |model| model.set_dropout(0.0));
        model.freeze(model.own_layers() + 1);
        let golden = golden(name);
        let features = model.features(&golden.batch()).unwrap();
        let objective = Objective::default();
        let step = Step {
            labels: &each(&golden.labels),
            objective: &objective,
            total_weight: objective.total_weight(&each(&golden.labels), 0),
            dropout: None,
        };
        let mut found = Gradients::new(&model.parameters);
        let found_loss = model
            .loss_and_gradients(Input::Features(&features), &step, &mut found)
            .unwrap();
        assert!((loss - found_loss).abs() < 1e-6, "{name}");
        for entry in model.parameters.entries().iter().filter(|entry| !entry.frozen) {
            let pairs = found.to_dense(entry).into_iter().zip(expected.to_dense(entry));
            pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{name}: {}", entry.name));
        }
    }
}

#[test]
fn a_sentence_encoders_first_token_gathers_the_mean_and_still_loads_as_a_classifier() {
    let labels = ["a".to_owned(), "b".to_owned()];
    let (model, report) =
        SequenceClassifier::from_sentence_encoder(&folder("tiny-bert"), &labels, 0).unwrap();
    assert!(
        report
            .initialised
            .iter()
            .all(|name| name.contains("layer.2.") || name.starts_with("classifier"))
    );
    // Two texts of the same words in another order have the same mean but for positions; what counts is that the
    // features hardly depend on which token stands first.
    let features = model.features(&golden("tiny-bert").batch()).unwrap();
    let mean = features.iter().sum::<f32>() / features.len() as f32;
    assert!(
        mean.abs() < 1e-4,
        "the last normalisation centres the features: {mean}"
    );
    let saved = tempfile::tempdir().unwrap();
    model.save(saved.path()).unwrap();
    let again = SequenceClassifier::load(saved.path()).unwrap();
    assert_eq!(again.own_layers(), 3);
    assert_eq!(again.features(&golden("tiny-bert").batch()).unwrap(), features);
    let other = SequenceClassifier::from_sentence_encoder(&folder("tiny-deberta-v2"), &labels, 0);
    assert!(matches!(other, Err(NnError::UnsupportedArchitecture { .. })));
}

#[test]
fn a_saved_model_gives_the_same_logits() {
    let model = SequenceClassifier::load(&folder("tiny-bert")).unwrap();
    let batch = golden("tiny-bert").batch();
    let saved = tempfile::tempdir().unwrap();
    model.save(saved.path()).unwrap();
    let again = SequenceClassifier::load(saved.path()).unwrap();
    assert_eq!(model.logits(&batch).unwrap(), again.logits(&batch).unwrap());
    assert_eq!(again.labels(), model.labels());
}

#[test]
fn weights_of_more_layers_than_the_configuration_says_are_refused() {
    for name in ["tiny-bert", "tiny-roberta", "tiny-distilbert"] {
        let saved = tempfile::tempdir().unwrap();
        SequenceClassifier::load(&folder(name))
            .unwrap()
            .save(saved.path())
            .unwrap();
        let path = saved.path().join("config.json");
        let config = std::fs::read_to_string(&path).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
        let layers = ["num_hidden_layers", "n_layers"];
        let key = layers.into_iter().find(|key| config.get(key).is_some()).unwrap();
        config[key] = (config[key].as_u64().unwrap() - 1).into();
        std::fs::write(&path, config.to_string()).unwrap();
        let refused = SequenceClassifier::load(saved.path()).unwrap_err();
        assert!(matches!(refused, NnError::MoreLayers { .. }), "{name}: {refused}");
    }
}

#[test]
fn a_batch_that_the_model_cannot_read_is_refused() {
    let model = SequenceClassifier::load(&folder("tiny-bert")).unwrap();
    for ids in [vec![], vec![90], vec![1; 25]] {
        assert!(
            model
                .logits(&PackedBatch::from_sequences([ids.as_slice()]))
                .is_err()
        );
    }
}
