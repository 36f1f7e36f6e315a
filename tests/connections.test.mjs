// That the app opens no connection but those that the user asks for: in network namespaces, where the kernel counts every
// packet. The app lives in one; the only way out of it leads to another, where a model hub is the only thing that answers.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { COMMAND_LINE } from "../scripts/lib/places.mjs";
import { Place, smallTable, starterFolder } from "./lib/place.mjs";

const ISOLATED = fileURLToPath(new URL("lib/isolated.mjs", import.meta.url));
const MODEL = "someone/tiny-legal-bert";
/** Root may make namespaces; others may, as root of a namespace of users, where the system allows that. */
const UNSHARE = process.getuid() === 0 ? ["--net"] : ["--user", "--map-root-user", "--net"];
const possible = spawnSync("unshare", [...UNSHARE, "ip", "link", "set", "lo", "up"]).status === 0;
const skip = !possible && "this system allows no network namespaces";

/** What the kernel of a process's namespace has counted. */
function counted(pid) {
  const lines = readFileSync(`/proc/${pid}/net/snmp`, "utf8").trim().split("\n").map((line) => line.split(" "));
  const counts = {};
  for (let at = 0; at < lines.length; at += 2) {
    lines[at].slice(1).forEach((name, index) => (counts[`${lines[at][0].slice(0, -1)}.${name}`] = Number(lines[at + 1][index + 1])));
  }
  return counts;
}

/** A process of this test in a namespace of its own, which is told things and answers, one JSON line each. */
class Isolated {
  constructor(role, place) {
    this.child = spawn("unshare", [...UNSHARE, process.execPath, ISOLATED, role], { env: place.environment, stdio: ["pipe", "pipe", "inherit"] });
    this.answers = createInterface({ input: this.child.stdout });
    this.gone = new Promise((resolve) => this.child.once("exit", resolve));
  }

  async ask(question) {
    this.child.stdin.write(`${JSON.stringify(question)}\n`);
    const line = await Promise.race([once(this.answers, "line").then(([line]) => line), this.gone.then(() => null)]);
    if (line === null) throw new Error(`${JSON.stringify(question)}: it is gone`);
    const answer = JSON.parse(line);
    if (answer.error) throw new Error(answer.error);
    return answer;
  }

  async end() {
    this.child.stdin.end();
    await this.gone;
  }
}

test("data in, labels, training, answers and report need no network: there is none, and none is looked for", { skip }, () => {
  const place = new Place();
  try {
    const project = place.path("p.understudy");
    const table = place.write("table.csv", smallTable(60));
    const settings = ["--preset", "quick", "--epochs", "1"];
    const steps = [
      ["import", table, "--project", project], ["split", "--project", project], ["models", "list", "--project", project],
      ["train", "--project", project, ...settings], ["predict", "--project", project, table, "--out", place.path("out.csv")],
      ["report", "--project", project, "--out", place.path("report.html")], ["doctor"],
    ];
    const script = `const { spawnSync } = require("node:child_process");
      for (const step of ${JSON.stringify(steps)}) {
        const { status, stderr } = spawnSync(${JSON.stringify(COMMAND_LINE)}, step);
        if (status !== 0) { console.error(step.join(" "), String(stderr)); process.exit(1); }
      }
      const told = () => require("node:fs").readFileSync("/proc/self/net/snmp", "utf8");
      const before = told();
      // The check can fail: whoever asks for a way out is counted.
      require("node:net").connect(443, "192.0.2.9").on("error", () => console.log(JSON.stringify([before, told()])));`;
    const run = spawnSync("unshare", [...UNSHARE, process.execPath, "-e", script], { env: place.environment, encoding: "utf8" });
    assert.equal(run.status, 0, run.stderr);
    const [before, after] = JSON.parse(run.stdout).map((text) => {
      const [names, values] = text.split("\n").map((line) => line.split(" "));
      return Number(values[names.indexOf("OutNoRoutes")]);
    });
    assert.equal(before, 0, "something looked for a way out");
    assert.ok(after > before, "the kernel does not count");
  } finally {
    place.remove();
  }
});

// A wire between two namespaces of different users is root's to lay.
const skipWire = skip || (process.getuid() !== 0 && "laying a wire between namespaces needs root");

test("the app is silent until the user asks, and every connection then stands in the log", { skip: skipWire }, async () => {
  const place = new Place();
  mkdirSync(place.path("models"));
  cpSync(starterFolder(), place.path("models", "sentence-transformers--all-MiniLM-L6-v2"), { recursive: true });
  Object.assign(place.environment, { UNDERSTUDY_MODELS: place.path("models"), HF_ENDPOINT: "http://192.0.2.2:8080", HF_HOME: place.path("hf"), HF_TOKEN: "", UNDERSTUDY_TEST_PLACE: place.folder });
  const hub = new Isolated("hub", place);
  const app = new Isolated("app", place);
  try {
    const { pid } = await hub.ask({ do: "pid" });
    await app.ask({ do: "connect", pid });
    await hub.ask({ do: "listen" });
    const begin = counted(pid);
    await app.ask({ do: "work" });
    const silent = counted(pid);
    // Not one packet: no name was looked up, no page fetched, no version asked for.
    assert.equal(silent["Ip.InReceives"] - begin["Ip.InReceives"], 0, "something was sent");

    await app.ask({ do: "fetch", model: MODEL });
    const { requests, connections } = await hub.ask({ do: "requests" });
    const end = counted(pid);
    const more = (name) => end[name] - silent[name];
    const logged = place.must("connections").connections;
    assert.ok(requests >= 5);
    assert.equal(logged.length, requests, "the log and the hub count differently");
    assert.equal(more("Tcp.PassiveOpens"), connections);
    assert.ok(connections <= requests);
    // All that came was for the hub: nothing else, to nobody else.
    assert.equal(more("Ip.InReceives"), more("Tcp.InSegs"));
    assert.equal(more("Udp.InDatagrams") + more("Udp.NoPorts") + more("Ip.InAddrErrors") + more("Ip.ForwDatagrams"), 0);

    await app.ask({ do: "stray" });
    const stray = counted(pid);
    assert.ok(stray["Ip.InReceives"] - end["Ip.InReceives"] > stray["Tcp.InSegs"] - end["Tcp.InSegs"], "a stray packet goes unseen");
  } finally {
    await app.end();
    await hub.end();
    place.remove();
  }
});
