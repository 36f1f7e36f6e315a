#!/usr/bin/env python3
"""Check that an exported model is the same model in Hugging Face Transformers.

  understudy export --project P.understudy --out EXPORT
  python tests/transformers_roundtrip.py target/debug/understudy P.understudy EXPORT TEXTS.csv [rows]

Loads EXPORT unchanged with transformers.pipeline("text-classification") and asks it and our own worker about the first
rows (200) of the column `text`: the labels must be equal, and the logits (compared as log-probabilities, because a
softmax forgets their common shift) must differ by less than 1e-4.
Needs: pip install torch transformers
"""
import csv, json, math, pathlib, subprocess, sys
import torch
from transformers import pipeline

program, project, folder, table = sys.argv[1:5]
limit = int(sys.argv[5]) if len(sys.argv) > 5 else 200
with open(table, encoding="utf-8", newline="") as file:
    texts = [row["text"] for row in csv.DictReader(file)][:limit]

runs = sorted(path.parent.name for path in pathlib.Path(project).glob("runs/*/model"))
lines = [{"job": "serve", "project": project, "run": runs[-1]}, {"command": "predict", "id": 1, "texts": texts}]
worker = subprocess.Popen([program, "worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
worker.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
worker.stdin.flush()
answer = next(event for event in map(json.loads, worker.stdout) if event["event"] in ("answer", "failed"))
worker.stdin.close()
worker.wait()

classify = pipeline("text-classification", model=folder)
labels, worst = 0, 0.0
for text, ours in zip(texts, answer["predictions"]):
    labels += [classify(text, truncation=True)[0]["label"]] == ours["labels"]
    with torch.no_grad():
        inputs = classify.tokenizer(text, truncation=True, return_tensors="pt")
        theirs = torch.log_softmax(classify.model(**inputs).logits[0], -1)
    for score in ours["scores"]:
        there = theirs[classify.model.config.label2id[score["label"]]].item()
        worst = max(worst, abs(math.log(score["probability"]) - there))
print(f"{labels} of {len(texts)} labels equal, largest difference of a logit {worst:.1e}")
sys.exit(0 if labels == len(texts) and worst < 1e-4 else 1)
