//! Whole runs on a tiny random model: they learn, they stop and go on, they refuse what cannot work.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;

use support::{job, run, weights};
use understudy_train::predictor::decide;
use understudy_train::{
    Control, Example, Method, Outcome, Phase, Pooling, Precision, Predictor, ProblemType, TrainError,
    TrainEvent, TrainSettings, TrainingJob, Truncation, WindowPooling, train,
};

fn familiarity(job: &TrainingJob) -> Vec<u8> {
    std::fs::read(job.model.join("familiarity.safetensors")).unwrap()
}

#[test]
fn a_model_learns_an_easy_task_and_is_judged_once_on_test() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path());
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    assert_eq!(outcome.epochs.len(), 8);
    assert_eq!(outcome.steps, 56);
    assert!(outcome.epochs[7].train_loss < outcome.epochs[0].train_loss);
    let right = outcome
        .test
        .chunks(2)
        .zip(&job.test)
        .filter(|(p, e)| (p[1] > p[0]) == (e.labels == [1]))
        .count();
    assert!(right >= 11, "{right} of 12");
    let best = outcome
        .epochs
        .iter()
        .map(|e| e.validation_macro_f1)
        .fold(0.0, f64::max);
    assert_eq!(
        outcome.epochs[outcome.best_epoch() as usize - 1].validation_macro_f1,
        best
    );
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_with_the_same_bits() {
    let whole = tempfile::tempdir().unwrap();
    let uninterrupted = job(whole.path());
    let expected = run(&uninterrupted, &Control::default(), |_| {}).unwrap();
    // In the middle of an epoch, at its end, at the very first and the last step.
    for stops in [vec![3], vec![7], vec![1, 12, 20], vec![56]] {
        let folder = tempfile::tempdir().unwrap();
        let job = job(folder.path());
        for stop in &stops {
            let control = Control::default();
            let stopped = run(&job, &control, |step| {
                if step == *stop {
                    control.cancel();
                }
            });
            assert!(matches!(stopped, Err(TrainError::Cancelled)), "stops {stops:?}");
        }
        let found = run(&job, &Control::default(), |_| {}).unwrap();
        assert!(
            weights(&job) == weights(&uninterrupted),
            "stops {stops:?}: other weights"
        );
        assert_eq!(found.test, expected.test);
        assert!(
            familiarity(&job) == familiarity(&uninterrupted),
            "stops {stops:?}: other features"
        );
        assert!(found.unfamiliar.is_some() && found.unfamiliar == expected.unfamiliar);
        assert_eq!(found.best_epoch(), expected.best_epoch());
        for (a, b) in found.epochs.iter().zip(&expected.epochs) {
            assert_eq!(a.train_loss.to_bits(), b.train_loss.to_bits());
            assert_eq!(a.validation_loss.to_bits(), b.validation_loss.to_bits());
        }
    }
}

#[test]
fn another_seed_gives_another_model() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = job(a.path());
    let mut second = job(b.path());
    second.settings.seed = 1;
    run(&first, &Control::default(), |_| {}).unwrap();
    run(&second, &Control::default(), |_| {}).unwrap();
    assert!(weights(&first) != weights(&second));
}

#[test]
fn a_saved_model_predicts_what_the_run_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let strange = Example {
        text: "z q x z q x z q x z q x".to_owned(),
        labels: vec![0],
    };
    let mut job = job(folder.path());
    job.test.push(strange);
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    let predictor = Predictor::load(&job.model).unwrap();
    assert_eq!(predictor.labels(), job.labels);
    let texts: Vec<&str> = job.test.iter().map(|e| e.text.as_str()).collect();
    let found = predictor.predict(&texts, &Control::default()).unwrap();
    for (found, expected) in found.iter().zip(outcome.test.chunks(2)) {
        for (a, b) in found.probabilities.iter().zip(expected) {
            assert!((a - b).abs() < 1e-6);
        }
        assert!(!found.truncated);
    }
    let unfamiliar = outcome.unfamiliar.unwrap();
    let said: Vec<bool> = found.iter().map(|found| found.unfamiliar).collect();
    assert_eq!(said, unfamiliar.test);
    assert_eq!((said[0], said.last()), (false, Some(&true)));
    assert_eq!(unfamiliar.validation.len(), job.validation.len());
}

