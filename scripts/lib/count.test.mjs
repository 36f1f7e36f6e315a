import assert from "node:assert/strict";
import { test } from "node:test";
import { countTests, failuresIn, judgeCheck, judgeTests } from "./count.mjs";

test("cargo's results are summed over all test binaries", () => {
  const output = [
    "running 3 tests",
    "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
    "test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
  ].join("\n");
  assert.deepEqual(countTests(output), { passed: 7, failed: 2, skipped: 1 });
});

test("node's TAP results are summed over all files, a cancelled test counts as failed", () => {
  const output = "# tests 4\n# pass 2\n# fail 1\n# cancelled 1\n# skipped 0\n# todo 0\n# pass 5\n# fail 0\n";
  assert.deepEqual(countTests(output), { passed: 7, failed: 2, skipped: 0 });
});

test("vitest's tests are counted, not its files, and colours do not matter", () => {
  const output = [
    " Test Files  1 failed | 9 passed (10)",
    "\x1b[2m      Tests \x1b[22m \x1b[31m1 failed\x1b[39m | 41 passed | 2 skipped (44)",
  ].join("\n");
  assert.deepEqual(countTests(output), { passed: 41, failed: 1, skipped: 2 });
});

test("a line of our own form is counted", () => {
  assert.deepEqual(countTests("12 passed, 1 failed\n"), { passed: 12, failed: 1, skipped: 0 });
});

test("a crash that no test counted is one failure", () => {
  const output = "test result: ok. 3 passed; 0 failed; 0 ignored\nerror: could not compile";
  const verdict = judgeTests({ code: 101, output });
  assert.deepEqual(verdict, { passed: 3, failed: 1, skipped: 0 });
});

test("a failure that was counted is not counted twice", () => {
  assert.equal(judgeTests({ code: 1, output: "# pass 1\n# fail 2\n" }).failed, 2);
});

test("a test program that ran nothing has failed, one that skipped all has not", () => {
  assert.equal(judgeTests({ code: 0, output: "all good" }).failed, 1);
  assert.equal(judgeTests({ code: 0, output: "# pass 0\n# fail 0\n# skipped 3\n" }).failed, 0);
});

test("a check is one test", () => {
  assert.deepEqual(judgeCheck({ code: 0 }), { passed: 1, failed: 0, skipped: 0 });
  assert.deepEqual(judgeCheck({ code: 2 }), { passed: 0, failed: 1, skipped: 0 });
});

test("of node's tests the failed ones are told, without what passed around them or the suite's repetition", () => {
  const output = [
    "    ok 1 - fine", "      ---", "      duration_ms: 1", "      ...",
    "    not ok 2 - broken", "      ---", "      error: 'no doubt-text'", "      ...",
    "    ok 3 - fine too", "      ---", "      duration_ms: 1", "      ...",
    "not ok 1 - the suite", "  ---", "  failureType: 'subtestsFailed'", "  error: '1 subtest failed'", "  ...",
    "# fail 1",
  ].join("\n");
  assert.equal(failuresIn(output), ["    not ok 2 - broken", "      ---", "      error: 'no doubt-text'"].join("\n"));
});

test("of cargo's tests what each failed one printed is told", () => {
  const output = ["test a ... FAILED", "failures:", "", "---- a stdout ----", "thread 'a' panicked", "", "failures:", "    a"].join("\n");
  assert.equal(failuresIn(output), "---- a stdout ----\nthread 'a' panicked");
  assert.equal(failuresIn("error: could not compile"), "");
});
