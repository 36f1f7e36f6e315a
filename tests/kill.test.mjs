// A training killed in the middle loses nothing, says so, and goes on to the same bits.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { spawn, spawnSync } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { COMMAND_LINE } from "../scripts/lib/places.mjs";
import { Place, smallTable } from "./lib/place.mjs";

const place = new Place();
after(() => place.remove());
const TRAIN = ["--epochs", "3", "--trainings", "1", "--batch-size", "4", "--max-length", "32"];

function weights(folder) {
  const run = readdirSync(join(folder, "runs"))[0];
  return createHash("sha256").update(readFileSync(join(folder, "runs", run, "model/model.safetensors"))).digest("hex");
}

/** A project ready to train, the same every time. */
function project(name) {
  const folder = place.path(`${name}.understudy`);
  if (name !== "template") {
    cpSync(place.path("template.understudy"), folder, { recursive: true });
    return folder;
  }
  place.must("import", place.write("table.csv", smallTable(150)), "--project", folder);
  place.must("split", "--project", folder);
  return folder;
}

/** Resolves when the trainer has reported a finished round. */
function roundDone(child, round) {
  return new Promise((resolve, reject) => {
    createInterface(child.stderr).on("line", (line) => line.startsWith(`round ${round}:`) && resolve());
    child.on("exit", (code) => reject(new Error(`ended too early with ${code}`)));
  });
}

project("template");
let expected;

test("an uninterrupted training gives the reference", () => {
  const folder = project("whole");
  place.must("train", "--project", folder, ...TRAIN);
  expected = weights(folder);
});

test("SIGKILL in the middle leaves the run interrupted; it goes on to bit-identical weights", async () => {
  const folder = project("killed");
  const child = place.start("train", "--project", folder, ...TRAIN);
  await roundDone(child, 1);
  child.removeAllListeners("exit");
  const gone = new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
  // Somewhere within the second round.
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill("SIGKILL");
  assert.equal(await gone, "SIGKILL");
  const run = readdirSync(join(folder, "runs"))[0];
  assert.equal(place.understudy("evaluate", "--project", folder, "--run", run).found.error.kind, "run_not_finished");
  assert.equal(place.must("verify", "--project", folder).audit.broken, null);
  const result = place.must("train", "--project", folder, "--resume", run);
  assert.equal(result.epochs, 3);
  assert.equal(weights(folder), expected);
});

test("a run cannot go on with other data than it began with", async () => {
  const folder = project("changed");
  const child = place.start("train", "--project", folder, ...TRAIN);
  await roundDone(child, 1);
  child.removeAllListeners("exit");
  const gone = new Promise((resolve) => child.on("exit", resolve));
  child.kill("SIGKILL");
  await gone;
  place.must("split", "--project", folder, "--seed", "9");
  const run = readdirSync(join(folder, "runs"))[0];
  const refused = place.understudy("train", "--project", folder, "--resume", run);
  assert.deepEqual([refused.status, refused.found.error.kind], [2, "data_changed"]);
});

/** A worker as the shell starts it: one job in, events out. */
function worker(job) {
  const child = spawn(COMMAND_LINE, ["worker"], { env: place.environment, stdio: ["pipe", "pipe", "inherit"] });
  const events = [];
  const waiting = [];
  createInterface(child.stdout).on("line", (line) => {
    events.push(JSON.parse(line));
    for (const wait of waiting.splice(0)) wait();
  });
  child.stdin.write(`${JSON.stringify(job)}\n`);
  const until = async (matches) => {
    for (;;) {
      const found = events.find(matches);
      if (found) return found;
      await new Promise((resolve) => waiting.push(resolve));
    }
  };
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(signal ?? code)));
  const tell = (command) => child.stdin.write(`${JSON.stringify(command)}\n`);
  return { child, events, until, tell, ended };
}

const LAST = ["finished", "cancelled", "failed", "interrupted"];

test("the worker reports, stops when told and when its starter is gone, and answers single texts", async () => {
  const folder = project("worker");
  const child = place.start("train", "--project", folder, ...TRAIN);
  await roundDone(child, 1);
  child.removeAllListeners("exit");
  child.kill("SIGKILL");
  await new Promise((resolve) => child.on("exit", resolve));
  const run = readdirSync(join(folder, "runs"))[0];
  const job = { job: "train", project: folder, run };

  const cancelled = worker(job);
  await cancelled.until((event) => event.event === "step");
  cancelled.tell({ command: "cancel" });
  assert.equal((await cancelled.until((event) => LAST.includes(event.event))).event, "cancelled");
  assert.equal(await cancelled.ended, 0);

  const orphan = worker(job);
  await orphan.until((event) => event.event === "step");
  orphan.child.stdin.end();
  const last = await orphan.until((event) => LAST.includes(event.event));
  assert.deepEqual([last.event, last.problem?.en.kind], ["interrupted", "app_closed"]);

  const whole = worker(job);
  assert.equal((await whole.until((event) => LAST.includes(event.event))).event, "finished");
  const progress = whole.events.filter((event) => event.event === "progress");
  assert.ok(progress.every((event) => event.done <= event.total));
  assert.equal(weights(folder), expected);

  const server = worker({ job: "serve", project: folder, run });
  server.tell({ command: "predict", id: 7, texts: ["The court of the state shall govern"] });
  const answer = await server.until((event) => event.event === "answer");
  assert.equal(answer.id, 7);
  const total = answer.predictions[0].scores.reduce((sum, score) => sum + score.probability, 0);
  assert.ok(Math.abs(total - 1) < 1e-5);
  const text = "The court of the state shall govern";
  server.tell({ command: "explain", id: 8, text, label: null, method: "gradients" });
  const { id, explanation } = await server.until((event) => event.event === "explained");
  assert.deepEqual([id, explanation.label], [8, answer.predictions[0].labels[0]]);
  assert.deepEqual(explanation.words.map(({ start, end }) => text.slice(start, end)), text.split(" "));
  server.child.stdin.end();
  await server.ended;
});