#[test]
fn a_text_of_a_million_characters_is_cut_and_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path());
    job.settings.epochs = 1;
    job.train[0].text = "court ".repeat(170_000);
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    assert!((outcome.truncated - 1.0 / 50.0).abs() < 1e-9);
    let predictor = Predictor::load(&job.model).unwrap();
    let found = predictor
        .predict(&["law ".repeat(250_000), String::new()], &Control::default())
        .unwrap();
    assert_eq!((found[0].tokens, found[0].truncated), (24, true));
    assert_eq!((found[1].tokens, found[1].truncated), (2, false));
}

#[test]
fn what_cannot_work_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let good = job(folder.path());
    let refuse = |job: TrainingJob| run(&job, &Control::default(), |_| {}).unwrap_err();
    let mut long = good.clone();
    long.settings.max_length = 25;
    assert!(matches!(
        refuse(long),
        TrainError::Setting {
            setting: "max_length",
            ..
        }
    ));
    assert!(matches!(
        refuse(TrainingJob {
            train: vec![],
            ..good.clone()
        }),
        TrainError::EmptyPart { part: "train" }
    ));
    let missing = TrainingJob {
        base: folder.path().join("nowhere"),
        ..good.clone()
    };
    assert!(matches!(refuse(missing), TrainError::Model(_)));
    let mut wild = good.clone();
    wild.settings.learning_rate = 1.0;
    wild.train[0].labels = vec![7];
    assert!(matches!(refuse(wild), TrainError::Model(_)));
    let mut two = good.clone();
    two.validation[0].labels = vec![0, 1];
    assert!(matches!(refuse(two), TrainError::Model(_)));
}

#[test]
fn a_run_that_ran_away_goes_on_from_its_checkpoint_with_a_smaller_learning_rate() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path());
    let control = Control::default();
    let stopped = run(&job, &control, |step| {
        if step == 5 {
            control.cancel()
        }
    });
    assert!(matches!(stopped, Err(TrainError::Cancelled)));
    let wild = TrainingJob {
        settings: TrainSettings {
            learning_rate: 1.0,
            ..job.settings.clone()
        },
        ..job.clone()
    };
    let diverged = run(&wild, &Control::default(), |_| {});
    assert!(
        matches!(diverged, Err(TrainError::Diverged { .. })),
        "{diverged:?}"
    );
    let calm = TrainingJob {
        settings: TrainSettings {
            learning_rate: 1.5e-3,
            ..job.settings.clone()
        },
        ..job
    };
    let mut first = None;
    let outcome = train(&calm, &Control::default(), &mut |event| {
        if let TrainEvent::Step { step, .. } = event {
            first.get_or_insert(step);
        }
    })
    .unwrap();
    assert_eq!(first, Some(6), "what was learnt before is kept");
    assert!(outcome.epochs.iter().all(|epoch| epoch.train_loss.is_finite()));
}

