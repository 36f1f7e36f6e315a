// What a key means at the labelling bench. Pure, so that the rules can be read and tested in one place.
import { isPressed, takesKeys } from "../../shared/keys";

export type BenchAction =
  | { do: "label"; label: number }
  | { do: "undo" | "redo" | "skip" | "clear" | "none" | "accept" | "unsure" | "flag" | "comment" | "find" | "similar" }
  | { do: "step"; by: 1 | -1 };

type Press = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey" | "target"> & { repeat?: boolean };

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
  // A key that is held down gives one label, not as many as the keyboard can.
  if (press.altKey || press.repeat || takesKeys(press.target)) return null;
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
  // Arrows on a choice choose.
  if (press.target instanceof HTMLInputElement && key.startsWith("arrow")) return null;
  if (key === "arrowleft") return { do: "step", by: -1 };
  if (key === "arrowright") return { do: "step", by: 1 };
  if (key === "backspace" || key === "delete") return { do: "clear" };
  const pressed = isPressed(press.target);
  if (key === " " && !pressed) return { do: "accept" };
  if (!several) return null;
  if (key === "-") return { do: "none" };
  if (key === "enter" && !pressed) return { do: "skip" };
  return null;
}
