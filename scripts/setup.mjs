// Everything that has to be on this machine before Understudy can be built, opened or tested.
//
// In: what is there. Out: what was missing, installed and built; the steps can be repeated at will. It never
// touches anything outside the repository but through apt-get (Debian packages) and the program's own model
// library. A step that cannot be done throws a StepError that says what to do instead.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { capture, run } from "./lib/process.mjs";
import { COMMAND_LINE, ROOT, TARGET, readText } from "./lib/places.mjs";
import { reportFailure, say, step, StepError, tail } from "./lib/say.mjs";
import { isAtLeast, isDebian, missingPackages, packagesFor } from "./lib/system.mjs";

const STARTER_MODEL = "sentence-transformers/all-MiniLM-L6-v2";

// Everything that is compiled is compiled with this feature. Without it a later cargo command would write an
// understudy-app over the first one that looks for a development server instead of its own pages.
export const APP_FEATURES = ["--features", "understudy-app/custom-protocol"];

const STEPS = {
  tools: checkTools,
  packages: installPackages,
  npm: installNpm,
  window: buildWindow,
  program: buildProgram,
  model: fetchStarterModel,
};

/** Does the named steps in their order. `purpose` is "start" or "test" and decides which Debian packages. */
export async function prepare(names, purpose) {
  for (const [name, work] of Object.entries(STEPS)) {
    if (names.includes(name)) await work(purpose);
  }
}

export const ALL_STEPS = Object.keys(STEPS);

/** Node and Rust are the two things that are not installed for you. */
export function checkTools() {
  const node = JSON.parse(readText("package.json")).engines.node.replace(">=", "");
  const rust = /^rust-version = "(.+)"$/m.exec(readText("Cargo.toml"))[1];
  requireTool("Node.js", "node", node, "Install it from https://nodejs.org or with your system's package manager.");
  requireTool("Rust", "cargo", rust, "Install it from https://rustup.rs, or run: rustup update stable");
}

function requireTool(name, command, atLeast, next) {
  const { code, output } = capture(command, ["--version"]);
  const version = code === 0 ? /\d+\.\d+\.\d+/.exec(output)?.[0] : undefined;
  if (version && isAtLeast(version, atLeast)) return;
  throw new StepError({
    what: `${name} ${atLeast} or newer is needed.`,
    why: version ? `Here is ${version}.` : `The command "${command}" was not found.`,
    next,
  });
}

async function installPackages(purpose) {
  if (!isDebian()) return explainOtherSystem(purpose);
  const missing = missingPackages(packagesFor(purpose));
  if (missing.length === 0) return;
  const install = ["apt-get", "install", "-y", "--no-install-recommends", ...missing];
  const asRoot = rootCommand();
  if (asRoot === null) {
    throw new StepError({
      what: `Debian packages are missing: ${missing.join(", ")}.`,
      why: "Installing them needs root, and neither is this root nor does sudo work here without a password.",
      next: `Run this, then try again:\n  sudo ${install.join(" ")}`,
    });
  }
  await step(`Debian packages: ${missing.join(" ")}`, async (show) => {
    // A failing update is no reason to stop: the lists at hand may do.
    await logged("apt-get-update", [...asRoot, "apt-get", "update"], show);
    const { code, output } = await logged("apt-get-install", [...asRoot, ...install], show);
    if (code === 0) return;
    throw new StepError({
      what: `The Debian packages could not be installed: ${missing.join(", ")}.`,
      why: `They are needed to build the window and show it. apt-get said:\n${tail(output, 6)}`,
      next: "If there is no network, connect and try again; everything already there is kept.",
    });
  });
}

/** How to become root without a question: nothing to put in front, sudo, or null where it cannot be done. */
function rootCommand() {
  if (process.getuid() === 0) return ["env", "DEBIAN_FRONTEND=noninteractive"];
  if (capture("sudo", ["-n", "true"]).code !== 0) return null;
  return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"];
}

