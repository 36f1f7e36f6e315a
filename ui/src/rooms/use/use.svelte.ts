// The Use room's state: a text and the model's answer to it, and a file being predicted.
import { commands, type AskedFile, type Explanation, type LabelProbability, type Prediction, type Queued, type ReceivedModel } from "../../ipc/bindings";
import type { Job } from "../../project/jobs.svelte";
import { finishedRuns, mainRun, runName, type Session } from "../../project/session.svelte";
import { Task } from "../../shared/task.svelte";

type Answered = { text: string; prediction: Prediction };

/** A text and everything that was said about it. */
type Tried = { text: string; answer: Answered | null; earlier: Answered | null; explanation: Explanation | null; similar: Similar[] | "unread" | null };

export type Similar = { example: number; text: string; labels: string[]; nearness: number };

const MOST_SIMILAR = 5;

/** The job in which the model answers other programs. */
const SERVER = "server";

export class UseRoom {
  readonly task = new Task();
  readonly fileTask = new Task();
  readonly explainTask = new Task();
  readonly queueTask = new Task();
  readonly similarTask = new Task();
  readonly serverTask = new Task();
  readonly demoTask = new Task();
  readonly receivedTask = new Task();
  /** Models of the library that answer without training. */
  received = $state.raw<ReceivedModel[]>([]);
  runId = $state<string | null>(null);
  text = $state("");
  /** The answer, and the text it was given to: a text changed since has no answer yet. */
  answer = $state.raw<{ text: string; prediction: Prediction } | null>(null);
  /** Why: of the answer that is there. */
  explanation = $state.raw<Explanation | null>(null);
  /** The answer to the text as it read before. */
  #earlier = $state.raw<{ text: string; prediction: Prediction } | null>(null);
  /** Texts with labels that are like the one that was asked about; null while nobody asked. */
  similar = $state.raw<Similar[] | "unread" | null>(null);
  /** One's own texts for the demo. */
  examples = $state.raw<string[]>([]);
  /** Whether the model is being shown to others. */
  demo = $state(false);
  /** Whether it has just ended. */
  demoEnded = false;
  /** The port that other programs will ask at. */
  port = $state(8765);
  /** The run whose model answers them. */
  servedRun = $state<string | null>(null);
  /** What was last taken into the project for a label. */
  queued = $state.raw<Queued | null>(null);
  /** What stood in the room before the demo. */
  #aside: Tried | null = null;
  readonly server: Job | undefined;
  readonly job: Job | undefined;
  /** A file of which nobody has said yet which column has the texts. */
  askedFile = $state.raw<AskedFile | null>(null);
  #jobId = $state<string | null>(null);
  /** The columns with the texts of the file that was answered. */
  #textOf: string[] = [];
  #session: Session;

  constructor(session: Session) {
    this.#session = session;
    this.job = $derived(session.jobs.get(this.#jobId));
    this.server = $derived(session.jobs.get(SERVER));
  }

  /** Looks which models there are; the one that was chosen stays while it is there. */
  async load(): Promise<void> {
    this.received = (await this.receivedTask.run(() => commands.receivedModels())) ?? this.received;
    const overview = this.#session.overview;
    if (!overview) return;
    const ids = [...finishedRuns(overview).map(({ id }) => id), ...this.received.map(({ run }) => run)];
    if (this.runId === null || !ids.includes(this.runId)) this.choose(mainRun(overview)?.id ?? this.received[0]?.run ?? null);
  }

  /** The model of the library that is asked; null while it is that of a run. */
  get theirs(): ReceivedModel | null {
    return this.received.find(({ run }) => run === this.runId) ?? null;
  }

  /** How a model is called; empty when it is no longer there. */
  nameOf(id: string | null): string {
    const run = this.#session.overview?.runs.find((run) => run.id === id);
    return run ? runName(run) : (this.received.find((model) => model.run === id)?.name ?? "");
  }

  choose(id: string | null): void {
    this.runId = id;
    this.answer = null;
    this.explanation = null;
    this.#earlier = null;
    this.queued = null;
    this.similar = null;
    void this.#loadExamples();
  }

  async try(): Promise<void> {
    const run = this.runId;
    const text = this.text;
    if (run === null || text.trim() === "") return;
    const prediction = await this.task.run(() => commands.tryText(run, text));
    if (!prediction || this.runId !== run) return;
    if (this.answer?.text !== text) {
      this.#earlier = this.answer;
      this.explanation = null;
      this.similar = null;
    }
    this.answer = { text, prediction };
    // The answer need not wait for its reasons.
    void this.explain(null);
  }

  /** What speaks for a label, or for the one that is given. */
  async explain(label: string | null): Promise<void> {
    const run = this.runId;
    const answer = this.answer;
    if (run === null || answer === null) return;
    const explanation = await this.explainTask.run(() => commands.explainText(run, answer.text, label));
    if (this.answer !== answer) return;
    this.explanation = explanation ?? null;
  }

  /** The labelled texts that mean most nearly the same, as the model understood texts before it was taught. */
  async findSimilar(): Promise<void> {
    const answer = this.answer;
    if (answer === null) return;
    const found = await this.similarTask.run(async () => {
      const near = await commands.findByMeaning(answer.text, { which: "labelled" }, MOST_SIMILAR);
      if (near === null) return "unread" as const;
      const names = (await commands.labelState()).labels;
      const named = (ids: number[]): string[] => ids.map((id) => names.find((label) => label.id === id)?.name ?? "");
      return near.rows.map(({ labels, ...row }) => ({ ...row, labels: named(labels ?? []) }));
    });
    if (found && this.answer === answer) this.similar = found;
  }

  /** A label's probability before the text was changed. */
  before(label: string): number | null {
    return this.#earlier?.prediction.scores.find((score) => score.label === label)?.probability ?? null;
  }

  /** A file whose columns are called otherwise than the project's waits until somebody says which has the texts. */
  async predictFile(): Promise<void> {
    if (this.runId === null) return;
    const file = await this.fileTask.run(() => commands.pickFileToPredict());
    if (!file) return;
    if (file.text.length > 0) await this.#answer(file.path, file.text);
    else this.askedFile = file;
  }

  /** The texts of the file that waits are in this column; null gives it up. */
  async chooseColumn(column: string | null): Promise<void> {
    const file = this.askedFile;
    this.askedFile = null;
    if (file && column !== null) await this.#answer(file.path, [column]);
  }

  async #answer(path: string, text: string[]): Promise<void> {
    const run = this.runId;
    if (run === null) return;
    this.queued = null;
    const job = await this.fileTask.run(() => commands.predictFile(run, path, text));
    if (!job) return;
    this.#jobId = job;
    this.#textOf = text;
  }

  /** Takes the rows of the labelled file that a person should look at into the project. */
  async queueFile(path: string): Promise<void> {
    await this.#queue(() => commands.queueForReview(path, this.#textOf));
  }

  /** Takes the text that was asked about into the project. */
  async queueText(): Promise<void> {
    const text = this.answer?.text;
    if (text !== undefined) await this.#queue(() => commands.queueText(text));
  }

  async #queue(work: () => Promise<Queued>): Promise<void> {
    const queued = await this.queueTask.run(work);
    if (!queued) return;
    this.queued = queued;
    await this.#session.refresh();
  }

