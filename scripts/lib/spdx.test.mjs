import assert from "node:assert/strict";
import { test } from "node:test";
import { isAccepted } from "./spdx.mjs";

const accepted = new Set(["MIT", "Apache-2.0", "Zlib"]);
const cases = [
  ["MIT", true],
  ["GPL-3.0-only", false],
  ["GPL-3.0-only OR MIT", true],
  ["MIT OR GPL-3.0-only", true],
  ["MIT AND GPL-3.0-only", false],
  ["GPL-3.0-only AND MIT", false],
  ["GPL-3.0-only/MIT", true],
  ["Apache-2.0 WITH LLVM-exception", true],
  ["GPL-2.0-only WITH Classpath-exception-2.0", false],
  ["(MIT OR GPL-3.0-only) AND Zlib", true],
  ["(MIT OR Zlib) AND GPL-3.0-only", false],
  ["GPL-3.0-only AND MIT OR Zlib", true],
];

for (const [expression, expected] of cases) {
  test(`"${expression}" is ${expected ? "accepted" : "refused"}`, () => {
    assert.equal(isAccepted(expression, accepted), expected);
  });
}

test("what is no expression is not guessed at", () => {
  assert.throws(() => isAccepted("MIT Zlib", accepted));
  assert.throws(() => isAccepted("(MIT OR Zlib", accepted));
});
