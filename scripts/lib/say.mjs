// What the scripts say on the terminal: one plain line a step, and an error as what, why and what to do.

/** A step that cannot be done here. Printed by `reportFailure`, without a stack. */
export class StepError extends Error {
  constructor({ what, why, next }) {
    super(what);
    Object.assign(this, { what, why, next });
  }
}

const QUIET_SECONDS = 2;
const HEARTBEAT_SECONDS = 60;
const live = process.stdout.isTTY;

export function say(line) {
  if (live) process.stdout.write("\r\x1b[K");
  console.log(line);
}

/**
 * Runs one step of the set-up and returns what `work` returns. Quiet when it takes under two seconds (nothing to
 * do), else one line with its time. `work` gets a function to show the output of a running program with.
 */
export async function step(title, work) {
  const start = Date.now();
  const announced = setTimeout(() => say(`… ${title}`), QUIET_SECONDS * 1000);
  const progress = showProgress(title, start);
  try {
    const result = await work(progress.show);
    if (Date.now() - start >= QUIET_SECONDS * 1000) say(`✓ ${title} (${formatSeconds(start)})`);
    return result;
  } catch (error) {
    say(`✗ ${title} (${formatSeconds(start)})`);
    throw error;
  } finally {
    clearTimeout(announced);
    progress.stop();
  }
}

/**
 * Shows that something long is alive: on a terminal the latest line of its output, in place; elsewhere that line
 * once a minute. Returns `{ show, stop }`; `show` takes output as it comes.
 */
export function showProgress(title, start) {
  let latest = "";
  const heartbeat = setInterval(() => {
    if (!live) say(`  ${formatSeconds(start)} … ${latest}`);
  }, HEARTBEAT_SECONDS * 1000);
  const show = (text) => {
    latest = lastLine(text) || latest;
    const width = (process.stdout.columns ?? 80) - 1;
    if (live) process.stdout.write(`\r\x1b[K${`… ${title}: ${latest}`.slice(0, width)}`);
  };
  return { show, stop: () => clearInterval(heartbeat) };
}

export function reportFailure(error) {
  if (!(error instanceof StepError)) throw error;
  console.error(`\n${error.what}\n${error.why}\n→ ${error.next}`);
}

/** The time since `start` (milliseconds, as Date.now gives them): "3.4 s", "2 min 05 s". */
export function formatSeconds(start, now = Date.now()) {
  const seconds = (now - start) / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
}

export function tail(text, lines) {
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}

function lastLine(text) {
  return text.split(/[\r\n]/).findLast((line) => line.trim() !== "")?.trim() ?? "";
}
