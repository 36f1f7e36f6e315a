// Several people: who labels, how far they agree, where somebody has to decide; answers as files, and labels for other tools.
import {
  commands, type Disagreement, type DisagreementPage, type Exported, type ExportFormat, type People, type SentFile, type Taken,
} from "../../ipc/bindings";
import { Task } from "../../shared/task.svelte";
import type { LabelsRoom } from "./labels.svelte";

/** Texts of a page. */
const PAGE = 20;

export class PeopleList {
  readonly task = new Task();
  state = $state.raw<People | null>(null);
  page = $state.raw<DisagreementPage | null>(null);
  sent = $state.raw<SentFile | null>(null);
  taken = $state.raw<Taken | null>(null);
  exported = $state.raw<Exported | null>(null);
  #room: LabelsRoom;

  constructor(room: LabelsRoom) {
    this.#room = room;
  }

  async load(): Promise<void> {
    const found = await this.task.run(async () => [await commands.people(), await commands.disagreementsPage(0, PAGE)] as const);
    if (found) [this.state, this.page] = found;
  }

  async become(name: string): Promise<void> {
    await this.#room.become(name);
    await this.load();
  }

  async share(percent: number): Promise<void> {
    await this.task.run(() => commands.setSecondShare(percent));
    await this.load();
  }

  async decide(text: Disagreement, labels: number[]): Promise<void> {
    if (await this.#room.decide(text.example, labels)) await this.load();
  }

  async send(): Promise<void> {
    this.sent = (await this.task.run(() => commands.sendAnswers())) ?? null;
  }

  async take(): Promise<void> {
    this.taken = (await this.task.run(() => commands.takeAnswers())) ?? null;
    if (!this.taken) return;
    await this.#room.refreshed();
    await this.load();
  }

  async save(format: ExportFormat, onlyLabelled: boolean): Promise<void> {
    this.exported = (await this.task.run(() => commands.exportLabels(format, onlyLabelled))) ?? null;
  }
}
