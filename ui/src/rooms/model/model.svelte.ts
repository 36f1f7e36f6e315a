// The Model room's state: the models there are and what fits, this machine, downloads and copies on their way, the hub, the
// library, the connections.
import {
  commands, type Connections, type FoundModel, type HubSearch, type Machine, type ModelCard, type ModelShelf, type ModelUse,
  type NetworkSettings, type NetworkState, type Secret,
} from "../../ipc/bindings";
import type { Job } from "../../project/jobs.svelte";
import type { Session } from "../../project/session.svelte";
import { Task, type Failure } from "../../shared/task.svelte";

export type View = "choose" | "hub" | "library" | "network";
export const VIEWS: readonly View[] = ["choose", "hub", "library", "network"];

export class ModelRoom {
  /** What the user does. */
  readonly task = new Task();
  /** What is read again for the screen: it must not overtake what the user does. */
  readonly reading = new Task();
  readonly #measuring = new Task();
  view = $state<View>("choose");
  shelf = $state.raw<ModelShelf | null>(null);
  machine = $state.raw<Machine | null>(null);
  readonly hub = new Hub();
  readonly network = new Network();
  uses = $state.raw<ModelUse[]>([]);
  /** Every file of a model is being read again, or was. */
  readonly verifying = new Task();
  verified = $state("");
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async load(): Promise<void> {
    await this.reading.run(async () => {
      this.shelf = await commands.modelShelf();
      this.machine = await commands.machine();
    });
    if (this.shelf && !this.shelf.measured && !this.measuring) await this.measure();
  }

  get failure(): Failure | null {
    return this.task.failure ?? this.verifying.failure ?? this.#measuring.failure ?? this.reading.failure;
  }

  /** Whether this machine is being measured. */
  get measuring(): boolean {
    return this.#measuring.busy;
  }

  /** A few seconds of all cores, once on each machine: then times can be told. */
  async measure(): Promise<void> {
    this.shelf = (await this.#measuring.run(() => commands.measureMachine())) ?? this.shelf;
  }

  async open(view: View): Promise<void> {
    this.view = view;
    if (view === "library") this.uses = (await this.reading.run(() => commands.modelUses())) ?? this.uses;
    if (view === "network") await this.network.load();
  }

  async choose(id: string): Promise<void> {
    const overview = await this.task.run(() => commands.chooseModel(id));
    if (overview) this.#session.overview = overview;
  }

  async fetch(id: string): Promise<void> {
    await this.task.run(() => commands.fetchModel(id));
  }

  /** The latest download of a model; its job is named after it, so that it is found whenever the room is opened. */
  download(id: string): Job | undefined {
    return this.#session.jobs.get(`fetch ${id}`);
  }

  /** The latest copy of models. */
  get copying(): Job | undefined {
    return this.#session.jobs.get("copy models");
  }

  /** How often a job has ended: what there is may have changed then. */
  get ended(): number {
    return this.#session.jobs.endings;
  }

  async stop(job: Job): Promise<void> {
    await this.task.run(() => commands.cancelJob(job.id));
  }

  async discard(id: string): Promise<void> {
    await this.task.run(() => commands.discardDownload(id));
    await this.#reload();
  }

  async remove(id: string): Promise<void> {
    await this.task.run(() => commands.removeModel(id));
    await this.#reload();
  }

  async verify(id: string): Promise<void> {
    this.verified = "";
    const done = await this.verifying.run(async () => (await commands.verifyModel(id), true));
    if (done) this.verified = id;
  }

  /** Starts what `work` answers with a job for; nothing when the user gave up choosing. */
  async copy(work: () => Promise<string | null>): Promise<void> {
    await this.task.run(work);
  }

  async #reload(): Promise<void> {
    if (this.task.failure) return;
    await this.load();
    await this.#session.refresh();
    this.uses = (await this.reading.run(() => commands.modelUses())) ?? this.uses;
  }
}

/** Models that the hub has besides. Nothing is asked before the user asks. */
export class Hub {
  readonly task = new Task();
  /** What is looked for; it stays while one looks at something else. */
  words = $state("");
  language = $state("");
  made = $state("");
  found = $state.raw<FoundModel[] | null>(null);
  looked = $state.raw<ModelCard | null>(null);

  async search(): Promise<void> {
    this.looked = null;
    // The hub's own words have hyphens.
    const search: HubSearch = { words: this.words, language: this.language || null, task: this.made.replace("_", "-") || null };
    this.found = (await this.task.run(() => commands.searchHub(search))) ?? this.found;
  }

  async look(id: string): Promise<void> {
    this.looked = (await this.task.run(() => commands.lookAtModel(id))) ?? this.looked;
  }
}

/** How to reach the hub, and every connection that was opened. */
export class Network {
  readonly task = new Task();
  state = $state.raw<NetworkState | null>(null);
  connections = $state.raw<Connections | null>(null);
  #saved: Promise<void> = Promise.resolve();

  async load(): Promise<void> {
    await this.task.run(async () => {
      this.state = await commands.networkState();
      this.connections = await commands.connections();
    });
  }

  /** One change after the other: each builds on what the one before has made of the settings. */
  save(change: Partial<NetworkSettings>): Promise<void> {
    this.#saved = this.#saved.then(async () => {
      if (!this.state) return;
      const settings = { ...this.state.settings, ...change };
      this.state = (await this.task.run(() => commands.saveNetwork(settings))) ?? this.state;
    });
    return this.#saved;
  }

  async keep(secret: Secret, value: string): Promise<boolean> {
    const state = await this.task.run(() => commands.keepSecret(secret, value));
    if (state) this.state = state;
    return state !== undefined;
  }
}
