#!/usr/bin/env python3
"""Predict the texts of a CSV with ONNX Runtime or the Transformers pipeline, on the CPU.

  predict.py --model DIR --file a.csv --with onnx|pipeline [--threads 2] [--batch 32] [--max-length 128]

onnx: the model exported by PyTorch, texts sorted by length, padded per batch: what a careful user does.
pipeline: transformers.pipeline("text-classification") with batches.
Tokenising counts, exporting and loading do not. Prints one JSON line: rows, seconds, rows a second, answers.
"""
import argparse, csv, json, os, time

p = argparse.ArgumentParser()
p.add_argument("--model", required=True); p.add_argument("--file", required=True)
p.add_argument("--with", dest="peer", choices=["onnx", "pipeline"], required=True)
p.add_argument("--threads", type=int, default=2); p.add_argument("--batch", type=int, default=32)
p.add_argument("--max-length", type=int, default=128)
a = p.parse_args()
os.environ["OMP_NUM_THREADS"] = str(a.threads)
import numpy as np, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, pipeline
torch.set_num_threads(a.threads)
texts = [row["text"] for row in csv.DictReader(open(a.file, encoding="utf-8", newline=""))]
tok = AutoTokenizer.from_pretrained(a.model)

if a.peer == "onnx":
    import onnxruntime as ort
    path = os.path.join(a.model, "bench.onnx")
    if not os.path.exists(path):
        # PyTorch's older exporter (dynamo=False) writes another function than the model's (2.15, Transformers 5.24).
        model = AutoModelForSequenceClassification.from_pretrained(a.model).eval()
        sample = dict(tok(["a text", "a longer text"], padding=True, return_tensors="pt"))
        batch, length = torch.export.Dim("batch", min=1, max=512), torch.export.Dim("length", min=2, max=512)
        torch.onnx.export(model, (), path, kwargs=sample, input_names=list(sample), output_names=["logits"],
                          dynamic_shapes={name: {0: batch, 1: length} for name in sample}, dynamo=True)
    options = ort.SessionOptions()
    options.intra_op_num_threads = a.threads
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]
    run = lambda batch: session.run(None, {n: batch[n] for n in names})[0]
    run(dict(tok(texts[:2], padding=True, truncation=True, max_length=a.max_length, return_tensors="np")))
    start = time.time()
    ids = tok(texts, truncation=True, max_length=a.max_length)
    order = sorted(range(len(texts)), key=lambda i: -len(ids["input_ids"][i]))
    answers = [0] * len(texts)
    for at in range(0, len(order), a.batch):
        rows = order[at:at + a.batch]
        batch = tok.pad({k: [v[i] for i in rows] for k, v in ids.items()}, return_tensors="np")
        for i, label in zip(rows, run({k: v.astype(np.int64) for k, v in batch.items()}).argmax(-1)):
            answers[i] = int(label)
    seconds = time.time() - start
else:
    classify = pipeline("text-classification", model=a.model, tokenizer=tok, device="cpu")
    labels = classify.model.config.label2id
    classify(texts[:2])
    start = time.time()
    found = classify(texts, batch_size=a.batch, truncation=True, max_length=a.max_length)
    seconds = time.time() - start
    answers = [labels[x["label"]] for x in found]
print(json.dumps(dict(peer=a.peer, rows=len(texts), seconds=round(seconds, 3), rows_s=round(len(texts) / seconds, 1), answers=answers)))
