// What the labels alone give away about the data: values that stand for "nothing", and classes of very different sizes.
import type { Label } from "../../ipc/bindings";

/** How spreadsheets, databases and people write that there is no value. */
const NOTHING = new Set([
  "nan", "null", "none", "nil", "n/a", "#n/a", "na", "undefined", "unknown", "missing", "-", "--", "?", "无", "空", "未知", "缺失", "暂无",
]);
/** From how many times as many rows on a class overshadows another one. */
const FAR_APART = 10;

/** Labels in use that are probably empty cells. */
export function emptyWords(labels: Label[]): Label[] {
  return labels.filter((label) => label.count > 0 && NOTHING.has(label.name.trim().toLowerCase()));
}

export type Imbalance = { most: Label; least: Label; times: number };

/** The largest and the smallest class, where they are far apart; null otherwise. */
export function imbalance(labels: Label[]): Imbalance | null {
  const bySize = labels.filter((label) => label.count > 0).toSorted((a, b) => b.count - a.count);
  const [most, least] = [bySize[0], bySize.at(-1)];
  if (!most || !least) return null;
  const times = Math.floor(most.count / least.count);
  return times >= FAR_APART ? { most, least, times } : null;
}
