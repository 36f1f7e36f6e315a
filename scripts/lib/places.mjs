// Where things are in this repository, and the environment that its programs run in.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
export const TARGET = resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");
export const COMMAND_LINE = resolve(TARGET, "debug/understudy");
export const APP = resolve(TARGET, "debug/understudy-app");

export function readText(path) {
  return readFileSync(resolve(ROOT, path), "utf8");
}

/**
 * The given environment with a real locale. In "C" or "C.UTF-8" WebKit calls its language "C", which
 * `new Intl.NumberFormat` refuses: the window would stay blank without a word.
 */
export function withRealLocale(environment) {
  const { LC_ALL, LC_CTYPE, LC_MESSAGES, ...rest } = environment;
  const effective = [LC_CTYPE, LC_MESSAGES].map((own) => LC_ALL || own || rest.LANG || "C");
  if (!effective.some((locale) => /^(C|POSIX)(\.|$)/.test(locale))) return environment;
  return { ...rest, LANG: "en_US.UTF-8" };
}
