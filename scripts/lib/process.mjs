// Running other programs: what they print goes to a log, a listener, or back to the caller, never lost.
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { ROOT } from "./places.mjs";

/** Runs a short command to its end. `code` is null when there is no such program. */
export function capture(command, args) {
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: ROOT, encoding: "utf8" });
  return { code: error ? null : status, output: (stdout ?? "") + (stderr ?? "") };
}

export function exists(command) {
  return capture(command, ["--version"]).code !== null;
}

/**
 * Runs a long command. Its output (both streams, in order of arrival) is appended to the file `log` and handed to
 * `onText` piece by piece. Resolves to `{ code, output, timedOut }`; the whole process group is killed after
 * `timeoutMinutes`, and when this program is told to stop.
 */
export async function run(command, args, { log, onText = () => {}, env = process.env, timeoutMinutes = 30 } = {}) {
  if (log) mkdirSync(dirname(log), { recursive: true });
  const child = spawn(command, args, { cwd: ROOT, env, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text) => {
      output += text;
      if (log) appendFileSync(log, text);
      onText(text);
    });
  }
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    killGroup(child, "SIGKILL");
  }, timeoutMinutes * 60_000);
  const forget = onStop(() => killGroup(child, "SIGKILL"));
  const code = await new Promise((resolve) => {
    child.on("error", (error) => {
      output += `${error.message}\n`;
      resolve(127);
    });
    child.on("close", (status) => resolve(status ?? 1));
  });
  clearTimeout(timer);
  forget();
  return { code, output, timedOut };
}

/** Signals a child started with `detached: true`, and all that it started. */
export function killGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // ESRCH: it has ended already.
    if (error.code !== "ESRCH") throw error;
  }
}

const cleanUps = new Set();

/** Has `cleanUp` called when this program is stopped (Ctrl+C, terminal closed); returns how to take it back. */
export function onStop(cleanUp) {
  cleanUps.add(cleanUp);
  return () => cleanUps.delete(cleanUp);
}

for (const [signal, number] of Object.entries({ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 })) {
  process.on(signal, async () => {
    // The last thing started is stopped first: the app before the display it is on.
    for (const cleanUp of [...cleanUps].reverse()) await cleanUp();
    process.exit(128 + number);
  });
}
