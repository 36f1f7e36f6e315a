// How much the helper of the label room helps: planted label errors found (beside cleanlab), labels saved by its order of
// work, and whether its forecasts come true. By labels that are known already.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { ROOT, TARGET } from "../lib/places.mjs";
import { say } from "../lib/say.mjs";
import { APP_FEATURES } from "../setup.mjs";
import * as place from "./place.mjs";

const CASES = [
  { id: "banking77", file: "banking77/train.csv", budget: 1000, step: 25 },
  { id: "medical_abstracts", file: "medical_abstracts/data.csv", budget: 400, step: 20 },
];
const SEEDS = 5;
const PROGRAM = resolve(TARGET, "debug/examples/label_bench");

export async function bench({ only }) {
  execFileSync("cargo", ["build", "--quiet", "--workspace", "--example", "label_bench", ...APP_FEATURES], { cwd: ROOT, stdio: "inherit" });
  const results = [];
  for (const chosen of CASES.filter(({ id }) => !only || only.includes(id))) {
    const file = resolve(place.SHARED, "data", chosen.file);
    const project = place.project("label", file, "70,15,15");
    const read = place.ours("assist", "read", "--project", project);
    const output = execFileSync(PROGRAM, [project, chosen.budget, chosen.step, SEEDS].map(String), { encoding: "utf8", maxBuffer: 1 << 28 });
    const vectors = resolve(project, "vectors", "sentence-transformers_all-MiniLM-L6-v2_mean_256.vectors");
    const peer = place.peer([resolve(ROOT, "scripts/bench/peers/cleanlab_doubts.py"), vectors, file, String(SEEDS)]);
    results.push({ ...chosen, read, peer, ...JSON.parse(output) });
  }
  say(`\n${place.machine()}\n`);
  planted(results);
  active(results);
  forecasts(results);
  place.keep("label", results);
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const percent = (share) => `${(100 * share).toFixed(1)} %`;

function planted(results) {
  say("\nOne of twenty labels changed; of the changed ones, so many stand among the first 2 × as many doubts (goal: 60 %):\n");
  const of = (runs, key) => mean(runs.map((run) => run[key]));
  place.printTable(
    ["data", "texts", "ours", "cleanlab", "ours / cleanlab", "ours, s", "cleanlab with scikit-learn, s", "texts read a second"],
    results.map((r) => {
      const [ours, theirs] = [of(r.planted, "recall_at_2n"), of(r.peer.planted, "recall_at_2n")];
      return [
        r.id, r.texts, percent(ours), percent(theirs), (ours / theirs).toFixed(2), of(r.planted, "seconds").toFixed(1),
        of(r.peer.planted, "seconds").toFixed(1), (r.read.read / r.read.seconds).toFixed(0),
      ];
    }),
  );
}

/** Labels after which the helper's order is as good as chance at the end of the budget. */
function active(results) {
  say(`\nAccuracy on the 30 % set aside, mean of ${SEEDS} seeds; labels that the helper's order needs to be as good (goal: 70 %):\n`);
  place.printTable(
    ["data", "labels by chance", "accuracy", "labels in the helper's order", "share"],
    results.map((r) => {
      const curve = (key) => r.active[0][key].map((_, round) => mean(r.active.map((run) => run[key][round])));
      const [chance, helper] = [curve("by_chance"), curve("by_helper")];
      const target = chance.at(-1);
      const round = helper.findIndex((accuracy) => accuracy >= target);
      const needed = round < 0 ? null : (round + 1) * r.step;
      return [r.id, r.budget, percent(target), needed ?? "more", needed === null ? "–" : percent(needed / r.budget)];
    }),
  );
  for (const r of results) {
    say(`\n${r.id}:\n`);
    const every = Math.ceil(r.active[0].by_chance.length / 10);
    const rounds = r.active[0].by_chance.map((_, round) => round).filter((round) => (round + 1) % every === 0);
    place.printTable(
      ["labels", "by chance", "in the helper's order"],
      rounds.map((round) => [(round + 1) * r.step, ...["by_chance", "by_helper"].map((key) => percent(mean(r.active.map((run) => run[key][round]))))]),
    );
  }
}

function forecasts(results) {
  say("\nForecasts of the accuracy: within their 95 % limits, and how far off on average:\n");
  place.printTable(
    ["data", "forecasts", "within", "mean error, points"],
    results.map((r) => {
      const inside = ({ told, came }) => told.interval.low <= came && came <= told.interval.high;
      const off = r.forecasts.map(({ told, came }) => 100 * (told.score - came));
      return [r.id, r.forecasts.length, percent(r.forecasts.filter(inside).length / r.forecasts.length), mean(off).toFixed(1)];
    }),
  );
}
