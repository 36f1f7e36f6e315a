// Texts unlike those a model learned from: how many of them are noticed, beside what the confidence alone would notice at
// the same rate of false alarms (Hendrycks and Gimpel 2017).
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { say } from "../lib/say.mjs";
import { parseCsv } from "../samples/csv.mjs";
import * as place from "./place.mjs";

/** Each set with the number of labels that the model never sees: another subject among texts of the same kind. */
const SETS = [
  { name: "banking77", train: "banking77/train.csv", test: "banking77/test.csv", held: 17 },
  { name: "cuad_clauses", train: "cuad_clauses/data.csv", held: 8 },
  { name: "medical_abstracts", train: "medical_abstracts/data.csv", held: 1 },
];
const OTHERS = [...SETS.map(({ name, test, train }) => ({ name, path: test ?? train })), { name: "trec", path: "trec/test.csv" }, { name: "sms_spam", path: "sms_spam/data.csv" }, { name: "chnsenticorp_hotel", path: "chnsenticorp_hotel/data.csv" }];
const MOST = 400;

export async function bench({ quick }) {
  mkdirSync(place.PLACE, { recursive: true });
  const table = [];
  say(`\n### Texts of another kind\n\n${place.machine()}`);
  for (const set of SETS) {
    const lines = measured(set, quick ? ["--preset", "quick"] : ["--preset", "balanced", "--epochs", "4", "--max-length", "96"]);
    say("");
    place.printTable(["learned from", "asked about", "texts", "marked as unfamiliar", "by the confidence alone, at as many false alarms"], lines);
    table.push(...lines);
  }
  place.keep("familiar", table);
}

function measured(set, how) {
  const rows = place.shuffled(place.rows(set.train));
  const labels = place.shuffled([...new Set(rows.map((row) => row.label))].toSorted());
  const held = new Set(labels.slice(0, set.held));
  const known = rows.filter((row) => !held.has(row.label));
  const cut = set.test ? known.length : Math.floor(known.length * 0.8);
  const test = set.test ? place.rows(set.test) : [...known.slice(cut), ...rows.filter((row) => held.has(row.label))];
  const folder = place.project(`familiar-${set.name}`, place.writeRows("familiar-train.csv", known.slice(0, cut)), "80,10,10");
  place.ours("train", "--project", folder, ...how);
  // What is marked for a person is then what is unfamiliar, and nothing else.
  place.ours("review", "--project", folder, "--errors-allowed", "none");
  const own = answered(folder, test.filter((row) => !held.has(row.label)));
  const sorted = own.confidence.toSorted((a, b) => a - b);
  const threshold = sorted[own.marked] ?? 0;
  const line = (what, found) => {
    const below = found.confidence.filter((confidence) => confidence < threshold).length;
    const share = (count) => `${((100 * count) / found.confidence.length).toFixed(1)} %`;
    return [set.name, what, String(found.confidence.length), share(found.marked), share(below)];
  };
  const lines = [line("the same kind (false alarms)", own), line(`the same kind, ${set.held} other labels`, answered(folder, test.filter((row) => held.has(row.label))))];
  for (const other of OTHERS) if (other.name !== set.name) lines.push(line(other.name, answered(folder, place.shuffled(place.rows(other.path)).slice(0, MOST))));
  return lines;
}

/** Confidences of the answers to some texts, and how many were marked. */
function answered(folder, rows) {
  const input = place.writeRows("familiar-asked.csv", rows);
  const output = resolve(place.PLACE, "familiar-answered.csv");
  rmSync(output, { force: true });
  place.ours("predict", "--project", folder, input, "--out", output);
  const answers = parseCsv(readFileSync(output, "utf8"));
  return { confidence: answers.map((row) => Number(row.confidence)), marked: answers.filter((row) => row.review === "yes").length };
}
