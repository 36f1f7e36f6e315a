import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { capture, run } from "./process.mjs";

test("a program's status and both its streams come back, and are in the log", async () => {
  const folder = mkdtempSync(join(tmpdir(), "understudy-"));
  const log = join(folder, "deep/one.log");
  try {
    const { code, output, timedOut } = await run("sh", ["-c", "echo out; echo err >&2; exit 3"], { log });
    assert.equal(code, 3);
    assert.equal(timedOut, false);
    for (const text of [output, readFileSync(log, "utf8")]) {
      assert.deepEqual(text.trim().split("\n").sort(), ["err", "out"]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a program that does not exist is a failure with its name", async () => {
  const { code, output } = await run("no-such-program", []);
  assert.notEqual(code, 0);
  assert.match(output, /no-such-program/);
  assert.equal(capture("no-such-program", []).code, null);
});

test("a program that takes too long is stopped together with what it started", async () => {
  const start = Date.now();
  // The sleeping child holds the output open: only its end lets this return.
  const { code, timedOut } = await run("sh", ["-c", "sleep 30 & sleep 30"], { timeoutMinutes: 0.005 });
  assert.ok(timedOut);
  assert.notEqual(code, 0);
  assert.ok(Date.now() - start < 10_000);
});
