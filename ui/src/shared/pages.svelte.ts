// A long list that lives in the engine and is fetched a page at a time as it comes into view.
import { asFailure, type Failure } from "./task.svelte";
import { SvelteMap } from "svelte/reactivity";

export const PAGE = 100;

export type Page<Row> = { total: number; rows: Row[] };

export class Pages<Row> {
  total = $state(0);
  failure = $state.raw<Failure | null>(null);
  #pages = new SvelteMap<number, Row[]>();
  // Nothing on screen depends on it: it only keeps a page from being asked for twice.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity
  #asked = new Set<number>();
  #generation = 0;
  #wanted: [number, number] = [0, 0];
  #load: (offset: number, limit: number) => Promise<Page<Row>>;

  constructor(load: (offset: number, limit: number) => Promise<Page<Row>>) {
    this.#load = load;
  }

  /** The row at `index`, or undefined while its page is on its way. */
  at(index: number): Row | undefined {
    return this.#pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  /** Fetches what is missing of the rows `first..=last`. */
  async want(first: number, last: number): Promise<void> {
    this.#wanted = [first, last];
    const from = Math.floor(Math.max(0, first) / PAGE);
    const to = Math.floor(Math.max(0, last) / PAGE);
    const waits: Promise<void>[] = [];
    for (let page = from; page <= to; page++) waits.push(this.#fetch(page));
    await Promise.all(waits);
  }

  /** Forgets everything and fetches the first page, and what is on screen: the filter or the rows themselves have changed. */
  async reset(): Promise<void> {
    const generation = ++this.#generation;
    this.#asked.clear();
    await this.#fetch(0, true);
    // Where as many rows are there as before, nothing scrolls, and nobody would ask for them again.
    const [first, last] = this.#wanted;
    if (generation === this.#generation && first < this.total) await this.want(first, Math.min(last, this.total - 1));
  }

  async #fetch(page: number, clear = false): Promise<void> {
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    const generation = this.#generation;
    try {
      const { total, rows } = await this.#load(page * PAGE, PAGE);
      if (generation !== this.#generation) return;
      if (clear) this.#pages.clear();
      this.#pages.set(page, rows);
      this.total = total;
      this.failure = null;
    } catch (error) {
      if (generation !== this.#generation) return;
      this.#asked.delete(page);
      this.failure = asFailure(error);
    }
  }
}
