// How many tests passed, from what the test programs print.

/**
 * Adds up every result found in `output`: cargo test ("test result: …"), node --test in TAP ("# pass 3"), vitest
 * ("Tests  3 passed (3)") and our own page tests ("3 passed, 0 failed"). Returns `{ passed, failed, skipped }`.
 */
export function countTests(output) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  const add = (kind, number) => (total[kind] += Number(number ?? 0));
  for (const line of withoutColour(output).split("\n")) {
    const cargo = /^test result: \w+\. (\d+) passed; (\d+) failed; (\d+) ignored/.exec(line);
    const tap = /^# (pass|fail|cancelled|skipped) (\d+)$/.exec(line);
    const vitest = /^\s*Tests {2}(.*)$/.exec(line)?.[1];
    const own = /^(\d+) passed, (\d+) failed$/.exec(line);
    if (cargo) ["passed", "failed", "skipped"].forEach((kind, index) => add(kind, cargo[index + 1]));
    if (tap) add({ pass: "passed", fail: "failed", cancelled: "failed", skipped: "skipped" }[tap[1]], tap[2]);
    if (vitest) for (const kind of Object.keys(total)) add(kind, new RegExp(`(\\d+) ${kind}`).exec(vitest)?.[1]);
    if (own) ["passed", "failed"].forEach((kind, index) => add(kind, own[index + 1]));
  }
  return total;
}

/**
 * The verdict on a test program: what it counted, and one failure more when its exit status says that something
 * failed which it did not count (a crash, a build error), or when it ended well without a single test.
 */
export function judgeTests({ code, output }) {
  const total = countTests(output);
  const silent = total.passed + total.failed + total.skipped === 0;
  if ((code !== 0 && total.failed === 0) || silent) total.failed += 1;
  return total;
}

/** A check that is one test: it passes or it does not. */
export function judgeCheck({ code }) {
  return code === 0 ? { passed: 1, failed: 0, skipped: 0 } : { passed: 0, failed: 1, skipped: 0 };
}

/**
 * What `output` says about the tests that failed: from each "not ok" of node --test its whole account, from cargo test what
 * each failed test printed. Empty when the output has no such form. A suite whose part failed repeats only that it did.
 */
export function failuresIn(output) {
  const lines = withoutColour(output).split("\n");
  const found = [];
  for (let at = 0; at < lines.length; at++) {
    const tap = /^(\s*)not ok \d+/.exec(lines[at]);
    const cargo = /^---- .* stdout ----$/.test(lines[at]);
    if (!tap && !cargo) continue;
    const ends = tap ? (line) => line === `${tap[1]}  ...` : (line) => line === "";
    const length = lines.slice(at + 1).findIndex(ends);
    const account = lines.slice(at, length < 0 ? lines.length : at + 1 + length);
    if (!account.some((line) => line.includes("failureType: 'subtestsFailed'"))) found.push(...account);
    at += account.length - 1;
  }
  return found.join("\n");
}

function withoutColour(text) {
  return text.replaceAll(/\x1b\[[0-9;]*m/g, "");
}
