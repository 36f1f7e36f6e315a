// What the presets reach on the public data sets, beside counting words, and how long they take beside the textbook's three epochs
// in PyTorch.
import { resolve } from "node:path";
import { say } from "../lib/say.mjs";
import * as place from "./place.mjs";
import { everyLabelFirst, REFERENCE } from "./train.mjs";

const CASES = [
  { id: "banking77", train: "banking77/train.csv", test: "banking77/test.csv", goal: 0.915 },
  { id: "trec", train: "trec/train.csv", test: "trec/test.csv", goal: 0.95 },
  { id: "cuad_clauses", data: "cuad_clauses/data.csv", goal: 0.84 },
  { id: "medical_abstracts", data: "medical_abstracts/data.csv", goal: 0.6 },
];
const PRESETS = ["quick", "balanced"];
// The textbook fills every text up to 128 tokens, so that each takes the same time and a few tell it.
const TEXTBOOK = { rows: 256, epochs: 3 };

export async function bench({ only }) {
  const results = [];
  for (const chosen of CASES.filter(({ id }) => !only || only.includes(id))) {
    const { train, test } = files(chosen);
    const textbook = textbookSeconds(train, test);
    say(`  ${chosen.id} textbook in PyTorch: ${textbook.toFixed(0)} s`);
    for (const preset of PRESETS) {
      const project = place.project("presets", train, "90,10,0");
      const began = Date.now();
      const run = place.ours("train", "--project", project, "--test-file", test, "--preset", preset);
      results.push({
        id: chosen.id, preset, accuracy: run.test.accuracy, macro_f1: run.test.macro_f1, goal: chosen.goal,
        words: run.bag_of_words_accuracy, rounds: run.epochs, training: run.seconds_training, whole: (Date.now() - began) / 1000, textbook,
      });
      say(`  ${chosen.id} ${preset}: ${run.test.accuracy.toFixed(4)}`);
    }
  }
  say(`\n${place.machine()}\n`);
  place.printTable(
    ["data", "preset", "accuracy", "goal (balanced)", "macro-F1", "counting words", "rounds", "training s", "whole command s", "textbook's 3 epochs in PyTorch s", "training / textbook (goal 3)"],
    results.map((r) => [
      r.id, r.preset, r.accuracy.toFixed(3), r.goal, r.macro_f1.toFixed(3), r.words?.toFixed(3) ?? "–", r.rounds,
      r.training.toFixed(0), r.whole.toFixed(0), r.textbook.toFixed(0), (r.training / r.textbook).toFixed(2),
    ]),
  );
  place.keep("presets", results);
}

/** How long PyTorch trains on all rows, by its speed on some of them. */
function textbookSeconds(train, test) {
  const rows = place.rows(train);
  const few = place.writeRows("presets-few.csv", everyLabelFirst(place.shuffled(rows)).slice(0, TEXTBOOK.rows));
  const fewest = place.writeRows("presets-judged.csv", place.rows(test).slice(0, 16));
  const run = place.peer([REFERENCE, "--model", place.starterModel(), "--train", few, "--test", fewest, "--recipe", "tutorial", "--epochs", "1", "--threads", "2"]);
  return (rows.length * TEXTBOOK.epochs) / run.train_samples_s;
}

/** The official split, or a seeded one of 80 to 20. */
function files(chosen) {
  if (chosen.train) return { train: resolve(place.SHARED, "data", chosen.train), test: resolve(place.SHARED, "data", chosen.test) };
  const drawn = place.shuffled(place.rows(chosen.data), 0);
  const cut = Math.floor(drawn.length / 5);
  return { test: place.writeRows("presets-test.csv", drawn.slice(0, cut)), train: place.writeRows("presets-train.csv", drawn.slice(cut)) };
}
