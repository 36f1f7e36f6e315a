// The language on screen. Everything that reads `i18n.locale` is drawn again when it changes.
import { message, type Locale, type MessageKey, type MessageValues } from "./messages";

class I18n {
  language = $state<"en" | "zh">("en");
  /** Always one of two tags that Intl knows: WebKitGTK may call the system's language "C". */
  readonly locale: Locale = $derived(this.language === "zh" ? "zh-CN" : "en");
}

export const i18n = new I18n();

/** The text of `key` in the language on screen. */
export function t(key: MessageKey, values?: MessageValues): string {
  return message(i18n.locale, key, values);
}

/** The half of a two-language text that belongs on screen. */
export function local(text: { en: string; zh: string }): string {
  return text[i18n.language];
}
