//! Models on a device against PyTorch and against the processor's kernels: on candle's processor device, and with the
//! feature `cuda` on the first graphics card.
#![allow(clippy::unwrap_used)]

mod models;
mod texts;

use std::collections::HashMap;
use std::sync::Arc;

use understudy_nn::device::{Device, Tensor};
use understudy_nn::random::Key;
use understudy_nn::{
    Gradients, Input, Objective, PackedBatch, Precision, ProblemType, SequenceClassifier, Step, WindowPooling,
};

use models::{FIXTURES, folder};
use texts::golden;

/// How far a sum of a graphics card may lie from ours: it multiplies and adds in another order.
const NEAR: f64 = if cfg!(feature = "cuda") { 1e-3 } else { 2e-5 };

fn device() -> Device {
    match cfg!(feature = "cuda") {
        true => Device::new_cuda(0).unwrap(),
        false => Device::Cpu,
    }
}

fn placed(name: &str, change: impl FnOnce(&mut SequenceClassifier)) -> SequenceClassifier {
    let mut model = SequenceClassifier::load(&folder(name)).unwrap();
    change(&mut model);
    model.place(&device()).unwrap();
    model
}

/// Loss and gradients of texts with these labels.
fn learn(
    model: &SequenceClassifier,
    input: Input,
    labels: &[&[usize]],
    dropout: Option<Key>,
) -> (f64, HashMap<String, Vec<f32>>) {
    let objective = Objective {
        problem_type: model.problem_type(),
        ..Objective::default()
    };
    let step = Step {
        labels,
        objective: &objective,
        total_weight: labels.len() as f64,
        dropout,
    };
    let mut gradients = Gradients::new(&model.parameters);
    let loss = model.loss_and_gradients(input, &step, &mut gradients).unwrap();
    let learning = model.parameters.entries().iter().filter(|entry| !entry.frozen);
    let named = learning.map(|entry| (entry.name.clone(), gradients.to_dense(entry)));
    (loss, named.collect())
}

fn norm(numbers: impl Iterator<Item = f32>) -> f64 {
    numbers.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt()
}

fn assert_near(
    name: &str,
    found: &HashMap<String, Vec<f32>>,
    expected: &HashMap<String, Vec<f32>>,
    near: f64,
) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (parameter, expected) in expected {
        let found = &found[parameter];
        assert_eq!(found.len(), expected.len(), "{name}: {parameter}");
        let difference = norm(found.iter().zip(expected).map(|(a, b)| a - b));
        let size = norm(expected.iter().copied());
        assert!(
            difference <= near * size + 1e-6,
            "{name}: {parameter}: {difference} of {size}"
        );
    }
}

#[test]
fn logits_and_gradients_equal_those_of_pytorch() {
    for name in FIXTURES {
        let (model, golden) = (placed(name, |_| {}), golden(name));
        let logits = model.logits(&golden.batch()).unwrap();
        for (found, expected) in logits.iter().zip(golden.logits.concat()) {
            assert!(
                (found - expected).abs() < 1e-4,
                "{name}: {found} instead of {expected}"
            );
        }
        let labels: Vec<&[usize]> = golden.labels.iter().map(std::slice::from_ref).collect();
        let (loss, found) = learn(&model, Input::Texts(&golden.batch()), &labels, None);
        assert!(
            (loss - golden.loss).abs() < 1e-4,
            "{name}: loss {loss} instead of {}",
            golden.loss
        );
        let file = folder(name).join("gradients.safetensors");
        let expected: HashMap<String, Tensor> = candle_core::safetensors::load(file, &Device::Cpu).unwrap();
        let numbers = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected = expected
            .into_iter()
            .map(|(name, tensor)| (name, numbers(tensor)))
            .collect();
        assert_near(name, &found, &expected, NEAR);
    }
}

type Change = fn(&mut SequenceClassifier);

/// What a training may change about a model.
fn variations() -> Vec<(&'static str, Change)> {
    vec![
        ("dropout", |_| {}),
        ("layers computed again", |model| model.set_recompute(true)),
        ("adapters", |model| model.add_adapters(2, 1, 3)),
        ("frozen", |model| model.freeze(2)),
        ("several labels", |model| {
            model.set_problem_type(ProblemType::MultiLabel)
        }),
        ("windows by their largest", |model| {
            model.set_window_pooling(WindowPooling::Max)
        }),
        ("windows by attention", |model| {
            model.set_window_pooling(WindowPooling::Attention)
        }),
    ]
}

