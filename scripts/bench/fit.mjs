// What a training is said to need and to take, beside what it needs and takes: models of the catalogue with random weights.
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { ROOT } from "../lib/places.mjs";
import { say } from "../lib/say.mjs";
import * as place from "./place.mjs";

// Every architecture and size that a machine like this one may be asked to train, and rows enough for half a minute.
const CASES = [
  { id: "google/electra-small-discriminator", short: 1500, long: 300 },
  { id: "sentence-transformers/all-MiniLM-L12-v2", short: 1500, long: 300 },
  { id: "distilbert/distilbert-base-uncased", short: 800, long: 120 },
  { id: "google-bert/bert-base-uncased", short: 400, long: 60 },
  { id: "FacebookAI/roberta-base", short: 400, long: 60 },
  { id: "albert/albert-base-v2", short: 400, long: 60 },
  { id: "microsoft/deberta-v3-small", short: 400, long: 60 },
  { id: "answerdotai/ModernBERT-base", short: 300, long: 50 },
  { id: "google-bert/bert-large-uncased", short: 150, long: 24 },
];
const CATALOGUE = JSON.parse(readFileSync(resolve(ROOT, "resources/models/catalogue.json"), "utf8"));

export async function bench({ only }) {
  place.ours("doctor");
  const results = [];
  for (const chosen of CASES.filter(({ id }) => !only || only.some((part) => id.includes(part)))) {
    const folder = randomModel(chosen.id);
    for (const [data, length, count] of [["banking77/train.csv", 64, chosen.short], ["imdb/train.csv", 256, chosen.long]]) {
      results.push({ id: chosen.id, data, ...measure(folder, data, length, count) });
      const { foretold, measured } = results.at(-1);
      say(`  ${chosen.id} ${data}: ${foretold.seconds.toFixed(0)} s foretold, ${measured.seconds.toFixed(0)} taken; ${foretold.memory.toFixed(0)} MB foretold, ${measured.memory.toFixed(0)} taken`);
    }
    // Twenty models of hundreds of megabytes would fill the disk.
    rmSync(folder, { recursive: true });
  }
  say(`\n### One epoch, foretold and measured\n\n${place.machine()}\n`);
  place.printTable(
    ["model", "texts", "time: foretold / taken", "memory: foretold / taken"],
    results.map(({ id, data, foretold, measured }) => [id, data.split("/")[0], ratio(foretold.seconds, measured.seconds), ratio(foretold.memory, measured.memory)]),
  );
  place.keep("fit", results);
}

function measure(model, data, length, count) {
  const drawn = place.shuffled(place.rows(data)).slice(0, count);
  const folder = place.project("fit", place.writeRows("fit.csv", drawn), "90,10,0");
  const settings = ["--project", folder, "--model", model, "--preset", "textbook", "--epochs", "1", "--max-length", String(length)];
  const { plan } = place.ours("train", ...settings, "--plan");
  const began = Date.now();
  const run = place.ours("train", ...settings);
  return {
    foretold: { seconds: plan.seconds, memory: plan.memory_mb },
    measured: { seconds: run.seconds_training, whole: (Date.now() - began) / 1000, memory: run.peak_memory_mb },
  };
}

const ratio = (a, b) => (a / b).toFixed(2);

/** A model of the catalogue's sizes with random weights and the starter model's words. */
function randomModel(id) {
  const entry = CATALOGUE.find((model) => model.id === id);
  const folder = resolve(place.PLACE, "random-model");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const config = resolve(folder, "given.json");
  writeFileSync(config, JSON.stringify(entry.config));
  const script = `
import json, shutil, torch, transformers
fields = json.load(open(${JSON.stringify(config)}))
torch.manual_seed(0)
config = transformers.AutoConfig.for_model(**fields)
transformers.AutoModel.from_config(config).save_pretrained(${JSON.stringify(folder)})
shutil.copy(${JSON.stringify(place.starterModel())} + "/tokenizer.json", ${JSON.stringify(folder)})
print("{}")`;
  place.peer(["-c", script]);
  rmSync(config);
  if (!existsSync(resolve(folder, "model.safetensors"))) throw new Error(`no weights for ${id}`);
  return folder;
}
