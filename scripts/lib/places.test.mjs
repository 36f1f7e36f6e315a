import assert from "node:assert/strict";
import { test } from "node:test";
import { withRealLocale } from "./places.mjs";

test("a locale that WebKit would call C is replaced", () => {
  for (const environment of [{}, { LANG: "C.UTF-8" }, { LANG: "POSIX" }, { LANG: "fr_FR.UTF-8", LC_ALL: "C" }]) {
    assert.equal(withRealLocale(environment).LANG, "en_US.UTF-8");
    assert.equal(withRealLocale(environment).LC_ALL, undefined);
  }
});

test("a real locale is left alone", () => {
  for (const environment of [{ LANG: "zh_CN.UTF-8" }, { LANG: "C", LC_ALL: "de_DE.UTF-8" }]) {
    assert.deepEqual(withRealLocale(environment), environment);
  }
});
