//! Scores against scikit-learn's, recorded by `golden/make_scores.py`.

use serde::Deserialize;
use understudy_eval::scores;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    gold: Vec<usize>,
    probabilities: Vec<f32>,
    labels: usize,
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    correct: u32,
    loss: f64,
    accuracy: f64,
    macro_precision: f64,
    macro_recall: f64,
    macro_f1: f64,
    micro_f1: f64,
    weighted_f1: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    support: Vec<u32>,
    confusion: Vec<Vec<u32>>,
}

#[test]
fn every_score_equals_scikit_learn_to_the_twelfth_digit() {
    let golden: Golden = serde_json::from_str(include_str!("golden/scores.json")).unwrap();
    assert_eq!(golden.cases.len(), 4);
    for Case {
        name,
        gold,
        probabilities,
        labels,
        expected,
    } in golden.cases
    {
        let names: Vec<String> = (0..labels).map(|label| label.to_string()).collect();
        let judged = scores(&gold, &probabilities, &names, 0, 0).unwrap();
        assert_eq!(judged.correct, expected.correct, "{name}");
        assert_eq!(judged.confusion, expected.confusion, "{name}");
        let close = |what: &str, ours: f64, theirs: f64| {
            assert!(
                (ours - theirs).abs() < 1e-12,
                "{name}: {what} is {ours}, scikit-learn says {theirs}"
            );
        };
        close("loss", judged.loss, expected.loss);
        close("accuracy", judged.accuracy, expected.accuracy);
        close(
            "macro precision",
            judged.macro_precision,
            expected.macro_precision,
        );
        close("macro recall", judged.macro_recall, expected.macro_recall);
        close("macro F1", judged.macro_f1, expected.macro_f1);
        close("micro F1", judged.micro_f1, expected.micro_f1);
        close("weighted F1", judged.weighted_f1, expected.weighted_f1);
        for (label, class) in judged.classes.iter().enumerate() {
            close("precision", class.precision, expected.precision[label]);
            close("recall", class.recall, expected.recall[label]);
            close("F1", class.f1, expected.f1[label]);
            assert_eq!(class.support, expected.support[label], "{name}");
        }
    }
}
