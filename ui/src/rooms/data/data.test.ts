import { describe, expect, it } from "vitest";
import type { DataSummary } from "../../ipc/bindings";
import { findings, isTable, mixedFiles, personalColumns, withRole } from "./data.svelte";

describe("column roles", () => {
  it("are held by one column each: the former holder is ignored", () => {
    expect(withRole(["text", "label", "ignore"], 2, "text")).toEqual(["ignore", "label", "text"]);
  });

  it("are shared by columns of yes and no that are a label each", () => {
    expect(withRole(["text", "label", "ignore"], 2, "label", [false, true, true])).toEqual(["text", "label", "label"]);
    expect(withRole(["text", "label", "ignore"], 2, "label", [false, false, true])).toEqual(["text", "ignore", "label"]);
  });

  it("leave any number of columns ignored", () => {
    expect(withRole(["text", "ignore", "label"], 2, "ignore")).toEqual(["text", "ignore", "ignore"]);
  });
});

describe("what is pasted", () => {
  it("is a table when it has several lines", () => {
    expect([isTable("text\tlabel\na\tb"), isTable("a word\n"), isTable("")]).toEqual([true, false, false]);
  });
});

describe("findings", () => {
  const summary = { rows: 10, problem_rows: 1, duplicate_rows: 0, conflicting_texts: 2, empty_texts: 0 } as DataSummary;

  it("name what is there, the most serious first", () => {
    expect(findings(summary, 7).map((f) => [f.kind, f.n])).toEqual([["problems", 1], ["conflicts", 2], ["unlabelled", 3]]);
  });

  it("tell personal columns that the model reads from those beside the texts", () => {
    const columns = [{ name: "patient", in_text: false }, { name: "address", in_text: true }, { name: "phone", in_text: false }];
    expect(personalColumns({ ...summary, personal_columns: columns })).toEqual({ read: ["address"], beside: ["patient", "phone"] });
  });

  it("tell of rows in another encoding only those of a file's latest version", () => {
    const gbk = { encoding: "GBK", rows: 1, first_rows: [5], example: 4 };
    const source = { file_name: "a.csv", rows: 1, sha256: "", imported_at: "", mixed: [gbk] };
    const sources = [source, { ...source, file_name: "b.csv", mixed: [] }, { ...source, mixed: [{ ...gbk, example: 9 }] }];
    expect(mixedFiles({ ...summary, sources })).toEqual([{ file: "a.csv", mixed: { ...gbk, example: 9 } }]);
  });

  it("are none in clean data", () => {
    expect(findings({ ...summary, problem_rows: 0, conflicting_texts: 0 }, 10)).toEqual([]);
  });
});