test("a file whose labelling is killed goes on where it was, to the same bytes", async () => {
  const folder = project("labelled");
  place.must("train", "--project", folder, ...TRAIN);
  const lines = Array.from({ length: 8000 }, (_, row) => `${row},"Clause ${row}: the invoice ${row * 7} is due, and the court ${row % 91} shall govern"`);
  const input = place.write("many.csv", `n,text\n${lines.join("\n")}\n`);
  const [whole, out] = [place.path("whole.csv"), place.path("out.csv")];
  assert.equal(place.must("predict", "--project", folder, input, "--out", whole).rows, 8000);
  const child = place.start("predict", "--project", folder, input, "--out", out);
  const gone = new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
  const deadline = Date.now() + 120_000;
  while (!existsSync(`${out}.partial.json`) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  assert.equal(await gone, "SIGKILL");
  assert.ok(!existsSync(out));
  const { rows, kept_rows: kept } = place.must("predict", "--project", folder, input, "--out", out);
  assert.equal(rows, 8000);
  assert.ok(kept > 0 && kept < 8000, `${kept} rows were kept`);
  assert.ok(readFileSync(out).equals(readFileSync(whole)));
  assert.ok(!existsSync(`${out}.partial`) && !existsSync(`${out}.partial.json`));
});

test("a cross-validation killed in its second fold gives the division back and goes on with what is left", async () => {
  const folder = project("folds");
  const child = place.start("cross-validate", "--project", folder, "--folds", "3", ...TRAIN);
  await new Promise((resolve, reject) => {
    createInterface(child.stderr).on("line", (line) => line.startsWith("fold 2 of 3") && resolve());
    child.on("exit", (code) => reject(new Error(`ended too early with ${code}`)));
  });
  child.removeAllListeners("exit");
  const gone = new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill("SIGKILL");
  assert.equal(await gone, "SIGKILL");
  const { split } = place.must("split", "--project", folder, "--add");
  assert.equal(split.way.way, "random");

  const rest = worker({ job: "cross_validate", project: folder });
  assert.equal((await rest.until((event) => LAST.includes(event.event))).event, "finished");
  const folds = rest.events.filter((event) => event.event === "fold");
  assert.deepEqual(folds.map((fold) => fold.number), [2, 3]);
  const runs = readdirSync(join(folder, "runs")).filter((name) => name !== "cross-validation");
  const judged = runs.map((run) => place.must("evaluate", "--project", folder, "--run", run).test.examples);
  assert.deepEqual([judged.length, judged.reduce((sum, rows) => sum + rows)], [3, 150], "each row once");
  assert.equal(place.must("cross-validate", "--project", folder, "--resume").folds.length, 3, "nothing is left to train");
  assert.equal(place.must("verify", "--project", folder).audit.broken, null);
});

test("nonsense instead of a job is answered, not crashed on", async () => {
  const broken = worker({ job: "dance" });
  assert.equal((await broken.until((event) => LAST.includes(event.event))).event, "failed");
  assert.equal(await broken.ended, 0);
});

test("a full disk stops the training with a clear word and leaves the project whole", { skip: !existsSync("/proc/mounts") || process.getuid() !== 0 }, (t) => {
  const folder = place.path("small-disk");
  const mounted = mountSmallDisk(folder, 24);
  if (!mounted) return t.skip("no small disk can be mounted here");
  try {
    cpSync(place.path("template.understudy"), join(folder, "p.understudy"), { recursive: true });
    const full = place.understudy("train", "--project", join(folder, "p.understudy"), ...TRAIN);
    assert.deepEqual([full.status, full.found.error.kind], [2, "disk_full"]);
    assert.equal(place.must("verify", "--project", join(folder, "p.understudy")).audit.broken, null);
    assert.ok(statSync(join(folder, "p.understudy/project.db")).size > 0);
  } finally {
    mounted();
  }
});

/** Mounts a disk of some megabytes in memory; returns how to take it away, or null where that is not allowed. */
function mountSmallDisk(folder, megabytes) {
  mkdirSync(folder);
  if (spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder]).status !== 0) return null;
  return () => spawnSync("umount", [folder]);
}
