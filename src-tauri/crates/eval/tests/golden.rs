//! Scores against scikit-learn's, recorded by `golden/make_scores.py`.

use serde::Deserialize;
use understudy_eval::{ClassRanking, Link, measures, multi_label_scores, scores};

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
    measures: ExpectedMeasures,
}

#[derive(Deserialize)]
struct ExpectedMeasures {
    balanced_accuracy: f64,
    cohen_kappa: Option<f64>,
    matthews: f64,
    brier: f64,
    top_2: Option<f64>,
    roc_auc: Vec<Option<f64>>,
    average_precision: Vec<Option<f64>>,
}

/// Compares what may be undefined.
fn same(what: &str, ours: Option<f64>, theirs: Option<f64>) {
    let close = match (ours, theirs) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() < 1e-12,
        (ours, theirs) => ours == theirs,
    };
    assert!(close, "{what} is {ours:?}, scikit-learn says {theirs:?}");
}

fn same_rankings(name: &str, ours: &[ClassRanking], areas: &[Option<f64>], precisions: &[Option<f64>]) {
    assert_eq!(
        (ours.len(), ours.len()),
        (areas.len(), precisions.len()),
        "{name}"
    );
    for ((ours, area), precision) in ours.iter().zip(areas).zip(precisions) {
        same(
            &format!("{name}: ROC area of {}", ours.label),
            ours.roc_auc,
            *area,
        );
        same(
            &format!("{name}: average precision of {}", ours.label),
            ours.average_precision,
            *precision,
        );
    }
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
        let each: Vec<&[usize]> = gold.chunks(1).collect();
        let further = measures(&each, &probabilities, &names, &judged.confusion, Link::Softmax).unwrap();
        let theirs = expected.measures;
        close("log loss", further.log_loss, expected.loss);
        close("Brier", further.brier, theirs.brier);
        close("MCC", further.matthews.unwrap(), theirs.matthews);
        same(
            "balanced accuracy",
            further.balanced_accuracy,
            Some(theirs.balanced_accuracy),
        );
        same("kappa", further.cohen_kappa, theirs.cohen_kappa);
        same(
            "top 2",
            further.top_k.first().map(|top| top.accuracy),
            theirs.top_2,
        );
        same_rankings(
            &name,
            &further.classes,
            &theirs.roc_auc,
            &theirs.average_precision,
        );
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
    brier: f64,
    roc_auc: Vec<Option<f64>>,
    average_precision: Vec<Option<f64>>,
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
        let further = measures(&gold, &case.probabilities, &names, &[], Link::Sigmoid).unwrap();
        close("log loss", further.log_loss, expected.loss);
        close("Brier", further.brier, expected.brier);
        assert_eq!((further.matthews, further.top_k.len()), (None, 0));
        same_rankings(
            name,
            &further.classes,
            &expected.roc_auc,
            &expected.average_precision,
        );
        for (label, class) in judged.classes.iter().enumerate() {
            close("precision", class.precision, expected.precision[label]);
            close("recall", class.recall, expected.recall[label]);
            close("F1", class.f1, expected.f1[label]);
            assert_eq!(class.support, expected.support[label], "{name}");
        }
    }
}
