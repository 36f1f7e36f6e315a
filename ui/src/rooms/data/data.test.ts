import { describe, expect, it } from "vitest";
import type { DataSummary } from "../../ipc/bindings";
import { findings, isTable, personalColumns, withRole } from "./data.svelte";

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

  it("are none in clean data", () => {
    expect(findings({ ...summary, problem_rows: 0, conflicting_texts: 0 }, 10)).toEqual([]);
  });
});
