//! What each token adds to a class, against PyTorch, finite differences and its own sum.
//!
//! The fixtures are made by `fixtures/make_explanations.py`.
#![allow(clippy::unwrap_used)]

mod models;

use serde::Deserialize;
use understudy_nn::{Gradients, Interpolation, PackedBatch, Precision, SequenceClassifier, WayPoint};

use models::{FIXTURES, folder};

#[derive(Deserialize)]
struct Golden {
    class: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    ids: Vec<u32>,
    from: Vec<u32>,
    share: f32,
    log_odds: f64,
    slopes: Vec<f64>,
}

fn golden(name: &str) -> Golden {
    serde_json::from_str(&std::fs::read_to_string(folder(name).join("explanation.json")).unwrap()).unwrap()
}

fn model(name: &str) -> SequenceClassifier {
    let mut model = SequenceClassifier::load(&folder(name)).unwrap();
    model.freeze_parameters();
    model
}

/// All cases in one batch.
fn explained(model: &SequenceClassifier, class: usize, cases: &[(&[u32], &[u32], f32)]) -> WayPoint {
    explained_in(Precision::F32, model, class, cases)
}

fn explained_in(
    precision: Precision,
    model: &SequenceClassifier,
    class: usize,
    cases: &[(&[u32], &[u32], f32)],
) -> WayPoint {
    let batch = PackedBatch::from_sequences(cases.iter().map(|(ids, _, _)| *ids));
    let interpolation = Interpolation {
        from: cases
            .iter()
            .flat_map(|(_, from, _)| from.iter().copied())
            .collect(),
        shares: cases
            .iter()
            .flat_map(|(ids, _, share)| vec![*share; ids.len()])
            .collect(),
    };
    let mut gradients = Gradients::new(&model.parameters);
    model
        .way_point(&batch, interpolation, |_| class, precision, &mut gradients)
        .unwrap()
}

#[test]
fn rounded_products_tell_nearly_the_same() {
    for name in FIXTURES {
        let golden = golden(name);
        let of = |precision| explained_in(precision, &model(name), golden.class, &cases(&golden)).slopes;
        let [whole, rounded] = [Precision::F32, Precision::Bf16].map(of);
        let size: f64 = whole.iter().map(|slope| slope.abs()).sum();
        let moved: f64 = whole.iter().zip(&rounded).map(|(a, b)| (a - b).abs()).sum();
        assert!(moved < 0.05 * size, "{name}: {moved} of {size}");
        assert_eq!(moved > 0.0, Precision::rounds_bf16(), "{name}");
    }
}

fn cases(golden: &Golden) -> Vec<(&[u32], &[u32], f32)> {
    let cases = golden.cases.iter();
    cases
        .map(|case| (&case.ids[..], &case.from[..], case.share))
        .collect()
}

#[test]
fn every_architecture_explains_as_pytorch_does() {
    for name in FIXTURES {
        let golden = golden(name);
        let found = explained(&model(name), golden.class, &cases(&golden));
        let expected = golden.cases.iter().flat_map(|case| &case.slopes);
        let size = expected.clone().fold(0.0f64, |a, b| a.max(b.abs()));
        assert_eq!(found.slopes.len(), expected.clone().count());
        for (found, expected) in found.slopes.iter().zip(expected) {
            let difference = (found - expected).abs();
            assert!(difference < 1e-4 * size, "{name}: {found} instead of {expected}");
        }
        for (found, case) in found.log_odds.iter().zip(&golden.cases) {
            assert!((found - case.log_odds).abs() < 1e-5, "{name}");
        }
    }
}

#[test]
fn slopes_equal_finite_differences_and_tokens_that_stay_have_none() {
    for name in FIXTURES {
        let (model, golden) = (model(name), golden(name));
        let case = &golden.cases[4];
        let at = |share: f32| explained(&model, 2, &[(&case.ids, &case.from, share)]);
        let found = at(0.5);
        const STEP: f32 = 0.01;
        let difference = (at(0.5 + STEP).log_odds[0] - at(0.5 - STEP).log_odds[0]) / (2.0 * f64::from(STEP));
        let sum: f64 = found.slopes.iter().sum();
        assert!(
            (sum - difference).abs() < 1e-3 * (1.0 + difference.abs()),
            "{name}: {sum} instead of {difference}"
        );
        assert_eq!(found.slopes[0], 0.0);
    }
}

#[test]
fn the_mean_slope_of_the_way_is_the_whole_difference() {
    for name in FIXTURES {
        let (model, golden) = (model(name), golden(name));
        let case = &golden.cases[0];
        let at = |share: f32| explained(&model, 0, &[(&case.ids, &case.from, share)]);
        const STEPS: usize = 64;
        let places = (0..STEPS).map(|step| (step as f32 + 0.5) / STEPS as f32);
        let sum: f64 = places.map(|share| at(share).slopes.iter().sum::<f64>()).sum();
        let difference = at(1.0).log_odds[0] - at(0.0).log_odds[0];
        let gap = (sum / STEPS as f64 - difference).abs();
        assert!(
            gap < 1e-3 * (1.0 + difference.abs()),
            "{name}: {gap} of {difference}"
        );
    }
}

#[test]
fn the_end_of_the_way_is_the_models_own_answer() {
    let (model, golden) = (model("tiny-bert"), golden("tiny-bert"));
    let case = &golden.cases[0];
    let logits = model
        .logits(&PackedBatch::from_sequences([&case.ids[..]]))
        .unwrap();
    let mut gradient = vec![0.0; 3];
    let expected = understudy_nn::log_odds(model.problem_type(), &logits, 1, &mut gradient);
    assert!((explained(&model, 1, &[(&case.ids, &case.from, 1.0)]).log_odds[0] - expected).abs() < 1e-6);
}

#[test]
fn questions_that_do_not_fit_the_model_are_refused() {
    let model = model("tiny-bert");
    let batch = PackedBatch::from_sequences([&[5u32, 6][..]]);
    let mut gradients = Gradients::new(&model.parameters);
    let mut ask = |from: Vec<u32>, class| {
        let shares = vec![0.5; from.len()];
        model
            .way_point(
                &batch,
                Interpolation { from, shares },
                |_| class,
                Precision::F32,
                &mut gradients,
            )
            .is_err()
    };
    assert!(ask(vec![4], 0) && ask(vec![4, 90], 0) && ask(vec![4, 4], 3));
    assert!(!ask(vec![4, 4], 2));
}
