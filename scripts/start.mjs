// npm start: sets up what is missing, builds, and opens the app; without a display on one of its own (Xvfb).
// npm start -- --screenshot FILE.png: opens it on a display of its own, waits for the window, saves, and ends.
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { startDisplay, stopProcess } from "./lib/display.mjs";
import { APP, ROOT, withRealLocale } from "./lib/places.mjs";
import { capture, onStop } from "./lib/process.mjs";
import { reportFailure, say, StepError } from "./lib/say.mjs";
import { ALL_STEPS, prepare } from "./setup.mjs";

const WINDOW_TIMEOUT_SECONDS = 60;
// From the first pixel to a drawn page.
const SETTLE_SECONDS = 4;

async function openApp(screenshot) {
  const environment = { ...withRealLocale(process.env) };
  // A screenshot never shows the user's own screen, so it always gets a display of its own.
  const display = screenshot || !hasDisplay() ? await startDisplay() : null;
  const stopDisplay = display ? onStop(display.stop) : null;
  if (display) {
    say(`The window is on display ${display.name} (Xvfb). Ctrl+C ends it.`);
    delete environment.WAYLAND_DISPLAY;
    environment.DISPLAY = display.name;
  }
  const app = spawn(APP, { cwd: ROOT, env: environment, detached: true, stdio: ["ignore", "inherit", "inherit"] });
  onStop(() => stopProcess(app));
  const ended = new Promise((done, fail) => app.on("error", fail).on("exit", (code) => done(code ?? 1)));
  try {
    if (!screenshot) return await ended;
    await windowIsUp(display.name, app);
    // npm runs scripts in the repository's root; the user may be in another folder.
    saveScreenshot(display.name, resolve(process.env.INIT_CWD ?? ".", screenshot));
    return 0;
  } finally {
    await stopProcess(app);
    await display?.stop();
    stopDisplay?.();
  }
}

function hasDisplay() {
  return process.platform !== "linux" || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** Waits until something is drawn on the display, and a little longer until it is a page. */
async function windowIsUp(display, app) {
  const deadline = Date.now() + WINDOW_TIMEOUT_SECONDS * 1000;
  while (!hasPicture(display)) {
    const ended = app.exitCode !== null || app.signalCode !== null;
    if (ended || Date.now() > deadline) {
      throw new StepError({
        what: "There is no window to take a picture of.",
        why: ended
          ? `The app ended before (exit status ${app.exitCode ?? app.signalCode}); what it said is above.`
          : `Nothing appeared on display ${display} in ${WINDOW_TIMEOUT_SECONDS} seconds.`,
        next: "Run npm start without --screenshot to see more.",
      });
    }
    await sleep(0.5);
  }
  await sleep(SETTLE_SECONDS);
}

function saveScreenshot(display, file) {
  const { code, output } = capture("import", ["-display", display, "-window", "root", file]);
  if (code !== 0) {
    throw new StepError({
      what: `The screenshot could not be saved as ${file}.`,
      why: `ImageMagick's import said: ${output.trim() || "nothing"}`,
      next: "Check that the folder exists and can be written to.",
    });
  }
  say(`✓ Screenshot saved as ${file}`);
}

/** An empty Xvfb display has a single colour. */
function hasPicture(display) {
  const { code, output } = capture("import", ["-display", display, "-window", "root", "-format", "%k", "info:-"]);
  return code === 0 && Number(output) > 1;
}

function sleep(seconds) {
  return new Promise((done) => setTimeout(done, seconds * 1000));
}

try {
  const { values } = parseArgs({ options: { screenshot: { type: "string" } } });
  await prepare(ALL_STEPS, values.screenshot ? "screenshot" : "start");
  process.exitCode = await openApp(values.screenshot);
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
