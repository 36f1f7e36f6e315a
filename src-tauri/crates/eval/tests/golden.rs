//! Scores against scikit-learn's, recorded by `golden/make_scores.py`.

use serde::Deserialize;
use understudy_eval::{multi_label_scores, scores};

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

#[derive(Deserialize)]
struct SeveralGolden {
    cases: Vec<SeveralCase>,
}

#[derive(Deserialize)]
struct SeveralCase {
    name: String,
    gold: Vec<Vec<usize>>,
    probabilities: Vec<f32>,
    thresholds: Vec<f32>,
    labels: usize,
    expected: SeveralExpected,
}

#[derive(Deserialize)]
struct SeveralExpected {
    loss: f64,
    accuracy: f64,
    hamming_loss: f64,
    /// Precision, recall, F1.
    #[serde(rename = "macro")]
    by_label: [f64; 3],
    micro: [f64; 3],
    weighted_f1: f64,
    majority_micro_f1: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    support: Vec<u32>,
}

#[test]
fn every_score_of_several_labels_equals_scikit_learn_to_the_twelfth_digit() {
    let golden: SeveralGolden = serde_json::from_str(include_str!("golden/multi_label.json")).unwrap();
    assert_eq!(golden.cases.len(), 3);
    for case in golden.cases {
        let (name, expected) = (&case.name, &case.expected);
        let names: Vec<String> = (0..case.labels).map(|label| label.to_string()).collect();
        let gold: Vec<&[usize]> = case.gold.iter().map(Vec::as_slice).collect();
        let judged = multi_label_scores(&gold, &case.probabilities, &names, &case.thresholds, 0, 0).unwrap();
        let several = judged.multi_label.unwrap();
        let close = |what: &str, ours: f64, theirs: f64| {
            assert!(
                (ours - theirs).abs() < 1e-12,
                "{name}: {what} is {ours}, scikit-learn says {theirs}"
            );
        };
        close("loss", judged.loss, expected.loss);
        close("accuracy", judged.accuracy, expected.accuracy);
        close("hamming loss", several.hamming_loss, expected.hamming_loss);
        close("macro precision", judged.macro_precision, expected.by_label[0]);
        close("macro recall", judged.macro_recall, expected.by_label[1]);
        close("macro F1", judged.macro_f1, expected.by_label[2]);
        close("micro precision", several.micro_precision, expected.micro[0]);
        close("micro recall", several.micro_recall, expected.micro[1]);
        close("micro F1", judged.micro_f1, expected.micro[2]);
        close("weighted F1", judged.weighted_f1, expected.weighted_f1);
        close("majority", several.majority_micro_f1, expected.majority_micro_f1);
        for (label, class) in judged.classes.iter().enumerate() {
            close("precision", class.precision, expected.precision[label]);
            close("recall", class.recall, expected.recall[label]);
            close("F1", class.f1, expected.f1[label]);
            assert_eq!(class.support, expected.support[label], "{name}");
        }
    }
}
