// Whose a key press is.

/** Whether the element takes keys for itself: one writes in it or chooses in it. Boxes to tick do not. */
export function takesKeys(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  const field = target.closest("input, select, textarea, dialog, [contenteditable]");
  return field !== null && !(field instanceof HTMLInputElement && ["checkbox", "radio", "button"].includes(field.type));
}

/** Whether the space bar and Enter press what has the focus. */
export function isPressed(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("button, a, summary, input[type=checkbox], input[type=radio]:not(:checked)") !== null;
}

/** Whether a key of an input method is at work: its Enter and Escape belong to the writing. */
export function isComposing(event: KeyboardEvent): boolean {
  return event.isComposing || event.keyCode === 229;
}
