// The model at work: a million rows answered through a kill, programs that ask at the same time, texts explained.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { request } from "node:http";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { COMMAND_LINE, ROOT } from "../lib/places.mjs";
import { say } from "../lib/say.mjs";
import { parseCsv } from "../samples/csv.mjs";
import * as place from "./place.mjs";

const CLAUSES = resolve(ROOT, "resources/samples/contract-clauses.csv");
/** Two layers of 32: what is measured with it is everything around the model. */
const TINY = resolve(ROOT, "src-tauri/crates/nn/tests/fixtures/tiny-bert");
const WORDS = "the invoice shall pay under clause agreed court state govern expire renew notice party written term license grant audit right".split(" ");
const LONG = 700;

export async function bench({ quick }) {
  mkdirSync(place.PLACE, { recursive: true });
  const rows = quick ? 50_000 : 1_000_000;
  const table = [...(await million(rows)), ...(await served()), ...explained()];
  say(`\n### The model at work\n\n${place.machine()}\n`);
  place.printTable(["what", "measured"], table);
  place.keep("use", table);
}

/** A project with a trained model of its own. */
function trained(name, ...how) {
  const folder = place.project(name, CLAUSES, "70,15,15");
  place.ours("train", "--project", folder, ...how);
  return folder;
}

async function million(rows) {
  const folder = trained("use-tiny", "--model", TINY, "--epochs", "1", "--max-length", "24");
  const input = resolve(place.PLACE, "rows.csv");
  const out = createWriteStream(input);
  out.write("text\n");
  for (let i = 0; i < rows; i++) {
    const words = Array.from({ length: 6 + (i % 13) }, (_, k) => WORDS[(i * 31 + k * k * 7) % WORDS.length]);
    if (!out.write(`${words.join(" ")} ${i}\n`)) await new Promise((go) => out.once("drain", go));
  }
  await new Promise((done) => out.end(done));
  const asked = (name) => ["--json", "predict", "--project", folder, input, "--out", resolve(place.PLACE, name)];
  for (const name of ["whole.csv", "killed.csv"]) for (const rest of ["", ".partial", ".partial.json"]) rmSync(resolve(place.PLACE, name + rest), { force: true });
  const whole = await watched(asked("whole.csv"));
  const killed = await watched(asked("killed.csv"), (whole.seconds * 1000) / 2);
  if (existsSync(resolve(place.PLACE, "killed.csv"))) throw new Error("the job was done before it was killed");
  const resumed = await watched(asked("killed.csv"));
  const same = (await sha256(resolve(place.PLACE, "whole.csv"))) === (await sha256(resolve(place.PLACE, "killed.csv")));
  return [
    [`${rows} rows, ${TINY.split("/").at(-1)}`, `${Math.round(rows / whole.seconds)} rows/s, peak ${whole.peak} MB`],
    [`killed after ${(killed.seconds).toFixed(0)} s, resumed`, `from row ${resumed.found.kept_rows}, ${same ? "the same bytes" : "OTHER BYTES"}`],
  ];
}

/** Runs the command line; its time, the most memory that it had, and its result unless it was killed. */
async function watched(args, killAfter) {
  const began = Date.now();
  const child = spawn(COMMAND_LINE, args, { stdio: ["ignore", "pipe", "ignore"] });
  let text = "";
  let peak = 0;
  child.stdout.setEncoding("utf8").on("data", (piece) => (text += piece));
  const look = setInterval(() => {
    const status = existsSync(`/proc/${child.pid}/status`) ? readFileSync(`/proc/${child.pid}/status`, "utf8") : "";
    peak = Math.max(peak, Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0));
  }, 100);
  const kill = killAfter && setTimeout(() => child.kill("SIGKILL"), killAfter);
  const code = await new Promise((done) => child.once("close", done));
  clearInterval(look);
  clearTimeout(kill);
  if (code !== 0 && !killAfter) throw new Error(`understudy ${args.join(" ")}: status ${code}`);
  return { seconds: (Date.now() - began) / 1000, peak: Math.round(peak / 1024), found: killAfter ? null : JSON.parse(text) };
}

async function sha256(path) {
  const hash = createHash("sha256");
  for await (const piece of createReadStream(path)) hash.update(piece);
  return hash.digest("hex");
}

async function served() {
  const folder = trained("use-starter", "--preset", "quick");
  const child = spawn(COMMAND_LINE, ["serve", "--project", folder, "--json"], { stdio: ["ignore", "pipe", "ignore"] });
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const { port, token } = JSON.parse((await lines.next()).value);
    const texts = ["This Agreement shall be governed by the laws of the State of New York.", "Either party may terminate upon thirty days written notice.", "Licensor grants a non-exclusive license."];
    const rows = [];
    for (const clients of [1, 16, 100]) rows.push([`${clients} programs asking ${texts.length} texts`, await asked(port, token, JSON.stringify({ texts }), clients)]);
    return rows;
  } finally {
    child.kill("SIGKILL");
  }
}

async function asked(port, token, body, clients) {
  const seconds = 8;
  const end = Date.now() + seconds * 1000;
  const times = [];
  let refused = 0;
  const once = () => new Promise((done, fail) => {
    const sent = request({ host: "127.0.0.1", port, path: "/predict", method: "POST", headers: { authorization: `Bearer ${token}` } }, (answer) => {
      answer.resume().on("end", () => done(answer.statusCode));
    });
    sent.on("error", fail).end(body);
  });
  const client = async () => {
    while (Date.now() < end) {
      const began = performance.now();
      const status = await once();
      if (status === 200) times.push(performance.now() - began);
      else if (status === 429) refused += 1;
      else throw new Error(`status ${status}`);
      if (status === 429) await new Promise((go) => setTimeout(go, 50));
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  times.sort((a, b) => a - b);
  const at = (share) => Math.round(times[Math.floor((times.length - 1) * share)]);
  return `${(times.length / seconds).toFixed(0)} answers/s, p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, ${refused} told to come again`;
}

function explained() {
  const folder = resolve(place.PLACE, "use-starter.understudy");
  const texts = parseCsv(readFileSync(CLAUSES, "utf8")).map(({ text }) => text).filter((text) => text.length > LONG).slice(0, 24);
  const found = texts.map((text) => JSON.parse(execFileSync(COMMAND_LINE, ["--json", "explain", "--project", folder, "--text", text], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })));
  const explanations = found.map((one) => one.explanation ?? one);
  const times = explanations.map((one) => one.milliseconds);
  return [[
    `${texts.length} texts of ${Math.round(place.median(explanations.map((one) => one.tokens)))} tokens (median) explained`,
    `${place.median(times).toFixed(0)} ms median, ${Math.max(...times).toFixed(0)} ms at most; parts miss ${(100 * place.median(explanations.map((one) => one.gap))).toFixed(1)} % (median)`,
  ]];
}
