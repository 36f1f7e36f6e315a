// A run as it might go: falling loss, rising scores, and the results at its end.
import type {
  EpochScores, Examined, Explanation, GroupBy, Prediction, Preset, RunHistory, RunResults, RunSummary, Scores, TrainPlan, TrainSettings, WrongFilter, WrongGroup, WrongPage,
} from "../../src/ipc/bindings";
import type { MockProject } from "./project";

export const SETTINGS: TrainSettings = {
  model: "all-MiniLM-L6-v2", epochs: 3, trainings: 1, batch_size: 16, learning_rate: 5e-5, weight_decay: 0.01, warmup_ratio: 0.1,
  dropout: 0.1, max_grad_norm: 1, max_length: 128, seed: 0, method: "full", lora_rank: 8, trained_layers: 0, layer_decay: 1,
  precision: "bf16", device: "cpu", pooling: "mean", head_epochs: 20, label_smoothing: 0, class_weights: false, accumulation_steps: 1,
  recompute: false, windows: 1, window_pooling: "mean", truncation: "head", patience: 0, average_with_start: true, preset: "balanced",
};

function presetSettings(preset: Preset): TrainSettings {
  if (preset === "quick") return { ...SETTINGS, preset, method: "head", epochs: 20, patience: 6 };
  return { ...SETTINGS, preset };
}

const STEPS = 60;

export function plan(project: MockProject, preset: Preset | null, settings: TrainSettings | null, blocker: string, why: string): TrainPlan {
  const rows = (part: string): number => project.split?.parts.find((p) => p.part === part)?.rows ?? 0;
  const finished = project.runs.find((run) => run.status === "finished");
  return {
    settings: settings ?? presetSettings(preset ?? "balanced"), memory_mb: 412, memory_free_mb: 9000,
    choices: [{ setting: "pooling", value: "mean", why }], train_rows: rows("train"), validation_rows: rows("validation"), test_rows: rows("test"),
    labels: project.labels.length, steps: STEPS, truncated: 0.04, tokens_read: 128, seconds: finished ? 62 : null,
    blockers: project.split ? [] : [{ kind: "no_split", what: blocker, why: "", next: "" }],
  };
}

export function newRun(settings: TrainSettings, index: number): RunSummary {
  return {
    id: `run-${index}`, status: "running", model: settings.model, created_at: new Date(Date.UTC(2026, 10, 23, 9, 40 + index)).toISOString(),
    seconds: null, epochs: settings.epochs, epochs_done: 0, kept_epochs: [], trained_share: null, validation_macro_f1: null, test_accuracy: null, test_micro_f1: null,
    test_macro_f1: null, fold: null, resumable: false, reason: null,
  };
}

export const loss = (step: number): number => 1.62 * Math.exp(-step / 22) + 0.12 + 0.05 * Math.sin(step * 1.7) * Math.exp(-step / 40);
export const stepsOf = (settings: TrainSettings): number => (STEPS / 3) * settings.epochs;

export function epochScores(epoch: number): EpochScores {
  const gain = 1 - Math.exp(-epoch * 1.1);
  return {
    epoch, training: 1, train_loss: loss(epoch * 20), validation_loss: loss(epoch * 20) + 0.06, validation_accuracy: 0.35 + 0.58 * gain,
    validation_macro_f1: 0.3 + 0.61 * gain, seconds: 18,
  };
}

export function history(run: RunSummary, settings: TrainSettings): RunHistory {
  const done = run.status === "finished" ? stepsOf(settings) : (stepsOf(settings) / run.epochs) * run.epochs_done;
  const step = Array.from({ length: done }, (_, i) => i + 1);
  return {
    run, settings, steps: stepsOf(settings), step, loss: step.map(loss), learning_rate: step.map(() => settings.learning_rate),
    epochs: Array.from({ length: run.epochs_done }, (_, i) => epochScores(i + 1)),
  };
}

