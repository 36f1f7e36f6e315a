import assert from "node:assert/strict";
import { test } from "node:test";
import { isAtLeast, isDebian, packagesFor } from "./system.mjs";

test("versions are compared number by number, not as text", () => {
  assert.ok(isAtLeast("1.95.0", "1.95"));
  assert.ok(isAtLeast("1.100.0", "1.95"));
  assert.ok(isAtLeast("22.1.0", "20.19"));
  assert.ok(!isAtLeast("20.9.0", "20.19"));
  assert.ok(!isAtLeast("1.94.9", "1.95"));
});

test("Debian, Ubuntu and their children are recognised, others are not", () => {
  assert.ok(isDebian('PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n'));
  assert.ok(isDebian('ID=linuxmint\nID_LIKE="ubuntu debian"\n'));
  assert.ok(!isDebian('ID=fedora\nID_LIKE="rhel"\n'));
  assert.ok(!isDebian(""));
});

test("testing needs all that starting needs", () => {
  const forTests = new Set(packagesFor("test"));
  assert.ok(packagesFor("start").every((name) => forTests.has(name)));
});
