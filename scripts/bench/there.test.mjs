// What the benchmarks run is in the repository: nothing else would notice that a program of theirs is gone.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { ROOT } from "../lib/places.mjs";

const HERE = resolve(ROOT, "scripts/bench");
const CRATES = resolve(ROOT, "src-tauri/crates");

test("the programs that benchmarks start are there", () => {
  const scripts = readdirSync(HERE).filter((name) => /^[a-z]+\.mjs$/.test(name));
  const texts = scripts.map((name) => readFileSync(resolve(HERE, name), "utf8")).join("\n");
  const examples = [...texts.matchAll(/"--example", "(\w+)"/g)].map(([, name]) => name);
  const peers = [...texts.matchAll(/scripts\/bench\/peers\/\w+\.py/g)].map(([path]) => path);
  assert.ok(examples.length >= 2 && peers.length >= 2, "the scripts are read");
  for (const example of examples) {
    assert.ok(readdirSync(CRATES).some((crate) => existsSync(resolve(CRATES, crate, "examples", `${example}.rs`))), `no example ${example}`);
  }
  for (const peer of peers) assert.ok(existsSync(resolve(ROOT, peer)), `no ${peer}`);
});
