// The two catalogues and the types drawn from them: a key that English lacks does not compile.
import en from "../../../../resources/messages/window.en.json";
import zh from "../../../../resources/messages/window.zh.json";

type FlatKey = keyof typeof en;

/** Keys as the code names them: `rows.one` and `rows.other` are both `rows`. */
export type MessageKey = FlatKey extends infer K ? (K extends `${infer Base}.${"one" | "other"}` ? Base : K) : never;

/** Numbers are written as the language writes them; strings go in as they are. */
export type MessageValues = Record<string, string | number>;

export type Locale = "en" | "zh-CN";

const catalogues: Record<Locale, Record<string, string>> = { en, "zh-CN": zh };

/**
 * The text of `key` in `locale`. With a value `n` the plural form is chosen by it; Chinese has
 * only the form `.other`. A key that exists nowhere is shown as itself: visible, never blank.
 */
export function message(locale: Locale, key: MessageKey, values: MessageValues = {}): string {
  const catalogue = catalogues[locale];
  const n = values["n"];
  const form = typeof n === "number" ? new Intl.PluralRules(locale).select(n) : "other";
  const text = catalogue[key] ?? catalogue[`${key}.${form}`] ?? catalogue[`${key}.other`] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? new Intl.NumberFormat(locale).format(value) : value;
  });
}
