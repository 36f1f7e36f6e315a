// One piece of asynchronous work: whether it runs, and how the last one failed.
// A failure is kept for the screen, never swallowed and never thrown on.

/** What a person is told of a failure; the engine's errors have this shape already. */
export type Failure = { kind: string; what: string; why: string; next: string };

function isFailure(error: unknown): error is Failure {
  return typeof error === "object" && error !== null && "what" in error && "next" in error;
}

/** Any thrown thing as a Failure. What is not the engine's own is a fault of the program and shown as it is. */
export function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error;
  const why = error instanceof Error ? error.message : String(error);
  return { kind: "internal", what: "", why, next: "" };
}

export class Task {
  busy = $state(false);
  failure = $state.raw<Failure | null>(null);
  #latest = 0;

  /**
   * Runs `work`; its result, or undefined when it failed or a later call overtook it:
   * an answer that comes late never replaces a newer one.
   */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const ticket = ++this.#latest;
    this.busy = true;
    this.failure = null;
    try {
      const result = await work();
      return ticket === this.#latest ? result : undefined;
    } catch (error) {
      if (ticket === this.#latest) this.failure = asFailure(error);
      return undefined;
    } finally {
      if (ticket === this.#latest) this.busy = false;
    }
  }
}
