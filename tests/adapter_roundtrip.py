#!/usr/bin/env python3
"""Check that what adapters have learned, put on the model that the training began with by PEFT, answers as the trained model.

  understudy export --project P.understudy --out TRAINED --format folder
  understudy export --project P.understudy --out ADAPTER --format adapter
  python tests/adapter_roundtrip.py BASE ADAPTER TRAINED TEXTS.csv

The logits of the first 50 texts must differ by less than 1e-3. Needs: pip install peft transformers torch
"""
import csv, sys
import torch
from peft import PeftModel
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer

base, adapter, trained, table = sys.argv[1:5]
with open(table, encoding="utf-8", newline="") as file:
    texts = [row["text"] for row in csv.DictReader(file)][:50]
config = AutoConfig.from_pretrained(adapter)
put_on = PeftModel.from_pretrained(AutoModelForSequenceClassification.from_pretrained(base, config=config), adapter).eval()
whole = AutoModelForSequenceClassification.from_pretrained(trained).eval()
given = AutoTokenizer.from_pretrained(trained)(texts, truncation=True, padding=True, return_tensors="pt")
with torch.no_grad():
    ours, theirs = whole(**given).logits, put_on(**given).logits
worst = (ours - theirs).abs().max().item()
print(f"{len(texts)} texts, logits differ by {worst:.2e} at most, of {ours.abs().max().item():.1f}")
sys.exit(0 if worst < 1e-3 and ours.abs().max() > 0.1 else 1)
