// What the whole window shares: the settings, the open project's overview, the room on screen, the jobs.
// All of it is the engine's; the window keeps the last answer and asks again after each change.
import {
  commands, events, type AppInfo, type Overview, type RoomState, type Rooms, type RunSummary, type Settings, type WorkEvent,
} from "../ipc/bindings";
import { moment } from "../shared/i18n/format";
import { i18n, t } from "../shared/i18n/i18n.svelte";
import { Task } from "../shared/task.svelte";
import { theme } from "../shared/theme.svelte";
import { Jobs } from "./jobs.svelte";

export type RoomName = keyof Rooms;
export const ROOMS: readonly RoomName[] = ["data", "labels", "split", "model", "train", "results", "use"];

/** The work that goes on, by what came last about each kind. */
export function withNews(work: readonly WorkEvent[], news: WorkEvent): readonly WorkEvent[] {
  if (news.done === null) return work.filter(({ kind }) => kind !== news.kind);
  return work.some(({ kind }) => kind === news.kind) ? work.map((one) => (one.kind === news.kind ? news : one)) : [...work, news];
}

export class Session {
  info = $state.raw<AppInfo | null>(null);
  overview = $state.raw<Overview | null>(null);
  room = $state<RoomName>("data");
  /** Whether the label room is to ask next about what came to the project last. */
  newestFirst = false;
  readonly task = new Task();
  /** Apart from `task`: a change of language must not be overtaken by a refresh. */
  readonly settingsTask = new Task();
  readonly jobs = new Jobs(() => this.refresh());
  /** Long work in the app itself, while there is any. */
  work = $state.raw<readonly WorkEvent[]>([]);

  /** Reads settings and recent projects, and begins to listen. */
  async begin(): Promise<void> {
    await this.task.run(async () => {
      await this.jobs.listen();
      await events.workEvent.listen(({ payload }) => (this.work = withNews(this.work, payload)));
      this.#take(await commands.appInfo());
    });
  }

  /** Opens what `work` answers with, in the first room that still wants something. */
  async open(work: () => Promise<Overview | null>): Promise<void> {
    const overview = await this.task.run(work);
    if (!overview) return;
    this.overview = overview;
    this.room = firstOpenRoom(overview.rooms);
  }

  async close(): Promise<void> {
    await this.task.run(async () => {
      await commands.closeProject();
      this.overview = null;
      this.#take(await commands.appInfo());
    });
  }

  /** Asks for the overview again: something in the project has changed. */
  async refresh(): Promise<void> {
    if (!this.overview) return;
    const overview = await this.task.run(() => commands.overview());
    if (overview && this.overview) this.overview = overview;
  }

  /** The new language or theme is on screen at once and kept by the engine. */
  async change(settings: Partial<Settings>): Promise<void> {
    const now = this.info?.settings ?? { language: null, theme: "system" };
    const next = { ...now, ...settings };
    theme.choice = next.theme;
    const info = await this.settingsTask.run(() => commands.saveSettings(next));
    // Only now: the engine writes its sentences in the new language when the rooms ask again.
    if (info) this.#take(info);
    else if (next.language) i18n.language = next.language;
  }

  #take(info: AppInfo): void {
    this.info = info;
    i18n.language = info.language;
    theme.choice = info.settings.theme;
  }
}

/** Where to go on: the first room that is not done, Data in a new project. */
export function firstOpenRoom(rooms: Record<RoomName, RoomState>): RoomName {
  const open = ROOMS.find((room) => rooms[room] !== "done");
  // "Use" asks for nothing; when all before it is done, the results are what one came back for.
  return open === undefined || open === "use" ? "results" : open;
}

export function finishedRuns(overview: Overview): RunSummary[] {
  return overview.runs.filter((run) => run.status === "finished");
}

/** The run that the rooms begin with: the latest finished one, and one of a single fold only where there is no other. */
export function mainRun(overview: Overview): RunSummary | undefined {
  const runs = finishedRuns(overview);
  return runs.find((run) => run.fold === null) ?? runs[0];
}

/** A run in a list: when it began, and of which fold it is. */
export function runName(run: RunSummary): string {
  const fold = run.fold && t("cross.fold_of", { fold: run.fold.number, folds: run.fold.of });
  return fold ? `${moment(run.created_at)} · ${fold}` : moment(run.created_at);
}

export function activeRun(overview: Overview): RunSummary | undefined {
  return overview.runs.find((run) => run.status === "running" || run.status === "queued");
}
