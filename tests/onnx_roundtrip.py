#!/usr/bin/env python3
"""Check that an exported ONNX folder gives the same answers in ONNX Runtime.

  understudy export --project P.understudy --out EXPORT --format onnx
  python tests/onnx_roundtrip.py target/debug/understudy P.understudy EXPORT TEXTS.csv [rows]

Asks ONNX Runtime (padded batches of 16) and our own worker about the first rows (200) of the column `text`: the labels
must be equal, and the logits (compared as log-probabilities, because a softmax forgets their common shift) must differ by
less than 1e-4. Needs: pip install onnxruntime transformers
"""
import csv, json, math, pathlib, subprocess, sys
import numpy, onnxruntime
from transformers import AutoTokenizer

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

session = onnxruntime.InferenceSession(f"{folder}/model.onnx", providers=["CPUExecutionProvider"])
names = [port.name for port in session.get_inputs()]
tokenizer = AutoTokenizer.from_pretrained(folder)
labels = json.loads(pathlib.Path(folder, "config.json").read_text(encoding="utf-8"))["id2label"]
logits = []
for start in range(0, len(texts), 16):
    given = tokenizer(texts[start : start + 16], truncation=True, padding=True, return_tensors="np")
    logits.append(session.run(["logits"], {name: given[name].astype(numpy.int64) for name in names})[0])
logits = numpy.concatenate(logits).astype(numpy.float64)
theirs = logits - numpy.log(numpy.exp(logits).sum(1, keepdims=True))

equal, worst = 0, 0.0
for row, ours in zip(theirs, answer["predictions"]):
    equal += [labels[str(row.argmax())]] == ours["labels"]
    there = {labels[str(index)]: value for index, value in enumerate(row)}
    for score in ours["scores"]:
        worst = max(worst, abs(math.log(score["probability"]) - there[score["label"]]))
print(f"{equal} of {len(texts)} labels equal, largest difference of a logit {worst:.1e}")
sys.exit(0 if equal == len(texts) and worst < 1e-4 else 1)
