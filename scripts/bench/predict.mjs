// Batch prediction beside ONNX Runtime and the Transformers pipeline: the same model, the same rows, the same answers.
import { readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { ROOT } from "../lib/places.mjs";
import { say } from "../lib/say.mjs";
import { parseCsv } from "../samples/csv.mjs";
import * as place from "./place.mjs";

const PEER = resolve(ROOT, "scripts/bench/peers/predict.py");

// Trained for a moment: the answers are poor, but of the same model everywhere.
const CASES = [
  { id: "banking77", train: "banking77/train.csv", test: "banking77/test.csv", rows: 3080, length: 128 },
  { id: "imdb", train: "imdb/train.csv", test: "imdb/test.csv", rows: 2000, length: 256 },
];
const VARIANTS = ["ours f32", "onnx", "pipeline"];

export async function bench({ rounds, only }) {
  const results = [];
  for (const chosen of CASES.filter(({ id }) => !only || only.includes(id))) {
    const measured = measure(chosen, rounds);
    results.push({ case: chosen.id, measured });
    report(chosen, measured, rounds);
  }
  place.keep("predict", results);
}

function measure(chosen, rounds) {
  const train = place.writeRows("predict-train.csv", place.shuffled(place.rows(chosen.train)).slice(0, 400));
  const file = place.writeRows("predict.csv", place.shuffled(place.rows(chosen.test)).slice(0, chosen.rows));
  const project = place.project("predict", train, "80,20,0");
  place.ours("train", "--project", project, "--preset", "textbook", "--epochs", "1", "--max-length", String(chosen.length));
  const model = resolve(place.PLACE, "predict-model");
  rmSync(model, { recursive: true, force: true });
  place.ours("export", "--project", project, "--out", model);
  const measured = Object.fromEntries(VARIANTS.map((variant) => [variant, []]));
  let expected;
  for (let round = 0; round < rounds; round += 1) {
    const mine = runOurs(project, file, model);
    expected ??= mine.answers;
    measured["ours f32"].push({ rows: mine.rows, same: 1 });
    for (const peer of ["onnx", "pipeline"]) {
      const run = place.peer([PEER, "--model", model, "--file", file, "--with", peer, "--max-length", String(chosen.length)]);
      const same = run.answers.filter((answer, i) => answer === expected[i]).length / run.rows;
      measured[peer].push({ rows: run.rows_s, same });
    }
    say(`  ${chosen.id} round ${round + 1}: ${VARIANTS.map((v) => `${v} ${measured[v].at(-1).rows.toFixed(0)}`).join(", ")} rows/s`);
  }
  return measured;
}

// The whole command: reading the table, tokenising, predicting, writing the table; loading the model too.
function runOurs(project, file, model) {
  const out = resolve(place.PLACE, "predicted.csv");
  const run = place.ours("predict", "--project", project, file, "--out", out);
  const ids = JSON.parse(readFileSync(resolve(model, "config.json"), "utf8")).label2id;
  const [first] = parseCsv(readFileSync(out, "utf8"));
  const column = Object.keys(first).find((name) => name.startsWith("predicted"));
  const answers = parseCsv(readFileSync(out, "utf8")).map((row) => ids[row[column]]);
  return { rows: run.rows / run.seconds, answers };
}

function report(chosen, measured, rounds) {
  const of = (variant, what) => place.median(measured[variant].map((found) => found[what]));
  say(`\n### ${chosen.id}: ${chosen.rows} rows, ${chosen.length} tokens, MiniLM-L6, median of ${rounds}\n\n${place.machine()}\n`);
  place.printTable(
    ["", "rows/s", "ours / this", "same answers"],
    VARIANTS.map((variant) => [
      variant, of(variant, "rows").toFixed(0), (of("ours f32", "rows") / of(variant, "rows")).toFixed(2),
      `${(100 * of(variant, "same")).toFixed(1)} %`,
    ]),
  );
}
