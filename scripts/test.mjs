// npm test: the set-up, then every stage of tests; the last line is "N passed, N failed".
//   --only STAGE,STAGE   these stages, and only the set-up that they need
//   --verbose            all output on the terminal; else it is in target/test-logs/STAGE.log alone
import { existsSync, readdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { failuresIn, judgeCheck, judgeTests } from "./lib/count.mjs";
import { ROOT, TARGET, withRealLocale } from "./lib/places.mjs";
import { exists, run } from "./lib/process.mjs";
import { formatSeconds, reportFailure, say, showProgress, StepError, tail } from "./lib/say.mjs";
import { ALL_STEPS, APP_FEATURES, prepare } from "./setup.mjs";

const LINES_OF_A_FAILURE = 40;
const LINES_OF_ALL_FAILURES = 200;
const ENVIRONMENT = { ...withRealLocale(process.env), NO_COLOR: "1", CARGO_TERM_COLOR: "never" };

const node = (files) => files.map((file) => ["node", "--test", "--test-reporter=tap", file]);
const npm = (script) => [["npm", "run", "--silent", script, "-w", "understudy-ui"]];

// A stage: what it needs from the set-up, its commands (one after the other), and how its result is counted.
const STAGES = [
  { id: "format", title: "Formatting (rustfmt)", needs: ["tools"],
    commands: () => [["cargo", "fmt", "--all", "--check", "--", "--color", "never"]], judge: judgeCheck },
  { id: "clippy", title: "Lints of the Rust code (clippy)", needs: ["tools", "packages", "npm", "window"],
    commands: () => [["cargo", "clippy", "--workspace", "--all-targets", ...APP_FEATURES, "--", "-D", "warnings"]],
    judge: judgeCheck },
  { id: "ui-check", title: "Types of the window (svelte-check)", needs: ["npm"],
    commands: () => npm("check"), judge: judgeCheck },
  { id: "ui-lint", title: "Lints of the window (eslint)", needs: ["npm"],
    commands: () => npm("lint"), judge: judgeCheck },
  { id: "ui-unit", title: "Unit tests of the window", needs: ["npm"],
    commands: () => npm("test"), judge: judgeTests },
  { id: "scripts", title: "Sample projects and scripts", needs: [],
    commands: () => node(testFiles("scripts", true)), judge: judgeTests },
  { id: "cargo", title: "Tests of the Rust code", needs: ALL_STEPS,
    commands: () => [["cargo", "test", "--workspace", "--no-fail-fast", ...APP_FEATURES]], judge: judgeTests },
  { id: "ui-pages", title: "Pages of the window in a browser", needs: ["packages", "npm", "window"],
    commands: () => npm("test:pages"), judge: judgeTests },
  { id: "product", title: "The whole product", needs: ALL_STEPS,
    commands: () => node(testFiles("tests", false)), judge: judgeTests },
  { id: "licences", title: "Licences of the dependencies", needs: ["tools"],
    commands: () => [["node", "scripts/licences.mjs"]], judge: judgeCheck },
  { id: "deny", title: "Dependencies (cargo-deny)", needs: ["tools"], commands: denyCommands, judge: judgeCheck },
];

function testFiles(folder, recursive) {
  const files = readdirSync(resolve(ROOT, folder), { recursive }).filter((name) => name.endsWith(".test.mjs"));
  return files.sort().map((name) => `${folder}/${name}`);
}

function denyCommands() {
  if (!exists("cargo-deny")) {
    say("  not run, cargo-deny is not installed: security advisories and doubled versions were not checked");
    return [];
  }
  const deny = (...checks) => ["cargo", "deny", "check", "--disable-fetch", ...checks];
  // The list of advisories is fetched by whoever wants it (cargo deny fetch): tests need no network of their own.
  const advisories = resolve(process.env.CARGO_HOME ?? resolve(homedir(), ".cargo"), "advisory-dbs");
  if (existsSync(advisories)) return [deny("licenses", "bans", "sources"), deny("advisories")];
  say("  security advisories were not checked: run cargo deny fetch once");
  return [deny("licenses", "bans", "sources")];
}

async function runStage(stage, verbose) {
  const start = Date.now();
  say(`\n── ${stage.title}`);
  const log = resolve(TARGET, "test-logs", `${stage.id}.log`);
  rmSync(log, { force: true });
  const total = { id: stage.id, passed: 0, failed: 0, skipped: 0 };
  const commands = stage.commands();
  if (commands.length === 0 && stage.judge === judgeTests) {
    total.failed = 1;
    say("  there is not a single test file");
  }
  const progress = showProgress(stage.title, start);
  const onText = verbose ? (text) => process.stdout.write(text) : progress.show;
  for (const [command, ...args] of commands) {
    const result = await run(command, args, { log, onText, env: ENVIRONMENT });
    const verdict = stage.judge(result);
    for (const kind of ["passed", "failed", "skipped"]) total[kind] += verdict[kind];
    if (verdict.failed > 0) explainFailure([command, ...args].join(" "), result, log, verbose);
  }
  progress.stop();
  total.time = formatSeconds(start);
  say(`${total.failed === 0 ? "✓" : "✗"} ${total.passed} passed, ${total.failed} failed (${total.time})`);
  return total;
}

function explainFailure(command, { code, output, timedOut }, log, verbose) {
  say(timedOut ? `✗ ${command} took too long and was stopped` : `✗ ${command} ended with status ${code}`);
  const account = failuresIn(output).split("\n").slice(0, LINES_OF_ALL_FAILURES).join("\n") || tail(output, LINES_OF_A_FAILURE);
  if (!verbose) say(`${account.replaceAll(/^/gm, "  │ ")}\n  whole output: ${log}`);
}

function printTable(totals) {
  const line = (id, ...cells) => id.padEnd(12) + cells.map((cell) => String(cell).padStart(9)).join("");
  say(`\n${line("stage", "passed", "failed", "skipped")}   time`);
  for (const { id, passed, failed, skipped, time } of totals) say(`${line(id, passed, failed, skipped)}   ${time}`);
}

function chosenStages(only) {
  if (only === undefined) return STAGES;
  const names = only.split(",");
  const unknown = names.filter((name) => !STAGES.some(({ id }) => id === name));
  if (unknown.length > 0) {
    throw new StepError({
      what: `There is no stage called ${unknown.join(", ")}.`,
      why: `The stages are ${STAGES.map(({ id }) => id).join(", ")}.`,
      next: "Name them after --only, with commas between.",
    });
  }
  return STAGES.filter(({ id }) => names.includes(id));
}

async function main() {
  const { values } = parseArgs({ options: { only: { type: "string" }, verbose: { type: "boolean" } } });
  const totals = [];
  try {
    const stages = chosenStages(values.only);
    await prepare(stages.flatMap(({ needs }) => needs), "test");
    for (const stage of stages) totals.push(await runStage(stage, values.verbose));
  } catch (error) {
    totals.push({ id: "set-up", passed: 0, failed: 1, skipped: 0, time: "" });
    reportFailure(error);
  }
  printTable(totals);
  const sum = (kind) => totals.reduce((total, stage) => total + stage[kind], 0);
  process.exitCode = sum("failed") === 0 ? 0 : 1;
  say(`\n${sum("passed")} passed, ${sum("failed")} failed`);
}

await main();
