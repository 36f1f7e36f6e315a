// The exported folder in Hugging Face Transformers, where Python with transformers is present ($PYTHON or python3).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { COMMAND_LINE, ROOT } from "../scripts/lib/places.mjs";
import { Place, smallTable } from "./lib/place.mjs";

const python = process.env.PYTHON ?? "python3";
const present = spawnSync(python, ["-c", "import torch, transformers"]).status === 0;

test("an exported model gives the same labels and logits in Transformers", { skip: !present && "no Python with torch and transformers" }, () => {
  const place = new Place();
  try {
    const project = place.path("p.understudy");
    const table = place.write("table.csv", smallTable(200));
    place.must("import", table, "--project", project);
    place.must("split", "--project", project);
    place.must("train", "--project", project, "--epochs", "1", "--max-length", "24");
    place.must("export", "--project", project, "--out", place.path("export"));
    const script = `${ROOT}/tests/transformers_roundtrip.py`;
    const check = spawnSync(python, [script, COMMAND_LINE, project, place.path("export"), table], { encoding: "utf8", env: place.environment });
    assert.equal(check.status, 0, check.stdout + check.stderr);
  } finally {
    place.remove();
  }
});
