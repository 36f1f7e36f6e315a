// One short line that says what has just been done. It is spoken to screen readers and fades by itself;
// nothing is told here alone: failures stay on the page as an ErrorNote.
class Notices {
  text = $state("");
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    clearTimeout(this.#timer);
    this.text = text;
    this.#timer = setTimeout(() => (this.text = ""), 4500);
  }
}

export const notices = new Notices();
