// What a key means at the labelling bench. Pure, so that the rules can be read and tested in one place.

export type BenchAction =
  | { do: "label"; label: number }
  | { do: "undo" | "redo" | "skip" | "clear" | "none" | "accept" | "unsure" | "flag" | "comment" | "find" | "similar" }
  | { do: "step"; by: 1 | -1 };

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "target">;

/** Signs, so that they never take a label's key; as they come from a Latin and from a Chinese keyboard. */
const SIGNS: Record<string, BenchAction["do"]> = {
  "?": "unsure", "？": "unsure", "!": "flag", "！": "flag", ";": "comment", "；": "comment", "=": "similar", "＝": "similar",
};

/**
 * The action of a key press, or null where the key belongs to someone else: in a field or a dialog
 * keys write and choose. A label's own key wins over the room's (S skips unless a label is S). Where a row may
 * carry several labels, Enter goes on and - says that none applies.
 */
export function benchKey(press: Press, labelOf: (key: string) => number | undefined, several = false): BenchAction | null {
  if (press.altKey || takesKeys(press.target)) return null;
  const key = press.key.toLowerCase();
  if (press.ctrlKey || press.metaKey) {
    if (key === "z") return { do: press.shiftKey ? "redo" : "undo" };
    if (key === "y") return { do: "redo" };
    if (key === "f") return { do: "find" };
    return null;
  }
  const label = labelOf(key);
  if (label !== undefined) return { do: "label", label };
  const sign = SIGNS[key];
  if (sign) return { do: sign } as BenchAction;
  if (key === "s") return { do: "skip" };
  if (key === "arrowleft") return { do: "step", by: -1 };
  if (key === "arrowright") return { do: "step", by: 1 };
  if (key === "backspace" || key === "delete") return { do: "clear" };
  // On a button the space bar and Enter press it.
  const pressed = press.target instanceof Element && press.target.closest("button, a, summary") !== null;
  if (key === " " && !pressed) return { do: "accept" };
  if (!several) return null;
  if (key === "-") return { do: "none" };
  if (key === "enter" && !pressed) return { do: "skip" };
  return null;
}

function takesKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, select, textarea, dialog, [contenteditable]") !== null;
}
