#!/usr/bin/env python3
"""Check that exported ONNX files compute what the models compute here.

  python onnx_runtime.py CASES.json

CASES.json is a list of {name, file, sequences, logits}: token ids of texts of different lengths, and our logits. They
are given to ONNX Runtime in one padded batch, and each alone. Prints the largest difference of each case; fails above
1e-4. Needs: pip install onnx onnxruntime
"""
import json, sys
import numpy, onnx, onnxruntime

failed = False
for case in json.load(open(sys.argv[1], encoding="utf-8")):
    onnx.checker.check_model(case["file"], full_check=True)
    session = onnxruntime.InferenceSession(case["file"], providers=["CPUExecutionProvider"])
    names = {port.name for port in session.get_inputs()}

    def ask(sequences):
        shape = (len(sequences), max(map(len, sequences)))
        ids, mask = numpy.full(shape, 1, numpy.int64), numpy.zeros(shape, numpy.int64)
        for row, sequence in enumerate(sequences):
            ids[row, : len(sequence)], mask[row, : len(sequence)] = sequence, 1
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        return session.run(["logits"], {name: given[name] for name in names})[0]

    ours = numpy.array(case["logits"], numpy.float32)
    together = ask(case["sequences"])
    alone = numpy.concatenate([ask([sequence]) for sequence in case["sequences"]])
    worst = max(abs(together - ours).max(), abs(alone - ours).max())
    lengths = [len(sequence) for sequence in case["sequences"]]
    print(f"{case['name']}: largest difference of a logit {worst:.1e} (of {abs(ours).max():.2f}, {lengths} tokens)")
    failed |= not worst < 1e-4
sys.exit(failed)