#[test]
fn a_run_that_ran_away_falls_back_to_its_best_round_or_begins_anew() {
    // A first round that is good, and a rate that is not: with a long rise of the rate the weights run away later.
    let folder = tempfile::tempdir().unwrap();
    let mut wild = job(folder.path());
    wild.settings = TrainSettings {
        epochs: 60,
        learning_rate: 1.0,
        warmup_ratio: 1.0,
        ..wild.settings
    };
    let mut rounds = Vec::new();
    let diverged = train(&wild, &Control::default(), &mut |event| {
        if let TrainEvent::Epoch(scores) = event {
            rounds.push(scores);
        }
    });
    assert!(
        matches!(diverged, Err(TrainError::Diverged { .. })),
        "{diverged:?}"
    );
    let best = |scores: &[understudy_eval::EpochScores]| {
        let of = |s: &understudy_eval::EpochScores| (s.validation_macro_f1, -s.validation_loss);
        let higher = |a: &&understudy_eval::EpochScores, b: &&understudy_eval::EpochScores| {
            of(a).partial_cmp(&of(b)).unwrap()
        };
        *scores.iter().max_by(higher).unwrap()
    };
    let kept = best(&rounds);
    assert!(kept.train_loss < 1.5, "{rounds:?}");
    let mut calm = wild.clone();
    calm.settings.learning_rate = 1e-3;
    let mut went_on = None;
    let outcome = train(&calm, &Control::default(), &mut |event| {
        if let TrainEvent::GoesOn { step } = event {
            went_on = Some(step);
        }
    })
    .unwrap();
    assert_eq!(went_on, Some(7 * kept.epoch), "after the best of {rounds:?}");
    assert_eq!(outcome.epochs[kept.epoch as usize - 1], kept);
    assert!(outcome.epochs.iter().all(|epoch| epoch.train_loss.is_finite()));

    // Run away before anything was good: no checkpoint is left to run away from again.
    let folder = tempfile::tempdir().unwrap();
    let mut hopeless = job(folder.path());
    hopeless.settings = TrainSettings {
        epochs: 40,
        batch_size: 2,
        learning_rate: 1.0,
        warmup_ratio: 0.0,
        ..hopeless.settings
    };
    let diverged = run(&hopeless, &Control::default(), |_| {});
    assert!(
        matches!(diverged, Err(TrainError::Diverged { .. })),
        "{diverged:?}"
    );
    assert!(!understudy_train::checkpoint::exists(&hopeless.checkpoint));
    (hopeless.settings.learning_rate, hopeless.settings.epochs) = (1.5e-3, 8);
    let outcome = run(&hopeless, &Control::default(), |_| {}).unwrap();
    assert!(right(&outcome, &hopeless) > 0.8);
}

/// The share of the test texts that come out right.
fn right(outcome: &Outcome, job: &TrainingJob) -> f64 {
    let answers = outcome.test.chunks(2).zip(&job.test);
    answers
        .filter(|(p, e)| (p[1] > p[0]) == (e.labels == [1]))
        .count() as f64
        / job.test.len() as f64
}

#[test]
fn every_way_to_train_learns_stops_and_goes_on_with_the_same_bits() {
    let ways: [fn(&mut TrainSettings); 8] = [
        |s| {
            s.method = Method::Head;
            s.pooling = Pooling::Mean;
            s.epochs = 20;
            s.learning_rate = 1e-2;
        },
        |s| {
            s.method = Method::Lora;
            s.epochs = 20;
            s.learning_rate = 1e-2;
        },
        |s| {
            s.trained_layers = 1;
            s.epochs = 12;
        },
        |s| {
            s.head_epochs = 5;
            s.pooling = Pooling::Mean;
            s.average_with_start = true;
        },
        |s| {
            s.head_epochs = 5;
            s.pooling = Pooling::Mean;
            s.average_with_start = true;
            s.epochs = 3;
            s.trainings = 3;
        },
        |s| {
            s.accumulation_steps = 3;
            s.recompute = true;
            s.layer_decay = 0.8;
        },
        |s| {
            s.max_length = 8;
            s.windows = 3;
            s.window_pooling = WindowPooling::Attention;
            s.head_epochs = 2;
            s.epochs = 12;
        },
        |s| {
            s.precision = Precision::Bf16;
            s.label_smoothing = 0.1;
            s.class_weights = true;
        },
    ];
    for (way, change) in ways.into_iter().enumerate() {
        let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut uninterrupted = job(whole.path());
        change(&mut uninterrupted.settings);
        let expected = run(&uninterrupted, &Control::default(), |_| {}).unwrap();
        assert!(
            right(&expected, &uninterrupted) > 0.8,
            "way {way}: {}",
            right(&expected, &uninterrupted)
        );
        let mut stopped = job(parts.path());
        change(&mut stopped.settings);
        let control = Control::default();
        let result = run(&stopped, &control, |step| {
            if step == 10 {
                control.cancel()
            }
        });
        assert!(matches!(result, Err(TrainError::Cancelled)), "way {way}");
        let found = run(&stopped, &Control::default(), |_| {}).unwrap();
        assert!(
            weights(&stopped) == weights(&uninterrupted),
            "way {way}: other weights"
        );
        assert_eq!(found.test, expected.test, "way {way}");
    }
}

