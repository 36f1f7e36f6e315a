// What a card says of a model, in words.
import type { Domain, ModelCard } from "../../ipc/bindings";
import { bytes, duration, languageName, number } from "../../shared/i18n/format";
import { i18n, t } from "../../shared/i18n/i18n.svelte";

export type Filter = { words: string; language: string; domain: Domain | ""; only: "all" | "fits" | "here" };

export const DOMAINS: readonly Domain[] = ["general", "sentences", "legal", "medical", "scientific"];

/** The languages in a few words: three by name, the others by number. */
export function languages(model: ModelCard): string {
  if (model.languages.length === 0) return t("model.languages_unknown");
  const named = model.languages.slice(0, model.languages.length > 4 ? 3 : 4).map(languageName);
  const list = new Intl.ListFormat(i18n.locale, { type: "unit", style: "short" }).format(named);
  return model.multilingual || model.languages.length > 4 ? t("model.languages_more", { list }) : list;
}

/** Whether it can be trained here, how long that takes and what it needs. */
export function fitWords(model: ModelCard): string {
  const { fit } = model;
  const memory = bytes(fit.training_mb * 1e6);
  if (fit.training === "does_not_fit") return t("model.fit.does_not_fit", { memory });
  return fit.training_seconds === null
    ? t(`model.fit_memory.${fit.training}`, { memory })
    : t(`model.fit.${fit.training}`, { memory, time: duration(60 * Math.ceil(fit.training_seconds / 60)) });
}

/** The licence and what it allows, as far as it is known here. */
export function licence(model: ModelCard): string {
  const name = model.licence ?? t("model.licence_none");
  return model.recommended_by_us ? `${name} · ${t(`model.commercial.${model.commercial_use}`)}` : name;
}

/** What it needs to answer, once it is trained. */
export function useWords(model: ModelCard): string {
  const { fit } = model;
  const memory = bytes(fit.answering_mb * 1e6);
  return fit.texts_per_second === null ? t("model.use_memory", { memory }) : t("model.use", { memory, n: number(fit.texts_per_second, fit.texts_per_second < 10 ? 1 : 0) });
}

export function matches(model: ModelCard, filter: Filter): boolean {
  const words = filter.words.trim().toLowerCase();
  const text = `${model.id} ${model.name} ${model.description?.en ?? ""} ${model.description?.zh ?? ""}`.toLowerCase();
  return (
    (words === "" || text.includes(words)) &&
    (filter.language === "" || model.languages.includes(filter.language)) &&
    (filter.domain === "" || model.domain === filter.domain) &&
    (filter.only !== "fits" || model.fit.training === "fits") &&
    (filter.only !== "here" || model.installed || model.arrived_bytes !== null || model.cached)
  );
}
