// A place of its own for every test: folders for settings and projects, and the command line in it.
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMAND_LINE, ROOT, withRealLocale } from "../../scripts/lib/places.mjs";

export const SAMPLES = join(ROOT, "resources/samples");

/** Where the set-up has put the starter model. */
export function starterFolder() {
  const data = process.env.XDG_DATA_HOME ?? join(process.env.HOME, ".local/share");
  return join(process.env.UNDERSTUDY_MODELS ?? join(data, "understudy/models"), "sentence-transformers--all-MiniLM-L6-v2");
}

export class Place {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "understudy-test-"));
    // The model library stays the user's: the set-up has put the starter model there.
    this.environment = { ...withRealLocale(process.env), UNDERSTUDY_HOME: join(this.folder, "home") };
  }

  /** A model library of its own, with the starter model: for tests that add models. */
  ownLibrary() {
    this.environment.UNDERSTUDY_MODELS = this.path("models");
    cpSync(starterFolder(), this.path("models", "sentence-transformers--all-MiniLM-L6-v2"), { recursive: true });
  }

  path(...names) {
    return join(this.folder, ...names);
  }

  write(name, contents) {
    writeFileSync(this.path(name), contents);
    return this.path(name);
  }

  /** Runs the command line with --json. Returns its exit code, its one JSON object and what it said to people. */
  understudy(...args) {
    const result = spawnSync(COMMAND_LINE, [...args, "--json"], { env: this.environment, encoding: "utf8", maxBuffer: 1 << 28 });
    const { status, stdout, stderr, signal } = result;
    return { status, signal, said: stderr, found: stdout ? JSON.parse(stdout) : null };
  }

  /** As `understudy`, but it must succeed. */
  must(...args) {
    const result = this.understudy(...args);
    if (result.status !== 0) throw new Error(`understudy ${args.join(" ")}: status ${result.status}\n${result.said}`);
    return result.found;
  }

  /** As `understudy`, while this process goes on: where it is the one that answers. */
  async understudyMeanwhile(...args) {
    const child = this.start(...args, "--json");
    const output = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"]) child[name].setEncoding("utf8").on("data", (text) => (output[name] += text));
    const [status, signal] = await new Promise((resolve) => child.once("close", (...ended) => resolve(ended)));
    return { status, signal, said: output.stderr, found: output.stdout ? JSON.parse(output.stdout) : null };
  }

  /** Starts the command line without waiting. */
  start(...args) {
    return spawn(COMMAND_LINE, args, { env: this.environment, stdio: ["ignore", "pipe", "pipe"] });
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** The first rows of a sample that carry a label, as CSV: small enough to train in seconds. */
export function smallTable(rows) {
  const words = { Payment: "invoice fee pay due", Term: "expire renew date year", Law: "court state govern law" };
  const lines = ["text,label"];
  for (let i = 0; i < rows; i++) {
    const [label, vocabulary] = Object.entries(words)[i % 3];
    const [a, b, c, d] = vocabulary.split(" ");
    const turns = [`The ${a} shall ${b} under clause ${i}`, `Clause ${i}: ${c} and ${d}`, `${d} ${i} means the ${a}`];
    lines.push(`"${turns[i % 7 % 3]}, as agreed.",${label}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Letters that ask for several things at once, or for nothing: labels with a bar between, as CSV. */
export function letters(rows) {
  const wishes = [
    ["Refund", "please pay my money back"],
    ["Complaint", "the device arrived broken and I am angry"],
    ["Delivery", "when will the parcel be delivered"],
  ];
  // Otherwise all letters would be nearly the same, and have to stay in one part.
  const other = `garden river winter bread window market doctor summer music paper station forest letter bridge kitchen
    mountain school evening colour machine island village engine harbour teacher flower silver carpet basket museum`.split(/\s+/);
  const lines = ["text,labels"];
  for (let i = 0; i < rows; i++) {
    const filler = Array.from({ length: 12 }, (_, place) => other[(i * 7 + place * (i % 11 + 1) * 13) % other.length]);
    const asked = wishes.filter((_, wish) => ((i % 8) >> wish) & 1);
    const texts = [`Letter ${i}.`, ...asked.map(([, text]) => text), filler.slice(0, 6).join(" "), filler.slice(6).join(" ")];
    if (i % 2) texts.reverse();
    lines.push(`"${texts.join(", ")}",${asked.map(([label]) => label).join("|")}`);
  }
  return `${lines.join("\n")}\n`;
}

/** The rows of a CSV file, for comparing. */
export function readCsv(path) {
  const text = readFileSync(path, "utf8");
  const rows = [[]];
  let cell = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') {
      cell += c;
      i++;
    } else if (c === '"') quoted = !quoted;
    else if (!quoted && (c === "," || c === "\n")) {
      rows.at(-1).push(cell);
      cell = "";
      if (c === "\n") rows.push([]);
    } else if (c !== "\r" || quoted) cell += c;
  }
  return rows.filter((row) => row.length > 1);
}