#[test]
fn a_run_ends_when_nothing_gets_better() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path());
    job.settings.epochs = 40;
    job.settings.patience = 2;
    // A wrong label among those to judge by: growing certainty costs more and more.
    job.validation[0].labels[0] = 1 - job.validation[0].labels[0];
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    assert!(outcome.epochs.len() < 40);
    assert_eq!(outcome.epochs.len() as u32, outcome.best_epoch() + 2);
}

#[test]
fn parts_of_a_step_and_layers_computed_again_change_nothing_but_the_last_bits() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut whole = job(a.path());
    // Dropout draws other masks for other parts.
    whole.settings.dropout = 0.0;
    whole.settings.epochs = 2;
    let mut parts = job(b.path());
    parts.settings = TrainSettings {
        accumulation_steps: 4,
        recompute: true,
        ..whole.settings.clone()
    };
    let (whole, parts) = (
        run(&whole, &Control::default(), |_| {}).unwrap(),
        run(&parts, &Control::default(), |_| {}).unwrap(),
    );
    for (a, b) in whole.epochs.iter().zip(&parts.epochs) {
        assert!(
            (a.train_loss - b.train_loss).abs() < 1e-4,
            "{} {}",
            a.train_loss,
            b.train_loss
        );
    }
}

#[test]
fn a_checkpoint_of_other_settings_or_a_damaged_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path());
    let control = Control::default();
    let stopped = run(&job, &control, |step| {
        if step == 2 {
            control.cancel()
        }
    });
    assert!(matches!(stopped, Err(TrainError::Cancelled)));
    let mut other = job.clone();
    other.settings.dropout = 0.2;
    assert!(matches!(
        run(&other, &Control::default(), |_| {}),
        Err(TrainError::Checkpoint { .. })
    ));
    let file = job.checkpoint.join("checkpoint.safetensors");
    let bytes = std::fs::read(&file).unwrap();
    // A step beyond the round that it claims to be in: as many bytes, so that the file is whole.
    let text = |s: &str| s.replace('"', "\\\"").into_bytes();
    let (told, other) = (text("\"step\":2,\"epoch_loss"), text("\"step\":9,\"epoch_loss"));
    let place = bytes
        .windows(told.len())
        .position(|window| window == told)
        .unwrap();
    let mut tampered = bytes.clone();
    tampered[place..place + other.len()].copy_from_slice(&other);
    std::fs::write(&file, tampered).unwrap();
    assert!(matches!(
        run(&job, &Control::default(), |_| {}),
        Err(TrainError::Checkpoint { .. })
    ));
    std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
    assert!(matches!(
        run(&job, &Control::default(), |_| {}),
        Err(TrainError::Checkpoint { .. })
    ));
}

/// Texts of which some are about both, and some about neither.
fn about_both(n: usize) -> Vec<Example> {
    let kinds: [(&str, &[usize]); 4] = [
        ("law court", &[0]),
        ("heart pain", &[1]),
        ("court pain", &[0, 1]),
        ("good contract", &[]),
    ];
    (0..n)
        .map(|i| {
            let (words, labels) = kinds[i % 4];
            Example {
                text: format!("{words} {} good", ["a", "b", "c"][i % 3]),
                labels: labels.to_vec(),
            }
        })
        .collect()
}

