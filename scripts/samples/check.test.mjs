// The sample index against the sample files: what the index promises is what the CSVs hold.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { formatCsv, parseCsv } from "./csv.mjs";

const folder = new URL("../../resources/samples/", import.meta.url);
const index = JSON.parse(readFileSync(new URL("index.json", folder), "utf8"));
const readme = readFileSync(new URL("README.md", folder), "utf8");
const LICENCES = ["CC BY 4.0", "CC BY-SA 3.0", "MIT OR Apache-2.0"];

/** Throws when the bytes are not UTF-8. */
function readSample(sample) {
  const bytes = readFileSync(new URL(sample.file, folder));
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

test("every CSV in the folder is in the index, under an id of its own", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".csv"));
  assert.deepEqual(index.map((sample) => sample.file).sort(), files.sort());
  assert.equal(new Set(index.map((sample) => sample.id)).size, index.length);
});

for (const sample of index) {
  test(`${sample.id}: title and description are there in both languages`, () => {
    for (const text of [sample.title, sample.description]) {
      assert.match(text.en, /\S/);
      assert.match(text.zh, /\p{Script=Han}/u);
    }
    assert.ok(["en", "zh"].includes(sample.language));
  });

  test(`${sample.id}: licence, attribution and source are said, in the index and in the README`, () => {
    assert.ok(LICENCES.includes(sample.licence), sample.licence);
    assert.match(sample.attribution, /\S/);
    assert.match(sample.source, /\S/);
    const line = readme.split("\n").find((text) => text.startsWith(`| \`${sample.file}\``));
    assert.ok(line?.includes(sample.licence), `the README's table gives another licence: ${line}`);
  });

  test(`${sample.id}: UTF-8 without BOM, LF, and written as the samples' writer writes`, () => {
    const text = readSample(sample);
    assert.ok(!text.startsWith("\ufeff") && !text.includes("\r"));
    const rows = parseCsv(text);
    assert.ok(formatCsv(Object.keys(rows[0]), rows) === text, "another quoting or line end");
  });

  test(`${sample.id}: as many rows and labels as promised, no empty and no repeated text`, () => {
    const rows = parseCsv(readSample(sample));
    const texts = rows.map((row) => row[sample.text]);
    const labels = new Set(rows.map((row) => row[sample.label]).filter((label) => label !== ""));
    assert.equal(rows.length, sample.rows);
    assert.equal(labels.size, sample.labels);
    assert.ok(texts.every((text) => text.trim() === text && text !== ""));
    assert.equal(new Set(texts).size, rows.length);
    if (sample.group !== null) assert.ok(rows.every((row) => row[sample.group] !== undefined));
  });
}

test("contract-clauses leaves forty rows to label", () => {
  const rows = parseCsv(readSample(index.find((sample) => sample.id === "contract-clauses")));
  assert.equal(rows.filter((row) => row.label === "").length, 40);
});

test("legal-questions-zh is marked as written examples in every row", () => {
  const rows = parseCsv(readSample(index.find((sample) => sample.id === "legal-questions-zh")));
  assert.ok(rows.every((row) => row["来源"] === "编写示例"));
  assert.ok(rows.every(({ text }) => text.length >= 15 && text.length <= 120));
});
