// A display of our own (Xvfb), for machines without one and for screenshots.
import { spawn } from "node:child_process";
import { killGroup } from "./process.mjs";
import { StepError } from "./say.mjs";

/** Starts Xvfb on a free display. Resolves to `{ name, stop }`; rejects when it cannot start. */
export async function startDisplay(size = "1440x900") {
  const args = ["-displayfd", "3", "-screen", "0", `${size}x24`, "-nolisten", "tcp"];
  // A process group of its own: Ctrl+C must reach the app first, and the display only after it.
  const child = spawn("Xvfb", args, { detached: true, stdio: ["ignore", "ignore", "pipe", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const number = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new StepError({
      what: "No display could be started.",
      why: `Xvfb said: ${why.trim() || "nothing"}`,
      next: "Install the Debian package xvfb, or run this where there is a screen.",
    }));
    child.on("error", (error) => fail(error.message));
    child.on("exit", () => fail(errors));
    child.stdio[3].setEncoding("utf8").once("data", (text) => resolve(text.trim()));
  });
  return { name: `:${number}`, stop: () => stopProcess(child) };
}

/** Ends a detached child politely, and after five seconds not so. Resolves when it is gone. */
export async function stopProcess(child) {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  killGroup(child, "SIGTERM");
  const timer = setTimeout(() => killGroup(child, "SIGKILL"), 5000);
  await gone;
  clearTimeout(timer);
}
