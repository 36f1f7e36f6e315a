// npm run build: the installers (deb, rpm), with the worker beside the app and the starter model inside.
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { ROOT, TARGET } from "./lib/places.mjs";
import { capture, run } from "./lib/process.mjs";
import { reportFailure, say, StepError } from "./lib/say.mjs";
import { ALL_STEPS, prepare } from "./setup.mjs";

const STARTER = "sentence-transformers--all-MiniLM-L6-v2";

async function must(command, ...args) {
  const { code } = await run(command, args, { onText: (text) => process.stdout.write(text), timeoutMinutes: 60 });
  if (code !== 0) {
    throw new StepError({ what: "The installers could not be built.", why: `${command} ${args[0]} ended with status ${code}; what it said is above.`, next: "Mend what it names and start again." });
  }
}

/** The worker goes beside the app: Tauri wants it under the name of the machine it is for. */
function placeWorker() {
  const host = /^host: (.+)$/m.exec(capture("rustc", ["-vV"]).output)?.[1];
  const folder = resolve(ROOT, "src-tauri/binaries");
  mkdirSync(folder, { recursive: true });
  cpSync(resolve(TARGET, "release/understudy"), resolve(folder, `understudy-${host}`));
}

/** The starter model, as the set-up has verified it in the user's library. */
function placeModel() {
  const data = process.env.XDG_DATA_HOME ?? resolve(homedir(), ".local/share");
  const library = process.env.UNDERSTUDY_MODELS ?? resolve(data, "understudy/models");
  const folder = resolve(ROOT, "resources/models/starter");
  rmSync(folder, { recursive: true, force: true });
  cpSync(resolve(library, STARTER), folder, { recursive: true });
}

try {
  await prepare(ALL_STEPS, "start");
  await must("cargo", "build", "--release", "-p", "understudy-cli");
  placeWorker();
  placeModel();
  await must("npx", "tauri", "build", "--config", "src-tauri/tauri.bundle.conf.json");
  say(`✓ The installers are in ${resolve(TARGET, "release/bundle")}`);
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
