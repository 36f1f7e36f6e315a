// The whole way through the command line on a sample: import, clean, split, train, evaluate, report, predict, export.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Place, readCsv, SAMPLES } from "./lib/place.mjs";

const place = new Place();
const project = ["--project", place.path("clauses.understudy")];
after(() => place.remove());

test("a sample is imported with its columns found", () => {
  const { import: summary } = place.must("import", join(SAMPLES, "contract-clauses.csv"), ...project);
  assert.deepEqual([summary.rows, summary.labelled, summary.labels, summary.problem_rows], [600, 560, 8, 0]);
});

test("duplicates are hidden and the rows divided, the same for the same seed", () => {
  place.must("clean", ...project, "--drop-duplicates");
  const { split } = place.must("split", ...project, "--seed", "3");
  const rows = split.parts.map((part) => part.rows);
  assert.ok(Math.abs(rows[0] / 560 - 0.7) < 0.02, `${rows}`);
  assert.ok(split.parts.every((part) => part.per_label.every((count) => count > 0)));
  assert.equal(split.seed, 3);
});

test("what needs a trained model says that there is none yet", () => {
  const refused = place.understudy("evaluate", ...project);
  assert.deepEqual([refused.status, refused.found.error.kind], [2, "nothing_trained"]);
});

test("all layers are trained, and the model is far better than guessing", () => {
  const result = place.must("train", ...project, "--epochs", "2", "--trainings", "1", "--learning-rate", "3e-4", "--max-length", "64");
  assert.equal(result.epochs, 2);
  assert.ok(result.test.accuracy > 0.75, `accuracy ${result.test.accuracy}`);
  assert.ok(result.test.accuracy > result.test.majority_accuracy + 0.4);
  assert.equal(result.test.confusion.flat().reduce((a, b) => a + b), result.test.examples);
  assert.ok(result.history[1].train_loss < result.history[0].train_loss);
  assert.ok(result.samples_per_second > 0 && result.peak_memory_mb > 100);
  assert.deepEqual(place.must("evaluate", ...project).test, result.test);
});

test("the report is one file without anything from outside, in both languages", () => {
  for (const [language, word] of [["en", "unseen"], ["zh", "测试"]]) {
    const file = place.path(`report.${language}.html`);
    place.must("report", ...project, "--out", file, "--language", language);
    const html = readFileSync(file, "utf8");
    assert.ok(html.includes(word) && html.includes("<svg"), language);
    assert.doesNotMatch(html, /(src|href)\s*=\s*["']?(https?:)?\/\//i);
    assert.doesNotMatch(html, /<script/i);
  }
});

test("every row of a file is answered, and the model agrees with most of the experts' labels", () => {
  const out = place.path("predicted.csv");
  const { rows } = place.must("predict", ...project, join(SAMPLES, "contract-clauses.csv"), "--out", out);
  const [header, ...answers] = readCsv(out);
  assert.deepEqual(header.slice(-3), ["predicted_label", "confidence", "review"]);
  assert.equal(rows, 600);
  assert.equal(answers.length, 600);
  const column = (name) => header.indexOf(name);
  const labelled = answers.filter((row) => row[column("label")] !== "");
  const right = labelled.filter((row) => row[column("label")] === row[column("predicted_label")]);
  assert.ok(right.length / labelled.length > 0.8, `${right.length} of ${labelled.length}`);
});

test("an empty text gets no answer, and a file without the texts' column is refused", () => {
  const out = place.path("some.csv");
  const some = place.write("some-in.csv", "n,text\n1,This agreement is governed by law\n2,\n");
  place.must("predict", ...project, some, "--out", out);
  const [, full, empty] = readCsv(out);
  assert.ok(full[2].length > 0 && Number(full[3]) > 0);
  assert.deepEqual(empty.slice(2), ["", "", "yes"]);
  const wrong = place.write("wrong.csv", "n,remark\n1,This agreement is governed by law\n");
  const refused = place.understudy("predict", ...project, wrong, "--out", out);
  assert.deepEqual([refused.status, refused.found.error.kind], [2, "no_predict_column"]);
  const itself = place.understudy("predict", ...project, some, "--out", some);
  assert.deepEqual([itself.status, itself.found.error.kind], [2, "same_file"]);
});

test("the exported folder is complete and named as Transformers wants it", () => {
  const out = place.path("export");
  place.must("export", ...project, "--out", out);
  const config = JSON.parse(readFileSync(join(out, "config.json"), "utf8"));
  assert.deepEqual(config.architectures, ["BertForSequenceClassification"]);
  assert.equal(Object.keys(config.id2label).length, 8);
  assert.equal(JSON.parse(readFileSync(join(out, "tokenizer_config.json"), "utf8")).model_max_length, 64);
  for (const file of ["model.safetensors", "tokenizer.json", "vocab.txt"]) assert.ok(existsSync(join(out, file)), file);
  const again = place.understudy("export", ...project, "--out", out);
  assert.deepEqual([again.status, again.found.error.kind], [2, "folder_taken"]);
});

test("the project's history is whole", () => {
  const { audit } = place.must("verify", ...project);
  assert.equal(audit.broken, null);
  assert.ok(audit.entries >= 6);
});

test("models and machine are told", () => {
  const { models } = place.must("models", "list");
  assert.ok(models.some((model) => model.id.endsWith("all-MiniLM-L6-v2") && model.installed));
  const { machine, missing_models } = place.must("doctor");
  assert.ok(machine.cores >= 1 && machine.memory_bytes > 1e9);
  assert.deepEqual(missing_models, []);
});