  /** To the label room, where what came last is asked about first. */
  label(): void {
    this.#session.newestFirst = true;
    this.#session.room = "labels";
  }

  async startServer(): Promise<void> {
    const run = this.runId;
    if (run === null) return;
    this.servedRun = run;
    await this.serverTask.run(() => commands.startServer(run, this.port));
  }

  async stopServer(): Promise<void> {
    await this.serverTask.run(() => commands.cancelJob(SERVER));
  }

  async keepExample(text: string): Promise<void> {
    await this.#setExamples([...this.examples, text]);
  }

  async removeExample(text: string): Promise<void> {
    await this.#setExamples(this.examples.filter((other) => other !== text));
  }

  async #setExamples(texts: string[]): Promise<void> {
    const run = this.runId;
    if (run === null) return;
    await this.demoTask.run(() => commands.setDemoExamples(run, texts));
    // Reading them would take the failure off the screen.
    if (this.demoTask.failure === null) await this.#loadExamples();
  }

  async #loadExamples(): Promise<void> {
    const run = this.runId;
    const texts = run === null ? [] : await this.demoTask.run(() => commands.demoExamples(run));
    if (texts && this.runId === run) this.examples = texts;
  }

  async beginDemo(): Promise<void> {
    // Whatever was tried last may be confidential: only what was chosen for the demo is shown.
    this.#aside = { text: this.text, answer: this.answer, earlier: this.#earlier, explanation: this.explanation, similar: this.similar };
    this.#put({ text: "", answer: null, earlier: null, explanation: null, similar: null });
    this.demo = true;
    await commands.fillScreen(true);
  }

  async endDemo(): Promise<void> {
    if (this.#aside) this.#put(this.#aside);
    this.#aside = null;
    this.demoEnded = true;
    this.demo = false;
    await commands.fillScreen(false);
  }

  #put({ text, answer, earlier, explanation, similar }: Tried): void {
    this.text = text;
    this.answer = answer;
    this.#earlier = earlier;
    this.explanation = explanation;
    this.similar = similar;
  }

  async tryExample(text: string): Promise<void> {
    this.text = text;
    await this.try();
  }

  async cancel(job: Job): Promise<void> {
    await this.fileTask.run(() => commands.cancelJob(job.id));
  }
}

export type Ranked = { shown: LabelProbability[]; others: { count: number; probability: number } | null };

/** The most probable labels, `most` at most; the rest together. */
export function ranked(scores: LabelProbability[], most: number): Ranked {
  const sorted = [...scores].sort((a, b) => b.probability - a.probability);
  const rest = sorted.slice(most);
  const probability = rest.reduce((sum, score) => sum + score.probability, 0);
  return { shown: sorted.slice(0, most), others: rest.length > 0 ? { count: rest.length, probability } : null };
}
