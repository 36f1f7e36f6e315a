"""Writes scores.json: small sets of predictions and what scikit-learn says about them.

Run with any Python that has scikit-learn: python make_scores.py
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn import metrics


def measures(gold, probabilities, predicted, labels):
    """What scikit-learn says beyond the usual scores; None where it is not defined."""
    every = list(range(labels))
    one_hot = np.eye(labels)[gold]
    with warnings.catch_warnings():
        # Of classes that were answered but never gold.
        warnings.simplefilter("ignore")
        balanced = metrics.balanced_accuracy_score(gold, predicted)
        kappa = metrics.cohen_kappa_score(gold, predicted)
    areas = [
        None if one_hot[:, c].all() or not one_hot[:, c].any() else metrics.roc_auc_score(one_hot[:, c], probabilities[:, c])
        for c in every
    ]
    precisions = [
        metrics.average_precision_score(one_hot[:, c], probabilities[:, c]) if one_hot[:, c].any() else None for c in every
    ]
    return {
        "balanced_accuracy": balanced,
        "cohen_kappa": None if np.isnan(kappa) else kappa,
        "matthews": metrics.matthews_corrcoef(gold, predicted),
        "brier": float(((probabilities - one_hot) ** 2).sum(1).mean()),
        "top_2": metrics.top_k_accuracy_score(gold, probabilities, k=2, labels=every) if labels > 2 else None,
        "roc_auc": areas,
        "average_precision": precisions,
    }


def case(name, rng, examples, labels, gold_labels, sharpness):
    """Random predictions of `examples` rows; gold labels come from `gold_labels` only."""
    gold = rng.choice(gold_labels, examples)
    logits = rng.normal(size=(examples, labels)) + sharpness * np.eye(labels)[gold]
    exponentials = np.exp(logits)
    probabilities = (exponentials / exponentials.sum(1, keepdims=True)).astype(np.float32)
    predicted = probabilities.argmax(1)
    every = list(range(labels))

    def averaged(average):
        return metrics.precision_recall_fscore_support(gold, predicted, average=average, zero_division=0)[:3]

    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        gold, predicted, labels=every, zero_division=0
    )
    macro = averaged("macro")
    return {
        "name": name,
        "gold": gold.tolist(),
        # f32 written as the f64 of the same value: read back exactly.
        "probabilities": [float(p) for p in probabilities.ravel()],
        "labels": labels,
        "expected": {
            "correct": int((gold == predicted).sum()),
            # f64: log_loss would clip f32 probabilities at the epsilon of f32.
            "loss": metrics.log_loss(gold, probabilities.astype(np.float64), labels=every),
            "accuracy": metrics.accuracy_score(gold, predicted),
            "macro_precision": macro[0],
            "macro_recall": macro[1],
            "macro_f1": macro[2],
            "micro_f1": averaged("micro")[2],
            "weighted_f1": averaged("weighted")[2],
            "precision": precision.tolist(),
            "recall": recall.tolist(),
            "f1": f1.tolist(),
            "support": [int(count) for count in support],
            "measures": measures(gold, probabilities.astype(np.float64), predicted, labels),
            "confusion": metrics.confusion_matrix(gold, predicted, labels=every).tolist(),
        },
    }


def main():
    rng = np.random.default_rng(20)
    cases = [
        case("three classes", rng, 60, 3, [0, 1, 2], 1.5),
        case("a class that is answered but never gold", rng, 40, 4, [0, 1, 3], 1.0),
        case("classes that occur nowhere", rng, 12, 8, [2, 5], 6.0),
        case("one example", rng, 1, 2, [1], 1.0),
    ]
    out = {"scikit_learn": sklearn.__version__, "cases": cases}
    pathlib.Path(__file__).with_name("scores.json").write_text(json.dumps(out) + "\n")


main()
