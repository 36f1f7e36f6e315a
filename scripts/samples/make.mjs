// How the two English samples were made: node scripts/samples/make.mjs SAMPLE SOURCE.csv
//
//   contract-clauses   from CUAD's clauses, one clause type each (columns id, text, label)
//   patient-abstracts  from the Medical Abstracts corpus (columns id, text, label)
//
// In: a CSV of the whole source set. Out: resources/samples/SAMPLE.csv, byte for byte the same every time,
// because rows are chosen and ordered by a hash of their text and never by chance.
// The third sample, legal-questions-zh.csv, was written by hand and has no script.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { parseCsv, formatCsv } from "./csv.mjs";

const RECIPES = {
  "contract-clauses": {
    labels: [
      "Anti-Assignment",
      "Audit Rights",
      "Cap On Liability",
      "Expiration Date",
      "Governing Law",
      "Insurance",
      "License Grant",
      "Post-Termination Services",
    ],
    rowsPerLabel: 75,
    // Left without a label, for the labelling room.
    unlabelledPerLabel: 5,
  },
  "patient-abstracts": {
    labels: [
      "cardiovascular diseases",
      "digestive system diseases",
      "general pathological conditions",
      "neoplasms",
      "nervous system diseases",
    ],
    rowsPerLabel: 80,
    unlabelledPerLabel: 0,
  },
};

function makeSample(recipe, source) {
  const candidates = withoutConflicts(source)
    .map((row) => ({ id: row.id, text: row.text.trim(), label: row.label }))
    .sort((a, b) => (hash(a.text) < hash(b.text) ? -1 : 1));
  const chosen = recipe.labels.flatMap((label) => chooseRows(recipe, candidates, label));
  // By hash again, so that the labels are mixed.
  return chosen.sort((a, b) => (hash(b.id) < hash(a.id) ? -1 : 1));
}

function chooseRows({ rowsPerLabel, unlabelledPerLabel }, candidates, label) {
  const rows = candidates.filter((row) => row.label === label).slice(0, rowsPerLabel);
  if (rows.length < rowsPerLabel) throw new Error(`only ${rows.length} rows of "${label}" in the source`);
  return rows.map((row, index) => (index < unlabelledPerLabel ? { ...row, label: "" } : row));
}

/** Drops every text that carries two labels, and repeats of a text. */
function withoutConflicts(rows) {
  const labelsOf = new Map();
  for (const { text, label } of rows) {
    labelsOf.set(text, (labelsOf.get(text) ?? new Set()).add(label));
  }
  const seen = new Set();
  return rows.filter(({ text }) => {
    if (labelsOf.get(text).size > 1 || seen.has(text)) return false;
    seen.add(text);
    return true;
  });
}

function hash(text) {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

const [sample, sourcePath] = process.argv.slice(2);
const recipe = RECIPES[sample];
if (!recipe || !sourcePath) {
  console.error(`usage: node scripts/samples/make.mjs ${Object.keys(RECIPES).join("|")} SOURCE.csv`);
  process.exit(2);
}
const rows = makeSample(recipe, parseCsv(readFileSync(sourcePath, "utf8")));
const target = new URL(`../../resources/samples/${sample}.csv`, import.meta.url);
writeFileSync(target, formatCsv(["id", "text", "label"], rows));
console.log(`${rows.length} rows in resources/samples/${sample}.csv`);
