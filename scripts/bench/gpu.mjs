// Training on a graphics card beside PyTorch on the same card: bf16, batches of one length group, in turn.
//
// Needs an NVIDIA card and its driver. What `npm run build:gpu` makes is built first, and the same models are trained once
// in 32 bits for parity.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { environment, buildForGpu, GPU_COMMAND_LINE, installToolkit } from "../gpu.mjs";
import { say, StepError } from "../lib/say.mjs";
import * as place from "./place.mjs";
import { everyLabelFirst, modelOf, REFERENCE } from "./train.mjs";

const CASES = [
  { id: "minilm-banking77", model: "minilm", length: 128, rows: 9000 },
  { id: "bert-base-banking77", model: "bert-base", length: 128, rows: 4000 },
];
const BATCHES = [32, 128, 256];
const VARIANTS = ["ours bf16", "best bf16", "ours f32"];

export async function bench({ rounds, only }) {
  const card = cardName();
  await buildForGpu({ test: false });
  const env = environment(await installToolkit());
  const results = [];
  for (const chosen of CASES.filter(({ id }) => !only || only.includes(id))) {
    for (const batch of BATCHES) {
      const measured = measure(chosen, batch, rounds, env);
      results.push({ card, case: chosen, batch, measured });
      report(card, chosen, batch, measured, rounds);
    }
  }
  place.keep("gpu", results);
}

function cardName() {
  try {
    return execFileSync("nvidia-smi", ["--query-gpu=name,memory.total", "--format=csv,noheader"], { encoding: "utf8" }).trim();
  } catch (error) {
    throw new StepError({ what: "There is no NVIDIA card to measure on.", why: error.message, next: "Run this on a machine with one and its driver." });
  }
}

function measure(chosen, batch, rounds, env) {
  const drawn = everyLabelFirst(place.shuffled(place.rows("banking77/train.csv")));
  const train = place.writeRows("train.csv", drawn.slice(0, chosen.rows));
  const test = place.writeRows("test.csv", place.rows("banking77/test.csv"));
  const { base, id } = modelOf(chosen);
  const measured = Object.fromEntries(VARIANTS.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of VARIANTS) {
      const found = variant.startsWith("ours")
        ? runOurs(train, test, id, chosen.length, batch, variant.slice(5), env)
        : runPeer(train, test, base, chosen.length, batch);
      measured[variant].push(found);
      say(`  ${chosen.id}, batch ${batch}, round ${round + 1} ${variant}: ${found.samples.toFixed(0)} texts/s, accuracy ${found.accuracy.toFixed(4)}`);
    }
  }
  return measured;
}

function runOurs(train, test, model, length, batch, precision, env) {
  const folder = place.project("gpu", train, "99,1,0");
  const args = [
    "--json", "train", "--project", folder, "--model", model, "--test-file", test, "--preset", "textbook", "--epochs", "1",
    "--max-length", String(length), "--batch-size", String(batch), "--precision", precision, "--device", "cuda",
  ];
  const run = JSON.parse(execFileSync(GPU_COMMAND_LINE, args, { encoding: "utf8", env, stdio: ["ignore", "pipe", "inherit"], maxBuffer: 1 << 28 }));
  return { samples: run.samples_per_second, accuracy: run.test.accuracy };
}

function runPeer(train, test, model, length, batch) {
  const run = place.peer([
    REFERENCE, "--model", model, "--train", train, "--test", test, "--recipe", "best", "--epochs", "1",
    "--max-length", String(length), "--batch", String(batch), "--bf16",
  ]);
  return { samples: run.train_samples_s, accuracy: run.accuracy };
}

function report(card, chosen, batch, measured, rounds) {
  const of = (variant, what) => place.median(measured[variant].map((found) => found[what]));
  say(`\n### ${chosen.id}: ${chosen.rows} texts, ${chosen.length} tokens, batch ${batch}, 1 epoch, median of ${rounds}\n\n${card}\n`);
  place.printTable(["variant", "texts/s", "accuracy", "of PyTorch bf16"], VARIANTS.map((variant) => [
    variant, of(variant, "samples").toFixed(0), of(variant, "accuracy").toFixed(4),
    (of(variant, "samples") / of("best bf16", "samples")).toFixed(2),
  ]));
}
