// Light or dark, as chosen or as the desktop has it. The document carries the result as data-theme.
export type ThemeChoice = "system" | "light" | "dark";

class ThemeState {
  choice = $state<ThemeChoice>("system");
  #systemDark = $state(false);
  readonly shown: "light" | "dark" = $derived(
    this.choice === "system" ? (this.#systemDark ? "dark" : "light") : this.choice,
  );

  constructor() {
    if (typeof matchMedia !== "function") return;
    const query = matchMedia("(prefers-color-scheme: dark)");
    this.#systemDark = query.matches;
    query.addEventListener("change", (event) => (this.#systemDark = event.matches));
  }
}

export const theme = new ThemeState();