#[test]
fn several_labels_are_learnt_stopped_and_given_from_their_thresholds_on() {
    let several = |folder: &Path| TrainingJob {
        problem_type: ProblemType::MultiLabel,
        train: about_both(60),
        validation: about_both(40),
        test: about_both(20),
        settings: TrainSettings {
            epochs: 12,
            class_weights: true,
            ..job(folder).settings
        },
        ..job(folder)
    };
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let uninterrupted = several(whole.path());
    let expected = run(&uninterrupted, &Control::default(), |_| {}).unwrap();
    let thresholds = expected.thresholds.clone().unwrap();
    let right = expected.test.chunks(2).zip(&uninterrupted.test);
    let right = right.filter(|(row, example)| decide(row, Some(&thresholds)) == example.labels);
    assert!(right.clone().count() >= 19, "{} of 20", right.count());

    let predictor = Predictor::load(&uninterrupted.model).unwrap();
    assert_eq!(predictor.thresholds(), Some(thresholds.as_slice()));
    let found = predictor
        .predict(
            &["court pain a good", "good contract b good"],
            &Control::default(),
        )
        .unwrap();
    assert_eq!((&found[0].labels, &found[1].labels), (&vec![0, 1], &vec![]));
    assert!(found.iter().all(|answer| answer.confidence > 0.5));
    let config = std::fs::read_to_string(uninterrupted.model.join("config.json")).unwrap();
    assert!(
        config.contains("\"multi_label_classification\""),
        "as Transformers has it"
    );

    let stopped = several(parts.path());
    let control = Control::default();
    let result = run(&stopped, &control, |step| {
        if step == 10 {
            control.cancel()
        }
    });
    assert!(matches!(result, Err(TrainError::Cancelled)));
    let found = run(&stopped, &Control::default(), |_| {}).unwrap();
    assert!(weights(&stopped) == weights(&uninterrupted));
    assert_eq!(
        (found.test, found.thresholds),
        (expected.test, expected.thresholds)
    );
}

#[test]
fn what_stands_at_the_end_of_a_long_text_is_learned_where_the_end_is_read() {
    let shares = [Truncation::Head, Truncation::HeadAndTail].map(|truncation| {
        let folder = tempfile::tempdir().unwrap();
        let mut job = job(folder.path());
        job.settings.truncation = truncation;
        job.settings.pooling = Pooling::Mean;
        job.settings.epochs = 20;
        for example in [&mut job.train, &mut job.validation, &mut job.test]
            .into_iter()
            .flatten()
        {
            example.text = format!("{} {}", "good ".repeat(40), example.text);
        }
        let outcome = run(&job, &Control::default(), |_| {}).unwrap();
        assert_eq!(outcome.truncated, 1.0);
        // The finished model reads texts as it learned to.
        let model = Predictor::load(&job.model).unwrap();
        let texts: Vec<&str> = job.test.iter().map(|example| example.text.as_str()).collect();
        let answers = model.predict(&texts, &Control::default()).unwrap();
        for (answer, found) in answers.iter().zip(outcome.test.chunks(2)) {
            assert_eq!(answer.probabilities, found);
        }
        right(&outcome, &job)
    });
    assert_eq!(shares, [0.5, 1.0]);
}

