// node scripts/fuzz.mjs [SECONDS] [TARGET…]: damaged files through every reader, any text through the cleaning rules, and
// damaged models through the check that comes before they are accepted.
//
// Seeds are the test fixtures. Needs cargo-fuzz (cargo install cargo-fuzz); the compiler's own instrumentation is switched on
// by RUSTC_BOOTSTRAP, so no other toolchain is needed. What is found lies in the target's `artifacts`; a mended finding
// becomes a test beside the code.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { ROOT, TARGET } from "./lib/places.mjs";

const CRATES = join(ROOT, "src-tauri/crates");
const FUZZ = join(CRATES, "data/fuzz");
const FIXTURES = join(CRATES, "data/tests/fixtures");
/** Targets of the learning core, and the ends of the names of the files that they begin with. */
const MODELS = { weights: "tiny-bert/model.safetensors", tokenizer: "tokenizer.json", sentencepiece: ".model", config: "config.json" };
const MODEL_FUZZ = join(CRATES, "train/fuzz");
const MODEL_FIXTURES = [join(CRATES, "nn/tests/fixtures"), join(CRATES, "train/tests/fixtures")];
/** Extensions by target, in the order in which the target's first byte chooses; one that takes the bytes as they are has none. */
const TARGETS = {
  text: [".csv", ".txt", ".tsv", ".json", ".jsonl"],
  workbook: [".xlsx", ".xls", ".ods", ".xlsb"],
  packed: [".gz", ".zip"],
  parquet: [],
  rules: [],
};
const LARGEST_SEED = 100_000;

const [seconds = "600", ...wanted] = process.argv.slice(2);

function files(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name)) : [join(folder, entry.name)],
  );
}

function seed(target) {
  const corpus = join(FUZZ, "corpus", target);
  mkdirSync(corpus, { recursive: true });
  const kinds = TARGETS[target];
  files(FIXTURES).forEach((path, i) => {
    const kind = kinds.indexOf(extname(path));
    const fits = kinds.length > 0 ? kind >= 0 : target === "rules" ? extname(path) === ".csv" : extname(path) === `.${target}`;
    if (!fits || statSync(path).size > LARGEST_SEED) return;
    const bytes = readFileSync(path);
    writeFileSync(join(corpus, `seed-${i}`), kinds.length > 0 ? Buffer.concat([Buffer.from([kind]), bytes]) : bytes);
  });
  return corpus;
}

function seedModel(target) {
  const corpus = join(MODEL_FUZZ, "corpus", target);
  mkdirSync(corpus, { recursive: true });
  const seeds = MODEL_FIXTURES.flatMap(files).filter((path) => path.endsWith(MODELS[target]) && statSync(path).size <= LARGEST_SEED);
  seeds.forEach((path, i) => writeFileSync(join(corpus, `seed-${i}`), readFileSync(path)));
}

let failed = false;
for (const target of wanted.length > 0 ? wanted : Object.keys({ ...TARGETS, ...MODELS })) {
  const model = target in MODELS;
  if (model) seedModel(target);
  else seed(target);
  const limits = [`-max_total_time=${seconds}`, "-rss_limit_mb=2048", "-timeout=20", "-max_len=60000"];
  const environment = { ...process.env, RUSTC_BOOTSTRAP: "1", CARGO_TARGET_DIR: join(TARGET, "fuzz") };
  const { status } = spawnSync("cargo", ["fuzz", "run", "--sanitizer", "none", target, "--", ...limits], { cwd: model ? MODEL_FUZZ : FUZZ, env: environment, stdio: "inherit" });
  console.log(`${target}: ${status === 0 ? `nothing found in ${seconds} s` : `stopped with status ${status}`}`);
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