/** Every eleventh test row is taken for its neighbour. */
function answers(project: MockProject): { id: number; text: string; gold: number; predicted: number; confidence: number }[] {
  const size = project.labels.length;
  return project.shown().filter((row) => row.part === "test" && row.labels !== null).map((row, i) => {
    const gold = project.labels.findIndex((label) => row.labels?.includes(label.id));
    return { id: row.id, text: row.text, gold, predicted: i % 9 === 4 ? (gold + 1) % size : gold, confidence: 0.97 - (i % 40) / 100 };
  });
}

function score(project: MockProject): Scores {
  const size = project.labels.length;
  const confusion = project.labels.map(() => new Array<number>(size).fill(0));
  for (const { gold, predicted } of answers(project)) {
    const row = confusion[gold];
    if (row) row[predicted] = (row[predicted] ?? 0) + 1;
  }
  const at = (row: number, column: number): number => confusion[row]?.[column] ?? 0;
  const sum = (of: (i: number) => number): number => project.labels.reduce((total, _, i) => total + of(i), 0);
  const classes = project.labels.map((label, i) => {
    const support = sum((j) => at(i, j));
    const predicted = sum((j) => at(j, i));
    const precision = predicted > 0 ? at(i, i) / predicted : 0;
    const recall = support > 0 ? at(i, i) / support : 0;
    const both = precision + recall;
    return { label: label.name, precision, recall, f1: both > 0 ? (2 * precision * recall) / both : 0, support, predicted };
  });
  const examples = classes.reduce((total, c) => total + c.support, 0);
  const correct = sum((i) => at(i, i));
  const mean = (of: (c: (typeof classes)[number]) => number): number => classes.reduce((total, c) => total + of(c), 0) / Math.max(1, size);
  const accuracy = correct / Math.max(1, examples);
  const common = classes.reduce((a, b) => (b.support > a.support ? b : a));
  return {
    examples, correct, loss: 0.34, accuracy, accuracy_interval: { low: accuracy - 0.11, high: Math.min(1, accuracy + 0.06) },
    macro_precision: mean((c) => c.precision), macro_recall: mean((c) => c.recall), macro_f1: mean((c) => c.f1),
    macro_f1_interval: { low: mean((c) => c.f1) - 0.12, high: Math.min(1, mean((c) => c.f1) + 0.07) }, micro_f1: accuracy,
    weighted_f1: accuracy, classes, confusion, majority_label: common.label, majority_accuracy: common.support / Math.max(1, examples),
    groups: null,
    multi_label: null,
  };
}

export function results(project: MockProject, run: RunSummary, settings: TrainSettings, language: "en" | "zh"): RunResults {
  const test = score(project);
  const [low, high] = [test.accuracy_interval.low, test.accuracy_interval.high].map((n) => Math.round(n * 100));
  const base = Math.round(test.majority_accuracy * 100);
  const sentences = language === "en"
    ? [
        `Right in ${test.correct} of ${test.examples} unseen cases, probably ${low}–${high} in 100; always guessing the commonest label: ${base}.`,
        `It is surest with “${test.classes[0]?.label}” and most often wrong with “${test.classes[1]?.label}”.`,
        "With fewer than 100 test cases the figure is rough: more labelled rows would narrow it.",
      ]
    : [
        `在 ${test.examples} 个未见过的案例中答对 ${test.correct} 个，每 100 个大致对 ${low}–${high} 个；若始终猜最常见的标签，只对 ${base} 个。`,
        `对“${test.classes[0]?.label}”最有把握，在“${test.classes[1]?.label}”上最容易出错。`,
        "测试案例不足 100 个，结果较为粗略；标注更多案例可以让估计更准确。",
      ];
  return {
    history: history(run, settings), labels: project.labels.map((label) => label.name), validation: test, test, sentences,
    report: null, seconds_training: 58, samples_per_second: 9.3, peak_memory_mb: 412,
  };
}

const lengthGroup = (text: string): string => (text.length < 120 ? "20-119" : "120-900");

