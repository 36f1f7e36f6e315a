"""Planted label errors found by cleanlab with scikit-learn, on the vectors that the app made of the same texts.

Usage: cleanlab_doubts.py VECTORS CSV SEEDS. Flips 5 % of the labels, asks a logistic regression (C = 10, five folds) for
out-of-fold probabilities, lets cleanlab rank the issues, and prints one JSON object.
"""
import csv
import json
import sys
import time

import numpy as np
from cleanlab.filter import find_label_issues
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict

vectors, table, seeds = sys.argv[1], sys.argv[2], int(sys.argv[3])
raw = np.fromfile(vectors, dtype=np.uint8)
dimensions = int(raw[8:12].view(np.uint32)[0])
size = 16 + dimensions
records = raw[64:]
records = records[: len(records) // size * size].reshape(-1, size)
X = records[:, 16:].astype(np.int8).astype(np.float32)
X /= np.maximum(np.linalg.norm(X, axis=1, keepdims=True), 1e-9)
with open(table, newline="", encoding="utf-8") as file:
    names = [row["label"] for row in csv.DictReader(file)]
true = np.unique(names, return_inverse=True)[1]
X = X[: len(true)]
found = []
for seed in range(seeds):
    random = np.random.default_rng(seed)
    flipped = random.permutation(len(true))[: len(true) // 20]
    labels = true.copy()
    labels[flipped] = (labels[flipped] + 1 + random.integers(0, true.max(), len(flipped))) % (true.max() + 1)
    began = time.perf_counter()
    model = LogisticRegression(C=10, max_iter=200)
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    probabilities = cross_val_predict(model, X, labels, cv=folds, method="predict_proba")
    issues = find_label_issues(labels, probabilities, return_indices_ranked_by="normalized_margin")
    seconds = time.perf_counter() - began
    top = set(issues[: 2 * len(flipped)])
    found.append({"recall_at_2n": len(top & set(flipped)) / len(flipped), "doubts": len(issues), "seconds": seconds})
print(json.dumps({"planted": found}))
