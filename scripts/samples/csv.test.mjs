import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCsv, parseCsv } from "./csv.mjs";

test("what is written is read back: quotes, commas, line ends, empty cells", () => {
  const rows = [
    { text: 'he said "no", twice', label: "" },
    { text: "two\nlines", label: "，中文" },
    { text: "", label: '"' },
  ];
  assert.deepEqual(parseCsv(formatCsv(["text", "label"], rows)), rows);
});

test("a row with a cell too many or a stray quote is refused", () => {
  assert.throws(() => parseCsv("a,b\n1,2,3\n"), /3 cells/);
  assert.throws(() => parseCsv('a,b\n1,2"3\n'), /quoting/);
});
