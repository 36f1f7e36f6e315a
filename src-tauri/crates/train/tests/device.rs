//! Whole runs on a device: on candle's processor device, and with the feature `cuda` on the first graphics card.
#![allow(clippy::unwrap_used)]

mod support;

use support::{job, run, weights};
use understudy_nn::device::Device;
use understudy_train::{
    Control, Method, Outcome, Pooling, Precision, TrainError, TrainSettings, TrainingJob, WindowPooling,
};

fn device() -> Device {
    match cfg!(feature = "cuda") {
        true => Device::new_cuda(0).unwrap(),
        false => Device::Cpu,
    }
}

/// Every way to train, few steps each.
fn ways() -> Vec<(&'static str, TrainSettings)> {
    let plain = TrainSettings {
        epochs: 2,
        batch_size: 8,
        learning_rate: 3e-3,
        max_length: 24,
        ..TrainSettings::textbook("tiny")
    };
    vec![
        ("full", plain.clone()),
        (
            "layers that learn slower",
            TrainSettings {
                layer_decay: 0.5,
                ..plain.clone()
            },
        ),
        (
            "the upper layers",
            TrainSettings {
                trained_layers: 1,
                ..plain.clone()
            },
        ),
        (
            "adapters",
            TrainSettings {
                method: Method::Lora,
                ..plain.clone()
            },
        ),
        (
            "the head",
            TrainSettings {
                method: Method::Head,
                ..plain.clone()
            },
        ),
        (
            "a mean, and the head first",
            TrainSettings {
                pooling: Pooling::Mean,
                head_epochs: 2,
                ..plain.clone()
            },
        ),
        (
            "in parts, computed again, in windows",
            TrainSettings {
                accumulation_steps: 3,
                recompute: true,
                max_length: 8,
                windows: 3,
                window_pooling: WindowPooling::Attention,
                ..plain
            },
        ),
    ]
}

fn on(device: Option<Device>, settings: &TrainSettings, folder: &std::path::Path) -> TrainingJob {
    TrainingJob {
        device,
        settings: settings.clone(),
        ..job(folder)
    }
}

fn finished(job: &TrainingJob) -> Outcome {
    run(job, &Control::default(), |_| {}).unwrap()
}

#[test]
fn a_run_on_a_device_comes_to_what_the_processor_comes_to() {
    for (way, settings) in ways() {
        let [here, there] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let expected = finished(&on(None, &settings, here.path()));
        let found = finished(&on(Some(device()), &settings, there.path()));
        assert_eq!(found.steps, expected.steps, "{way}");
        for (found, expected) in found.epochs.iter().zip(&expected.epochs) {
            let difference = (found.train_loss - expected.train_loss).abs();
            assert!(
                difference < 5e-3,
                "{way}: loss {} instead of {}",
                found.train_loss,
                expected.train_loss
            );
        }
        let moved = found.epochs[0].train_loss - found.epochs[1].train_loss;
        assert!(moved.abs() > 1e-4, "{way}: nothing was learned");
        for (found, expected) in found.test.iter().zip(&expected.test) {
            assert!(
                (found - expected).abs() < 2e-2,
                "{way}: {found} instead of {expected}"
            );
        }
    }
}

#[test]
fn rounded_numbers_on_a_device_learn_nearly_the_same() {
    let (_, plain) = ways().swap_remove(0);
    let rounded = TrainSettings {
        precision: Precision::Bf16,
        ..plain.clone()
    };
    let [exact_folder, folder] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let exact = finished(&on(Some(device()), &plain, exact_folder.path()));
    let found = finished(&on(Some(device()), &rounded, folder.path()));
    for (found, exact) in found.epochs.iter().zip(&exact.epochs) {
        let difference = (found.train_loss - exact.train_loss).abs();
        assert!(
            difference > 0.0 && difference < 0.05,
            "loss {} instead of {}",
            found.train_loss,
            exact.train_loss
        );
    }
    // Products of weights that were never rounded anew would stand still.
    assert!(found.epochs[1].train_loss < found.epochs[0].train_loss - 1e-3);
}

#[test]
fn a_run_on_a_device_that_was_stopped_ends_with_the_same_bits() {
    for (way, settings) in ways().into_iter().step_by(3) {
        let whole = tempfile::tempdir().unwrap();
        let uninterrupted = on(Some(device()), &settings, whole.path());
        let expected = finished(&uninterrupted);
        let folder = tempfile::tempdir().unwrap();
        let job = on(Some(device()), &settings, folder.path());
        for stop in [3, 7] {
            let control = Control::default();
            let stopped = run(&job, &control, |step| {
                if step == stop {
                    control.cancel();
                }
            });
            assert!(
                matches!(stopped, Err(TrainError::Cancelled)),
                "{way}, stopped at {stop}"
            );
        }
        let found = finished(&job);
        assert!(weights(&job) == weights(&uninterrupted), "{way}: other weights");
        assert!(found.test == expected.test, "{way}: other answers");
    }
}
