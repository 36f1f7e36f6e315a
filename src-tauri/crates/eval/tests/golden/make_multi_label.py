"""Writes multi_label.json: sets of labels, probabilities and what scikit-learn says about them.

Run with any Python that has scikit-learn: python make_multi_label.py
"""

import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics


def case(name, rng, examples, labels, share, sharpness):
    """Random predictions; each label applies to `share` of the examples, the last to none where `share` is small."""
    gold = rng.random((examples, labels)) < share
    gold[:, -1] &= share > 0.2
    logits = rng.normal(size=gold.shape) + sharpness * (gold - 0.5)
    probabilities = (1 / (1 + np.exp(-logits))).astype(np.float32)
    thresholds = rng.uniform(0.3, 0.7, labels).astype(np.float32)
    predicted = probabilities >= thresholds

    def averaged(average):
        return metrics.precision_recall_fscore_support(gold, predicted, average=average, zero_division=0)[:3]

    precision, recall, f1, support = metrics.precision_recall_fscore_support(gold, predicted, zero_division=0)
    exact = probabilities.astype(np.float64)
    losses = [metrics.log_loss(gold[:, k], exact[:, k], labels=[False, True]) for k in range(labels)]
    return {
        "name": name,
        "gold": [np.flatnonzero(row).tolist() for row in gold],
        "probabilities": [float(p) for p in probabilities.ravel()],
        "thresholds": [float(t) for t in thresholds],
        "labels": labels,
        "expected": {
            "loss": float(np.mean(losses)),
            "accuracy": metrics.accuracy_score(gold, predicted),
            "hamming_loss": metrics.hamming_loss(gold, predicted),
            "macro": averaged("macro"),
            "micro": averaged("micro"),
            "weighted_f1": averaged("weighted")[2],
            "majority_micro_f1": metrics.f1_score(
                gold, np.eye(labels, dtype=bool)[np.zeros(examples, int)], average="micro", zero_division=0
            ),
            "brier": float(np.mean([metrics.brier_score_loss(gold[:, k], exact[:, k]) for k in range(labels)])),
            "roc_auc": [
                metrics.roc_auc_score(gold[:, k], exact[:, k]) if 0 < gold[:, k].sum() < examples else None
                for k in range(labels)
            ],
            "average_precision": [
                metrics.average_precision_score(gold[:, k], exact[:, k]) if gold[:, k].any() else None
                for k in range(labels)
            ],
            "precision": precision.tolist(),
            "recall": recall.tolist(),
            "f1": f1.tolist(),
            "support": [int(count) for count in support],
        },
    }


def main():
    rng = np.random.default_rng(21)
    cases = [
        case("five labels", rng, 80, 5, 0.3, 2.0),
        case("rare labels, one that never comes", rng, 120, 12, 0.08, 4.0),
        case("nothing learnt", rng, 40, 3, 0.5, 0.0),
    ]
    path = pathlib.Path(__file__).with_name("multi_label.json")
    path.write_text(json.dumps({"sklearn": sklearn.__version__, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