#[test]
fn a_model_that_learned_too_fast_is_drawn_back_to_where_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = job(folder.path());
    job.settings = TrainSettings {
        pooling: Pooling::Mean,
        head_epochs: 40,
        average_with_start: true,
        epochs: 1,
        learning_rate: 0.05,
        ..job.settings
    };
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    assert!(outcome.trained_share < 1.0, "{}", outcome.trained_share);
    let learned = outcome.epochs[0].validation_accuracy;
    let mixed = outcome.validation.chunks(2).zip(&job.validation);
    let mixed = mixed.filter(|(p, e)| (p[1] > p[0]) == (e.labels == [1])).count() as f64 / 30.0;
    assert!(mixed > learned, "{mixed} after {learned}");
    // Stopped on the way and while mixtures are tried, it comes to the same mixture.
    let stopped = tempfile::tempdir().unwrap();
    let mut again = job.clone();
    (again.model, again.checkpoint) = (stopped.path().join("model"), stopped.path().join("checkpoint"));
    for stop in [Phase::Train, Phase::Average] {
        let control = Control::default();
        let result = train(&again, &control, &mut |event| match event {
            TrainEvent::Step { step: 3, .. } if stop == Phase::Train => control.cancel(),
            TrainEvent::Progress { phase, .. } if phase == stop => control.cancel(),
            _ => {}
        });
        assert!(matches!(result, Err(TrainError::Cancelled)), "{stop:?}");
    }
    let found = run(&again, &Control::default(), |_| {}).unwrap();
    assert_eq!(
        (found.trained_share, &found.test),
        (outcome.trained_share, &outcome.test)
    );
    assert!(weights(&again) == weights(&job));
    // The saved model is the one that was judged.
    let texts: Vec<&str> = job.test.iter().map(|e| e.text.as_str()).collect();
    let answers = Predictor::load(&job.model)
        .unwrap()
        .predict(&texts, &Control::default())
        .unwrap();
    let answers = answers.iter().flat_map(|answer| &answer.probabilities);
    assert!(answers.zip(&outcome.test).all(|(a, b)| (a - b).abs() < 1e-6));
    // Without a head that learned first there is nothing to be drawn back to.
    job.settings.head_epochs = 0;
    let other = tempfile::tempdir().unwrap();
    (job.model, job.checkpoint) = (other.path().join("model"), other.path().join("checkpoint"));
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    assert_eq!(outcome.trained_share, 1.0);
}

#[test]
fn notes_that_cannot_be_understood_are_refused_and_missing_ones_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path());
    run(&job, &Control::default(), |_| {}).unwrap();
    let notes = job.model.join("understudy.json");
    let whole = std::fs::read_to_string(&notes).unwrap();
    let (_, rest) = whole.split_once(',').unwrap();
    for damaged in [
        whole[..whole.len() / 2].to_owned(),
        whole.replace("\"head\"", "\"sideways\""),
        format!("{{\"max_length\":0,{rest}"),
    ] {
        assert_ne!(damaged, whole);
        std::fs::write(&notes, &damaged).unwrap();
        let found = Predictor::load(&job.model);
        assert!(matches!(found, Err(TrainError::Notes { .. })), "{damaged}");
    }
    std::fs::remove_file(&notes).unwrap();
    assert!(Predictor::load(&job.model).is_ok());
}

#[test]
fn what_a_kill_left_of_a_checkpoint_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path());
    std::fs::create_dir_all(&job.checkpoint).unwrap();
    std::fs::write(job.checkpoint.join(".tmpA1b2C3"), [0; 100]).unwrap();
    run(&job, &Control::default(), |_| {}).unwrap();
    let left = std::fs::read_dir(&job.checkpoint).unwrap();
    let left: Vec<String> = left
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(left, ["checkpoint.safetensors"]);
}

#[cfg(unix)]
#[test]
fn weights_may_be_read_by_whom_the_other_files_may() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let job = job(folder.path());
    run(&job, &Control::default(), |_| {}).unwrap();
    let mode = |name: &str| {
        std::fs::metadata(job.model.join(name))
            .unwrap()
            .permissions()
            .mode()
    };
    assert_eq!(mode("model.safetensors"), mode("config.json"));
}

/// Two trainings of `job`, in a folder of their own.
fn two_trainings(folder: &Path) -> TrainingJob {
    let mut job = job(folder);
    job.settings.epochs = 4;
    job.settings.trainings = 2;
    // From a head that knows something, so that both end in one valley.
    job.settings.head_epochs = 5;
    job.settings.pooling = Pooling::Mean;
    job
}

/// The first epoch of each training.
fn first_epochs(outcome: &understudy_train::Outcome) -> Vec<u32> {
    let trainings = outcome.epochs.chunk_by(|a, b| a.training == b.training);
    trainings.map(|rounds| rounds[0].epoch).collect()
}

