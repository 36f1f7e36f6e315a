import { expect, test } from "vitest";
import type { CleaningProposal, TextRule } from "../../ipc/bindings";
import { chosenRules, ruleKey } from "./cleaning.svelte";

const proposal = (rule: TextRule): CleaningProposal => ({ rule, rows: 1, examples: [] });

test("personal data of all chosen kinds are replaced by one rule, in the place of the first", () => {
  const proposals = [
    proposal({ kind: "markup" }), proposal({ kind: "deidentify", kinds: ["email"] }), proposal({ kind: "deidentify", kinds: ["phone"] }),
    proposal({ kind: "whitespace" }),
  ];
  const keys = proposals.map(({ rule }) => ruleKey(rule));
  expect(keys).toEqual(["markup", "deidentify_email", "deidentify_phone", "whitespace"]);
  expect(chosenRules(proposals, new Set(keys))).toEqual([
    { kind: "markup" }, { kind: "deidentify", kinds: ["email", "phone"] }, { kind: "whitespace" },
  ]);
  expect(chosenRules(proposals, new Set(["deidentify_phone"]))).toEqual([{ kind: "deidentify", kinds: ["phone"] }]);
  expect(proposals[1]?.rule).toEqual({ kind: "deidentify", kinds: ["email"] });
});
