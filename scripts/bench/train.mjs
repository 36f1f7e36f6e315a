// Training speed, memory and accuracy beside PyTorch with Transformers' Trainer, interleaved.
import { resolve } from "node:path";
import { say } from "../lib/say.mjs";
import * as place from "./place.mjs";

export const REFERENCE = resolve(place.SHARED, "reference/hf_finetune.py");
const STARTER = "sentence-transformers/all-MiniLM-L6-v2";

// Rows are few enough for a round of all variants to take minutes; `tutorial` pads everything and gets fewer.
const CASES = [
  { id: "minilm-banking77", model: "minilm", data: "banking77/train.csv", test: "banking77/test.csv", length: 128, rows: 2000, tutorial: 192, judged: true },
  { id: "minilm-imdb-256", model: "minilm", data: "imdb/train.csv", test: "imdb/test.csv", length: 256, rows: 192, tutorial: 96 },
  { id: "minilm-imdb-512", model: "minilm", data: "imdb/train.csv", test: "imdb/test.csv", length: 512, rows: 128, tutorial: 64 },
  { id: "bert-base-banking77", model: "bert-base", data: "banking77/train.csv", test: "banking77/test.csv", length: 128, rows: 256, tutorial: 96 },
  { id: "bert-base-imdb-256", model: "bert-base", data: "imdb/train.csv", test: "imdb/test.csv", length: 256, rows: 48, tutorial: 32 },
  { id: "bert-base-imdb-512", model: "bert-base", data: "imdb/train.csv", test: "imdb/test.csv", length: 512, rows: 32, tutorial: 16 },
];

const VARIANTS = ["ours f32", "ours bf16", "best f32", "best bf16", "tutorial"];

export async function bench({ rounds, only }) {
  const results = [];
  for (const chosen of CASES.filter(({ id }) => !only || only.includes(id))) {
    const measured = measure(chosen, rounds);
    results.push({ case: chosen, measured });
    report(chosen, measured, rounds);
  }
  place.keep("train", results);
}

function measure(chosen, rounds) {
  const drawn = everyLabelFirst(place.shuffled(place.rows(chosen.data)));
  const train = place.writeRows("train.csv", drawn.slice(0, chosen.rows));
  const fewer = place.writeRows("train-few.csv", drawn.slice(0, chosen.tutorial));
  const judged = chosen.judged ? place.rows(chosen.test) : drawn.slice(chosen.rows, chosen.rows + 16);
  const test = place.writeRows("test.csv", judged);
  const { base, id } = modelOf(chosen);
  const measured = Object.fromEntries(VARIANTS.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of VARIANTS) {
      const found = variant.startsWith("ours")
        ? runOurs(train, test, id, chosen.length, variant.slice(5))
        : runPeer(variant === "tutorial" ? fewer : train, test, base, chosen.length, variant);
      measured[variant].push(found);
      say(`  ${chosen.id} round ${round + 1} ${variant}: ${found.samples.toFixed(1)} texts/s, ${found.memory.toFixed(0)} MB`);
    }
  }
  return measured;
}

/** A case's model: its folder, and what our command line calls it. */
export function modelOf({ model }) {
  if (model === "minilm") return { base: place.starterModel(), id: STARTER };
  const base = place.randomBertBase();
  return { base, id: base };
}

// A row of each label first, so that the fewest rows still know all labels: the reference program needs them.
export function everyLabelFirst(rows) {
  const seen = new Set();
  const isFirst = rows.map(({ label }) => !seen.has(label) && Boolean(seen.add(label)));
  return [...rows.filter((_, i) => isFirst[i]), ...rows.filter((_, i) => !isFirst[i])];
}

// Textbook settings, as the reference program has them; one row of a hundred is kept for validation.
function runOurs(train, test, model, length, precision) {
  const folder = place.project("train", train, "99,1,0");
  const run = place.ours(
    "train", "--project", folder, "--model", model, "--test-file", test, "--preset", "textbook", "--epochs", "1",
    "--max-length", String(length), "--precision", precision,
  );
  return { samples: run.samples_per_second, memory: run.peak_memory_mb, accuracy: run.test.accuracy };
}

function runPeer(train, test, model, length, variant) {
  const [recipe, precision] = variant.split(" ");
  const run = place.peer([
    REFERENCE, "--model", model, "--train", train, "--test", test, "--recipe", recipe, "--epochs", "1",
    "--max-length", String(length), "--threads", "2", ...(precision === "bf16" ? ["--bf16"] : []),
  ]);
  return { samples: run.train_samples_s, memory: run.peak_rss_mb, accuracy: run.accuracy };
}

function report(chosen, measured, rounds) {
  const of = (variant, what) => place.median(measured[variant].map((found) => found[what]));
  const fastest = of("ours bf16", "samples") > of("ours f32", "samples") ? "ours bf16" : "ours f32";
  const ratio = (a, b, what) => (of(a, what) / of(b, what)).toFixed(2);
  say(`\n### ${chosen.id}: ${chosen.rows} texts (tutorial ${chosen.tutorial}), ${chosen.length} tokens, 1 epoch, median of ${rounds}\n\n${place.machine()}\n`);
  place.printTable(
    ["variant", "texts/s", "peak MB", ...(chosen.judged ? ["accuracy"] : [])],
    VARIANTS.map((variant) => [
      variant, of(variant, "samples").toFixed(1), of(variant, "memory").toFixed(0),
      ...(chosen.judged ? [of(variant, "accuracy").toFixed(4)] : []),
    ]),
  );
  say("");
  place.printTable(["ratio", "speed", "memory"], [
    ["ours f32 / best f32", ratio("ours f32", "best f32", "samples"), ratio("ours f32", "best f32", "memory")],
    ["ours bf16 / best bf16", ratio("ours bf16", "best bf16", "samples"), ratio("ours bf16", "best bf16", "memory")],
    [`${fastest} / tutorial`, ratio(fastest, "tutorial", "samples"), ratio(fastest, "tutorial", "memory")],
  ]);
}