#[test]
fn several_trainings_become_the_mean_of_their_weights() {
    let folder = tempfile::tempdir().unwrap();
    let job = two_trainings(folder.path());
    // Stopped where the means are tried: what each training came to still lies there.
    let control = Control::default();
    let result = train(&job, &control, &mut |event| {
        if let TrainEvent::Progress {
            phase: Phase::Average,
            ..
        } = event
        {
            control.cancel();
        }
    });
    assert!(matches!(result, Err(TrainError::Cancelled)));
    let each = [job.checkpoint.join("training-0"), job.model.clone()]
        .map(|folder| std::fs::read(folder.join("model.safetensors")).unwrap());
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    assert_eq!((outcome.epochs.len(), outcome.steps), (8, 56));
    assert_eq!(first_epochs(&outcome), [1, 5]);
    let [first, second] = outcome.kept_epochs[..] else {
        panic!("{:?}", outcome.kept_epochs)
    };
    assert!((1..=4).contains(&first) && (5..=8).contains(&second));
    assert!(outcome.kept_epochs.contains(&outcome.best_epoch()));
    let losses: Vec<f64> = outcome.epochs.iter().map(|epoch| epoch.train_loss).collect();
    assert!(losses[4] > losses[3], "it begins again: {losses:?}");
    assert!(right(&outcome, &job) > 0.8);
    let kept = std::fs::read(job.model.join("model.safetensors")).unwrap();
    let files =
        [&each[0], &each[1], &kept].map(|bytes| safetensors::SafeTensors::deserialize(bytes).unwrap());
    let numbers = |file: usize, name: &str| -> Vec<f32> {
        let data = files[file].tensor(name).unwrap().data().to_vec();
        data.chunks_exact(4)
            .map(|four| f32::from_le_bytes(four.try_into().unwrap()))
            .collect()
    };
    let mut differ = 0;
    // The head carries the temperature, too.
    for name in files[2]
        .names()
        .into_iter()
        .filter(|name| name.contains("encoder"))
    {
        let (a, b, mean) = (numbers(0, name), numbers(1, name), numbers(2, name));
        for ((a, b), mean) in a.iter().zip(&b).zip(mean) {
            assert!((0.5 * (a + b) - mean).abs() < 1e-6, "{name}");
            differ += usize::from(a != b);
        }
    }
    assert!(differ > 0, "the trainings came to the same");
}

#[test]
fn several_trainings_end_with_the_same_bits_wherever_they_are_stopped() {
    let whole = tempfile::tempdir().unwrap();
    let uninterrupted = two_trainings(whole.path());
    let expected = run(&uninterrupted, &Control::default(), |_| {}).unwrap();
    // At the last step of the first training, at the first of the second, in its middle.
    for stop in [28, 29, 40] {
        let folder = tempfile::tempdir().unwrap();
        let job = two_trainings(folder.path());
        let control = Control::default();
        let stopped = run(&job, &control, |step| {
            if step == stop {
                control.cancel();
            }
        });
        assert!(matches!(stopped, Err(TrainError::Cancelled)), "step {stop}");
        let found = run(&job, &Control::default(), |_| {}).unwrap();
        assert!(weights(&job) == weights(&uninterrupted), "step {stop}");
        assert_eq!(
            (&found.test, &found.kept_epochs, first_epochs(&found)),
            (&expected.test, &expected.kept_epochs, first_epochs(&expected))
        );
    }
}

#[test]
fn a_training_that_gets_no_better_makes_room_for_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let mut job = two_trainings(folder.path());
    job.settings.epochs = 40;
    job.settings.patience = 2;
    job.validation[0].labels[0] = 1 - job.validation[0].labels[0];
    let outcome = run(&job, &Control::default(), |_| {}).unwrap();
    assert!(outcome.epochs.len() < 80);
    let firsts = first_epochs(&outcome);
    let [1, second] = firsts[..] else {
        panic!("{firsts:?}")
    };
    assert!(second > 3 && outcome.kept_epochs.len() == 2);
    assert_eq!(outcome.kept_epochs[0] + 2, second - 1);
    assert_eq!(outcome.kept_epochs[1] + 2, outcome.epochs.len() as u32);
}