/** By length whatever is asked for. */
export function groups(project: MockProject, by: GroupBy): WrongGroup[] {
  if (by !== "length") return [{ value: by === "doubt" ? "no" : "", texts: 60, wrong: 7, interval: { low: 0.06, high: 0.22 } }];
  return ["20-119", "120-900"].map((value) => {
    const of = answers(project).filter((a) => lengthGroup(a.text) === value);
    return { value, texts: of.length, wrong: of.filter((a) => a.gold !== a.predicted).length, interval: { low: 0.05, high: 0.3 } };
  }).filter((group) => group.texts > 0);
}

/** What is found when so many answers are looked at. */
export function examined(project: MockProject, most: number): Examined {
  const of = answers(project).length;
  const texts = Math.min(most, of);
  return {
    method: "gradients", seed: 0, texts, of, seconds: 0.4 * texts, created_at: "2026-11-29T10:00:00Z", texts_sha256: "ab".repeat(32),
    faithfulness: {
      holding: "holds", texts, too_short: 0, share: 0.2, telling_drop: 0.37, random_drop: 0.05, difference_interval: { low: 0.26, high: 0.39 },
      held: texts - 1, held_share: 0.97, held_interval: { low: 0.89, high: 0.99 },
    },
    labels: project.labels.map((label, i) => ({
      label: label.name, texts: 9,
      words: i === 1 ? [] : [{ word: "notice", score: 1.8, occurrences: 7 }, { word: "thirty", score: 0.9, occurrences: 3 }],
    })),
  };
}

export function wrong(project: MockProject, filter: WrongFilter, offset: number, limit: number): WrongPage {
  const name = (i: number): string => project.labels[i]?.name ?? "";
  const all = answers(project).filter(
    (a) =>
      a.gold !== a.predicted &&
      (filter.gold === null || name(a.gold) === filter.gold) &&
      (filter.predicted === null || name(a.predicted) === filter.predicted) &&
      (filter.group === null || lengthGroup(a.text) === filter.group[1]),
  );
  const some = all.slice(offset, offset + limit);
  return {
    total: all.length, id: some.map((a) => a.id), text: some.map((a) => a.text), gold: some.map((a) => [name(a.gold)]),
    predicted: some.map((a) => [name(a.predicted)]), confidence: some.map((a) => a.confidence),
  };
}

export function predict(project: MockProject, text: string): Prediction {
  const words = new Set(text.toLowerCase().split(/\W+/));
  const raw = project.labels.map((label, i) => {
    const sample = project.shown().find((row) => row.labels?.includes(label.id))?.text ?? "";
    const shared = /[一-鿿]/.test(text)
      ? [...new Set(text)].filter((char) => sample.includes(char)).length
      : sample.toLowerCase().split(/\W+/).filter((word) => words.has(word)).length;
    return Math.exp(shared / 3 + i / 10);
  });
  const total = raw.reduce((sum, n) => sum + n, 0);
  const scores = project.labels
    .map((label, i) => ({ label: label.name, probability: (raw[i] ?? 0) / total }))
    .sort((a, b) => b.probability - a.probability);
  return {
    labels: [scores[0]?.label ?? ""], several: false, confidence: scores[0]?.probability ?? 0, scores, tokens: Math.ceil(text.length / 4),
    truncated: text.length > 600, unsure: (scores[0]?.probability ?? 0) < 0.4, unfamiliar: text.startsWith("Recipe:"), milliseconds: 7,
  };
}

/** Words of the label's own texts speak for it, a few others against it. */
export function explain(project: MockProject, text: string, label: string | null): Explanation {
  const prediction = predict(project, text);
  const explained = label ?? prediction.labels[0] ?? "";
  const probability = prediction.scores.find((score) => score.label === explained)?.probability ?? 0;
  const segments = [...new Intl.Segmenter(/[一-鿿]/.test(text) ? "zh" : "en", { granularity: "word" }).segment(text)];
  const words = segments.filter(({ segment }) => segment.trim() !== "").map(({ segment, index }) => ({
    start: index, end: index + segment.length, word: segment, score: Math.sin(index * 1.3 + explained.length) ** 3 * 0.9,
  }));
  return {
    text, label: explained, probability, labels: prediction.labels, method: "gradients", words, gap: 0.01,
    tokens: prediction.tokens, truncated: prediction.truncated, milliseconds: 420,
  };
}
