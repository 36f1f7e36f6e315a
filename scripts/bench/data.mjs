// Rows in: ours beside DuckDB, from ten thousand rows to a million; then near-duplicates among them, and how quickly the
// room answers: pages, searches, figures.
import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { COMMAND_LINE, ROOT, TARGET } from "../lib/places.mjs";
import { say } from "../lib/say.mjs";
import * as place from "./place.mjs";

const PEER = resolve(ROOT, "scripts/bench/peers/read_csv.py");
const SIZES = [10_000, 100_000, 1_000_000];

export async function bench({ rounds, quick }) {
  const sizes = quick ? SIZES.slice(0, 2) : SIZES;
  const results = [];
  for (const rows of sizes) {
    const file = table(rows, 30, 120, "long");
    const runs = { ours: [], duckdb: [] };
    for (let round = 0; round < rounds; round += 1) {
      runs.ours.push(imported(file, "data-long"));
      runs.duckdb.push(place.peer([PEER, file, resolve(place.PLACE, "data.duckdb"), String(availableParallelism())]));
    }
    // Before the division in `room`, which looks for them too.
    const found = near("data-long");
    results.push({ rows, megabytes: statSync(file).size / 1e6, runs, near: found, room: room("data-long") });
    say(`  ${rows} rows: ours ${seconds(runs.ours).toFixed(2)} s, DuckDB ${seconds(runs.duckdb).toFixed(2)} s`);
  }
  const short = { rows: sizes.at(-1) };
  imported(table(short.rows, 6, 18, "short"), "data-short");
  short.near = near("data-short");
  place.keep("data", { results, short });
  report(results, short, rounds);
}

const seconds = (runs) => place.median(runs.map((run) => run.seconds));
const memory = (runs) => place.median(runs.map((run) => run.memory_mb));

/** Rows of random words, some quoted, with twenty labels; the same every time. */
export function table(rows, least, most, name) {
  mkdirSync(place.PLACE, { recursive: true });
  const path = resolve(place.PLACE, `data-${name}-${rows}.csv`);
  // Twenty thousand words of three syllables: they begin as differently as words do.
  const syllable = (i) => "bcdfghklmnprstvwz"[i % 17] + "aeiou"[Math.floor(i / 17) % 5];
  const words = Array.from({ length: 20_000 }, (_, i) => syllable(i * 31) + syllable(Math.floor(i / 85) * 7) + syllable(Math.floor(i / 7225)));
  const file = openSync(path, "w");
  let state = 1;
  const draw = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  let lines = ["id,text,label\n"];
  for (let i = 0; i < rows; i += 1) {
    const text = Array.from({ length: least + draw(most - least + 1) }, () => words[draw(words.length)]).join(" ");
    lines.push(i % 5 ? `${i},${text}.,label ${i % 20}\n` : `${i},"${text}, ""quoted""",label ${i % 20}\n`);
    if (lines.length === 10_000 || i === rows - 1) {
      writeSync(file, lines.join(""));
      lines = [];
    }
  }
  closeSync(file);
  return path;
}

function imported(file, project) {
  const folder = resolve(place.PLACE, `${project}.understudy`);
  rmSync(folder, { recursive: true, force: true });
  return timed("import", file, "--project", folder);
}

function near(project) {
  return timed("clean", "--drop-near-duplicates", "--project", resolve(place.PLACE, `${project}.understudy`));
}

/** Milliseconds that pages, searches and figures take in the engine; a search for one word, its beginning, two words. */
function room(project) {
  execFileSync("cargo", ["build", "--quiet", "-p", "understudy-data", "--example", "room"], { cwd: ROOT, stdio: "inherit" });
  const folder = resolve(place.PLACE, `${project}.understudy`);
  // A part that most rows are in is the filter that takes longest.
  timed("split", "--project", folder);
  return JSON.parse(execFileSync(resolve(TARGET, "debug/examples/room"), [folder, "bababa", "ba", "bababa cabada"], { encoding: "utf8" }));
}

/** The whole command, with the most memory it used. */
function timed(...args) {
  const began = performance.now();
  const { status, stderr } = spawnSync("/usr/bin/time", ["-f", "%M", COMMAND_LINE, ...args], { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] });
  if (status !== 0) throw new Error(stderr);
  return { seconds: (performance.now() - began) / 1000, memory_mb: Number(stderr.trim().split("\n").at(-1)) / 1024 };
}

function report(results, short, rounds) {
  const version = execFileSync(place.python(), ["-c", "import duckdb; print(duckdb.__version__)"], { encoding: "utf8" }).trim();
  say(`\n### Import, median of ${rounds}; DuckDB ${version}: CREATE TABLE AS read_csv into a file\n\n${place.machine()}\n`);
  place.printTable(
    ["rows", "MB", "ours, rows/s", "DuckDB, rows/s", "ours / DuckDB", "ours, MB memory", "DuckDB, MB memory", "near-duplicates, s"],
    results.map(({ rows, megabytes, runs, near }) => [
      rows, megabytes.toFixed(0), (rows / seconds(runs.ours)).toFixed(0), (rows / seconds(runs.duckdb)).toFixed(0),
      (seconds(runs.duckdb) / seconds(runs.ours)).toFixed(2), memory(runs.ours).toFixed(0), memory(runs.duckdb).toFixed(0), near.seconds.toFixed(1),
    ]),
  );
  say("\nIn the engine, milliseconds:\n");
  const worst = (room, part, is) => Math.max(...Object.entries(room).filter(([name, value]) => value[part] !== undefined && is(name)).map(([, value]) => value[part]));
  const search = (name) => name.startsWith("search");
  place.printTable(
    ["rows", "figures", "words noted (once)", "first page of all", "first page, slowest filter", "a further page, slowest", "first page, slowest search"],
    results.map(({ rows, room }) => [
      rows, room.summary_again.toFixed(0), room.index.toFixed(0), room.all.first.toFixed(1), worst(room, "first", (name) => !search(name)).toFixed(1),
      worst(room, "next", () => true).toFixed(1), worst(room, "first", search).toFixed(1),
    ]),
  );
  say(`\nNear-duplicates among ${short.rows} short rows (6 to 18 words): ${short.near.seconds.toFixed(1)} s, ${short.near.memory_mb.toFixed(0)} MB.`);
}