/// With dropout, whose masks are the same on both.
#[test]
fn every_way_to_train_has_the_processors_gradients() {
    for name in FIXTURES {
        let golden = golden(name);
        for (variation, change) in variations() {
            let prepare = |model: &mut SequenceClassifier| {
                model.set_dropout(0.2);
                change(model);
                // A query or an adapter of zeros hides mistakes.
                for index in 0..model.parameters.len() {
                    if model
                        .parameters
                        .values(&model.parameters.entries()[index])
                        .iter()
                        .all(|x| *x == 0.0)
                    {
                        let numbers = model.parameters.values_mut(index).iter_mut().enumerate();
                        numbers.for_each(|(i, x)| *x = 0.1 * (i % 5) as f32 - 0.2);
                    }
                }
            };
            let mut batch = golden.batch();
            let mut labels: Vec<&[usize]> = golden.labels.iter().map(std::slice::from_ref).collect();
            if variation.starts_with("windows") {
                batch.texts = Some(Arc::from([0, 2, 3, 5]));
                labels.truncate(3);
            } else if variation == "several labels" {
                labels[0] = &[0, 2];
                labels[1] = &[];
            }
            let mut plain = SequenceClassifier::load(&folder(name)).unwrap();
            prepare(&mut plain);
            let key = Some(Key::new(7));
            let (expected_loss, expected) = learn(&plain, Input::Texts(&batch), &labels, key);
            let (loss, found) = learn(&placed(name, prepare), Input::Texts(&batch), &labels, key);
            let case = format!("{name}, {variation}");
            assert!(
                (loss - expected_loss).abs() < 1e-4,
                "{case}: loss {loss} instead of {expected_loss}"
            );
            assert_near(&case, &found, &expected, 5.0 * NEAR);
        }
    }
}

#[test]
fn the_head_alone_learns_from_features_on_a_device_too() {
    for name in FIXTURES {
        let golden = golden(name);
        let labels: Vec<&[usize]> = golden.labels.iter().map(std::slice::from_ref).collect();
        let change = |model: &mut SequenceClassifier| model.freeze(model.own_layers() + 1);
        let mut plain = SequenceClassifier::load(&folder(name)).unwrap();
        change(&mut plain);
        let model = placed(name, change);
        let features = model.features(&golden.batch()).unwrap();
        let expected = plain.features(&golden.batch()).unwrap();
        let difference = norm(features.iter().zip(&expected).map(|(a, b)| a - b));
        assert!(
            difference < NEAR * norm(expected.iter().copied()),
            "{name}: {difference}"
        );
        let (_, found) = learn(&model, Input::Features(&expected), &labels, None);
        let (_, expected_gradients) = learn(&plain, Input::Features(&expected), &labels, None);
        assert_near(name, &found, &expected_gradients, NEAR);
        let logits = model.logits_of_features(&expected).unwrap();
        let expected = plain.logits_of_features(&expected).unwrap();
        assert!(
            logits.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4),
            "{name}"
        );
    }
}

#[test]
fn sequences_of_one_length_need_no_rectangle_and_give_the_same() {
    for name in FIXTURES {
        let ids: Vec<u32> = (1..8).collect();
        let batch = PackedBatch::from_sequences([&ids[..], &ids[..]]);
        let plain = SequenceClassifier::load(&folder(name)).unwrap();
        let expected = plain.logits(&batch).unwrap();
        let found = placed(name, |_| {}).logits(&batch).unwrap();
        assert!(
            found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-4),
            "{name}"
        );
    }
}

#[test]
fn numbers_come_back_as_they_went_and_as_they_were_changed() {
    let mut model = placed("tiny-bert", |_| {});
    let (dense, table) = (
        model.parameters.dense.clone(),
        model.parameters.tables[0].values.clone(),
    );
    model.parameters.dense.fill(0.0);
    model.fetch().unwrap();
    assert!(model.parameters.dense == dense && model.parameters.tables[0].values == table);
    let mirror = model.mirror_mut().unwrap();
    let twice = (mirror.dense(&(3..8)).unwrap() * 2.0).unwrap();
    mirror.set_dense(3, &twice).unwrap();
    mirror.round().unwrap();
    model.fetch().unwrap();
    let expected: Vec<f32> = dense[3..8].iter().map(|x| x * 2.0).collect();
    assert_eq!(model.parameters.dense[3..8], expected);
    assert_eq!(model.parameters.dense[8..], dense[8..]);
}

#[test]
fn the_same_key_gives_the_same_bits() {
    let model = placed("tiny-deberta-v2", |model| model.set_dropout(0.2));
    let golden = golden("tiny-deberta-v2");
    let labels: Vec<&[usize]> = golden.labels.iter().map(std::slice::from_ref).collect();
    let run = |key| {
        learn(
            &model,
            Input::Texts(&golden.batch()),
            &labels,
            Some(Key::new(key)),
        )
    };
    assert!(run(1) == run(1));
    assert!(run(1).0 != run(2).0);
}

#[test]
fn products_of_rounded_numbers_give_nearly_the_same_gradients() {
    for name in FIXTURES {
        let golden = golden(name);
        let labels: Vec<&[usize]> = golden.labels.iter().map(std::slice::from_ref).collect();
        let [(exact_loss, exact), (loss, rounded)] = [Precision::F32, Precision::Bf16].map(|precision| {
            let model = placed(name, |model| model.set_training_precision(precision));
            learn(&model, Input::Texts(&golden.batch()), &labels, None)
        });
        assert!((loss - exact_loss).abs() < 3e-2, "{name}: {loss} {exact_loss}");
        let difference: f64 = exact
            .iter()
            .map(|(key, exact)| norm(exact.iter().zip(&rounded[key]).map(|(a, b)| a - b)).powi(2))
            .sum::<f64>()
            .sqrt();
        let size = norm(exact.values().flatten().copied());
        assert!(
            difference > 0.0 && difference < 0.1 * size,
            "{name}: {difference} of {size}"
        );
    }
}
