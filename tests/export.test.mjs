// A model that goes out: as an ONNX file, which ONNX Runtime answers from where Python has it ($PYTHON or python3), as what
// its adapters have learned, and as an archive with its report, which another machine takes in, asks and learns on from.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { after, before, test } from "node:test";
import { COMMAND_LINE, ROOT } from "../scripts/lib/places.mjs";
import { Place, smallTable, starterFolder } from "./lib/place.mjs";

const python = process.env.PYTHON ?? "python3";
const present = spawnSync(python, ["-c", "import onnxruntime, transformers"]).status === 0;
const peft = spawnSync(python, ["-c", "import peft, torch, transformers"]).status === 0;

const place = new Place();
const project = place.path("p.understudy");

before(() => {
  place.ownLibrary();
  const table = place.write("table.csv", smallTable(200));
  place.must("import", table, "--project", project);
  place.must("split", "--project", project);
  place.must("train", "--project", project, "--epochs", "1", "--max-length", "24");
});
after(() => place.remove());

test("a file is an ONNX file, anything else a folder that has all it needs; nothing is overwritten", () => {
  place.must("export", "--project", project, "--out", place.path("alone.onnx"));
  place.must("export", "--project", project, "--out", place.path("onnx"), "--format", "onnx");
  const files = readdirSync(place.path("onnx"));
  for (const name of ["model.onnx", "config.json", "tokenizer.json"]) assert.ok(files.includes(name), name);
  assert.ok(!files.includes("model.safetensors"));
  assert.deepEqual(readFileSync(place.path("alone.onnx")), readFileSync(place.path("onnx/model.onnx")));
  for (const out of ["alone.onnx", "onnx"]) {
    const again = place.understudy("export", "--project", project, "--out", place.path(out), "--format", "onnx");
    assert.equal(again.status, 2, out);
  }
  assert.deepEqual(readdirSync(place.folder).filter((name) => name.endsWith(".partial")), []);
});

test("ONNX Runtime gives the same labels and logits", { skip: !present && "no Python with onnxruntime and transformers" }, () => {
  if (!existsSync(place.path("onnx"))) place.must("export", "--project", project, "--out", place.path("onnx"), "--format", "onnx");
  const script = `${ROOT}/tests/onnx_roundtrip.py`;
  const check = spawnSync(python, [script, COMMAND_LINE, project, place.path("onnx"), place.path("table.csv")], { encoding: "utf8", env: place.environment });
  assert.equal(check.status, 0, check.stdout + check.stderr);
  console.log(check.stdout.trim());
});

test("an archive with the report is a model elsewhere, to learn on from", () => {
  place.must("export", "--project", project, "--out", place.path("passed on.zip"));
  place.must("models", "add", place.path("passed on.zip"));
  const other = place.path("other.understudy");
  place.must("import", place.path("table.csv"), "--project", other);
  place.must("split", "--project", other);
  place.must("train", "--project", other, "--model", "passed-on", "--epochs", "1", "--max-length", "24");
});

test("what adapters have learned goes out alone, and PEFT puts it back on the model", () => {
  const none = place.understudy("export", "--project", project, "--out", place.path("none"), "--format", "adapter");
  assert.equal(none.status, 2, "this run had none");
  const small = place.path("additions.understudy");
  place.must("import", place.path("table.csv"), "--project", small);
  place.must("split", "--project", small);
  place.must("train", "--project", small, "--preset", "textbook", "--method", "lora", "--lora-rank", "4", "--learning-rate", "0.001", "--epochs", "3", "--max-length", "24");
  place.must("export", "--project", small, "--out", place.path("adapter"), "--format", "adapter");
  place.must("export", "--project", small, "--out", place.path("trained"), "--format", "folder");
  const config = JSON.parse(readFileSync(place.path("adapter/adapter_config.json"), "utf8"));
  assert.ok(config.target_modules.some((name) => name.endsWith("attention.self.query")), config.target_modules);
  const size = (name) => statSync(place.path(name)).size;
  assert.ok(size("adapter/adapter_model.safetensors") < size("trained/model.safetensors") / 20);
  if (!peft) return;
  const check = spawnSync(python, [`${ROOT}/tests/adapter_roundtrip.py`, starterFolder(), place.path("adapter"), place.path("trained"), place.path("table.csv")], { encoding: "utf8", env: place.environment });
  assert.equal(check.status, 0, check.stdout + check.stderr);
  console.log(check.stdout.trim());
});

test("a model that was received answers without any training, just as it does where it was trained", () => {
  // Numbers are masked before the model reads a text: what is lost on the way would show in every answer.
  place.must("clean", "--project", project, "--normalize", "mask_numbers,lowercase");
  place.must("train", "--project", project, "--epochs", "1", "--max-length", "24");
  place.must("review", "--project", project, "--errors-allowed", "30");
  place.must("export", "--project", project, "--out", place.path("firm.zip"));
  place.must("models", "add", place.path("firm.zip"));
  place.must("models", "keep", "--project", project, "--id", "firm/kept");
  const theirs = place.path("theirs.understudy");
  place.must("import", place.write("few.csv", "text\nThe fee is due under clause 7\n"), "--project", theirs);
  const asked = place.write("asked.csv", smallTable(40));
  const answers = (folder, name, ...model) => {
    place.must("predict", asked, "--project", folder, "--out", place.path(name), ...model);
    return readFileSync(place.path(name), "utf8");
  };
  const own = answers(project, "own.csv");
  assert.equal(answers(theirs, "received.csv", "--run", "model:firm"), own);
  assert.equal(answers(theirs, "kept.csv", "--run", "model:firm/kept"), own);
  const why = place.must("explain", "--project", theirs, "--run", "model:firm", "--text", "The fee is due under clause 7");
  assert.ok(why.explanation.words.length > 3);
  const unknown = place.understudy("predict", asked, "--project", theirs, "--out", place.path("no.csv"), "--run", "model:nobody");
  assert.equal(unknown.status, 2);
  assert.match(unknown.said, /nobody/);
  place.must("verify", "--project", project);
});
