// What is worked out about the labels themselves.
import type { Label, LabelPart, LabelState, TextGroup } from "../../ipc/bindings";

/** What the engine says of the labels, of which those that are as before stay the same objects: only what changed is drawn
    again, which matters with hundreds of labels. */
export function withoutNeedlessChange(before: LabelState | null, state: LabelState): LabelState {
  const known = new Map(before?.labels.map((label) => [label.id, label]));
  const labels = state.labels.map((label) => {
    const old = known.get(label.id);
    return old && (Object.keys(label) as (keyof Label)[]).every((key) => old[key] === label[key]) ? old : label;
  });
  return { ...state, labels };
}

/** Rows whose labels changed between two states, at least: where a row may carry several it is no more than a guess. */
export function moved(before: LabelState | null, after: LabelState): number {
  const counts = new Map(before?.labels.map(({ id, count }) => [id, count]));
  const differences = after.labels.map(({ id, count }) => Math.abs(count - (counts.get(id) ?? 0)));
  for (const { id, count } of before?.labels ?? []) if (!after.labels.some((label) => label.id === id)) differences.push(count);
  return Math.max(1, Math.max(0, ...differences));
}

/** What the named groups become; a group without a name, or with the label's own, keeps it. Groups of one name are one part. */
export function partsOf(groups: readonly TextGroup[], names: readonly string[], own: string): LabelPart[] {
  const parts = new Map<string, number[]>();
  groups.forEach(({ examples }, i) => {
    const name = (names[i] ?? "").trim();
    if (name !== "" && name !== own) parts.set(name, [...(parts.get(name) ?? []), ...examples]);
  });
  return [...parts].map(([name, examples]) => ({ name, examples }));
}
