// Numbers, shares, times and sizes as the language on screen writes them.
import { i18n, t } from "./i18n.svelte";

/** A number with at most `digits` decimals (0 unless told). */
export function number(value: number, digits = 0): string {
  return new Intl.NumberFormat(i18n.locale, { maximumFractionDigits: digits }).format(value);
}

/** A score or loss with exactly `digits` decimals, so that columns align. */
export function fixed(value: number, digits: number): string {
  return new Intl.NumberFormat(i18n.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** A share 0..1 as a percentage. */
export function percent(share: number, digits = 0): string {
  return new Intl.NumberFormat(i18n.locale, {
    style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(share);
}


/** An ISO time as a short date and time; what is not a time is shown as it came. */
export function moment(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  return new Intl.DateTimeFormat(i18n.locale, { dateStyle: "medium", timeStyle: "short" }).format(time);
}

/** Seconds as "45 s", "3 min 20 s" or "2 h 5 min": two units at most. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return t("time.seconds", { s: whole });
  const minutes = Math.floor(whole / 60);
  if (minutes < 10 && whole % 60 > 0) return t("time.minutes_seconds", { m: minutes, s: whole % 60 });
  const rounded = Math.round(whole / 60);
  if (rounded < 60) return t("time.minutes", { m: rounded });
  const hours = Math.floor(rounded / 60);
  return rounded % 60 === 0 ? t("time.hours", { h: hours }) : t("time.hours_minutes", { h: hours, m: rounded % 60 });
}

/** Bytes in the unit a person would choose (decimal, as file managers show). */
export function bytes(size: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;
  const step = Math.min(units.length - 1, size < 1 ? 0 : Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** step;
  return new Intl.NumberFormat(i18n.locale, {
    style: "unit", unit: units[step] ?? "byte", unitDisplay: "short", maximumFractionDigits: value < 10 && step > 0 ? 1 : 0,
  }).format(value);
}

/** A count of parameters in millions. */
export function millions(count: number): string {
  return new Intl.NumberFormat(i18n.locale, { notation: "compact", maximumFractionDigits: 1 }).format(count);
}

/** A language's name in the language on screen; a code that Intl does not know stays as it is. */
export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(i18n.locale, { type: "language", fallback: "code" }).of(code === "cmn" ? "zh" : code) ?? code;
  } catch {
    return code;
  }
}