function explainOtherSystem(purpose) {
  say("This is not Debian or Ubuntu, so nothing is installed for you. What is needed:");
  if (process.platform === "linux") {
    say("  WebKitGTK 4.1, librsvg and OpenSSL with their headers, a C compiler, pkg-config, file;");
    say("  without a screen also Xvfb with xauth; fonts for Latin and Chinese (DejaVu, Noto CJK).");
    if (purpose === "test") say("  For the tests also WebKitWebDriver, xdotool, openbox, ImageMagick and Chromium.");
  } else {
    say("  macOS: the Xcode command line tools. Windows: the Visual Studio C++ build tools and WebView2.");
    if (purpose === "test") say("  The tests of the real window run on Linux only and will fail here.");
  }
}

/** A hash of what was asked for is kept beside what was installed. */
async function installNpm() {
  const asked = createHash("sha256");
  for (const file of ["package-lock.json", "package.json", "ui/package.json"]) asked.update(readText(file));
  const wanted = asked.digest("hex");
  const stamp = resolve(ROOT, "node_modules/.installed-for");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  await step("npm packages", async (show) => {
    rmSync(stamp, { force: true });
    // What the lock file says, without touching it. Not "npm ci": that refuses a lock file that lacks another
    // system's build of an optional package, and a registry mirror that does not carry it leaves it out.
    const install = ["npm", "install", "--no-save", "--no-audit", "--no-fund"];
    const { code, output } = await logged("npm-install", install, show);
    if (code !== 0) {
      const errors = output.split("\n").filter((line) => line.startsWith("npm error"));
      throw new StepError({
        what: "The npm packages could not be installed.",
        why: `The window is built from them. npm said:\n${errors.slice(0, 6).join("\n")}`,
        next: "If there is no network, connect and try again.",
      });
    }
    writeFileSync(stamp, wanted);
  });
}

/** Before cargo, always: the app embeds ui/dist. */
async function buildWindow() {
  await step("Building the window", async (show) => {
    const { code, output } = await logged("ui-build", ["npm", "run", "build", "-w", "understudy-ui"], show);
    if (code !== 0) throw buildFailure("The window's pages could not be built.", "vite", output);
  });
}

async function buildProgram() {
  await step("Compiling the program (the first time 6 to 10 minutes)", async (show) => {
    const args = ["build", "-p", "understudy-cli", "-p", "understudy-app", ...APP_FEATURES];
    const { code, output } = await logged("cargo-build", ["cargo", ...args], show);
    if (code !== 0) throw buildFailure("The program could not be compiled.", "cargo", output);
  });
}

function buildFailure(what, tool, output) {
  return new StepError({
    what,
    why: `${tool} said:\n${tail(output, 30)}`,
    next: "If a download failed for want of a network, connect and try again; else the message above says where.",
  });
}

/** The program knows where the model comes from, goes on where it was cut, and does nothing when it is there. */
async function fetchStarterModel() {
  await step(`Starter model ${STARTER_MODEL} (about 90 MB)`, async (show) => {
    const { code, output } = await logged("starter-model", [COMMAND_LINE, "models", "download", STARTER_MODEL], show);
    if (code === 0) return;
    throw new StepError({
      what: `The starter model ${STARTER_MODEL} could not be fetched.`,
      why: `Training starts from it. The program said:\n${tail(output, 6)}`,
      next: "If there is no network, connect and try again; what has arrived is kept. Behind a mirror set HF_ENDPOINT.",
    });
  });
}

function logged(name, [command, ...args], show) {
  const log = resolve(TARGET, "setup-logs", `${name}.log`);
  rmSync(log, { force: true });
  return run(command, args, { log, onText: show });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await prepare(ALL_STEPS, "start");
    say("✓ Everything is here and built.");
  } catch (error) {
    reportFailure(error);
    process.exitCode = 1;
  }
}
