// What cleaning could do and what of it is chosen: the state of one dialog.
import { SvelteSet } from "svelte/reactivity";
import { commands, type CleaningLook, type CleaningProposal, type CleaningRule, type LanguageCount, type PersonalKind, type TextRule } from "../../ipc/bindings";
import { Task } from "../../shared/task.svelte";

/** Rules that mend what went wrong, that hide who is meant, and that change what was written on purpose. */
export type Group = "repair" | "personal" | "change";

export const GROUPS: Record<TextRule["kind"], Group> = {
  mojibake: "repair", markup: "repair", control_characters: "repair", whitespace: "repair", boilerplate: "repair",
  deidentify: "personal", mask_emails: "personal",
  width: "change", compatibility: "change", simplified: "change", traditional: "change", mask_urls: "change", mask_numbers: "change",
  symbols: "change", lowercase: "change",
};

/** Chosen from the start: what nobody misses. */
const HARMLESS: readonly TextRule["kind"][] = ["mojibake", "markup", "control_characters", "whitespace"];

export type RuleKey = Exclude<TextRule["kind"], "deidentify"> | `deidentify_${PersonalKind}`;

/** A rule's own name; personal data are proposed kind by kind. */
export function ruleKey(rule: TextRule): RuleKey {
  return rule.kind === "deidentify" ? `deidentify_${rule.kinds[0] ?? "name"}` : rule.kind;
}

/** The rules as they are applied: in the order of the proposals, all personal data by one. */
export function chosenRules(proposals: CleaningProposal[], chosen: ReadonlySet<string>): TextRule[] {
  const rules: TextRule[] = [];
  for (const { rule } of proposals.filter((proposal) => chosen.has(ruleKey(proposal.rule)))) {
    const before = rules.find((other) => other.kind === "deidentify");
    if (rule.kind === "deidentify" && before?.kind === "deidentify") before.kinds = [...before.kinds, ...rule.kinds];
    else rules.push({ ...rule });
  }
  return rules;
}

export class CleaningPlan {
  readonly task = new Task();
  found = $state.raw<CleaningLook | null>(null);
  readonly chosen = new SvelteSet<string>();
  readonly kept = new SvelteSet<string>();
  /** Characters; 0 hides nothing. */
  shorter = $state(0);
  longer = $state(0);

  get proposals(): CleaningProposal[] {
    return this.found?.proposals ?? [];
  }

  get languages(): LanguageCount[] {
    return this.found?.languages ?? [];
  }

  /** Looks at all texts anew: something may have changed since. */
  async look(): Promise<void> {
    this.found = null;
    this.chosen.clear();
    this.kept.clear();
    this.shorter = 0;
    this.longer = 0;
    const found = await this.task.run(() => commands.cleaningLook());
    if (!found) return;
    for (const { rule } of found.proposals) if (HARMLESS.includes(rule.kind)) this.chosen.add(rule.kind);
    for (const { language } of found.languages) this.kept.add(language);
    this.found = found;
  }

  choose(key: string, wanted: boolean): void {
    if (wanted) this.chosen.add(key);
    else this.chosen.delete(key);
  }

  keep(language: string, wanted: boolean): void {
    if (wanted) this.kept.add(language);
    else this.kept.delete(language);
  }

  /** What is to be done: the texts first, then what hides rows by them. */
  rules(): CleaningRule[] {
    const rules: CleaningRule[] = chosenRules(this.proposals, this.chosen);
    if (this.shorter > 0) rules.push({ kind: "drop_short", characters: this.shorter });
    if (this.longer > 0) rules.push({ kind: "drop_long", characters: this.longer });
    // Those given up, not those kept: cleaned texts may be told to be in a language that nobody was asked about.
    const languages = this.languages.map(({ language }) => language).filter((language) => !this.kept.has(language));
    if (languages.length > 0) rules.push({ kind: "drop_languages", languages });
    return rules;
  }
}
