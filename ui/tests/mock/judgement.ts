// How far the mock's run can be trusted: figures as a small test part would give them.
import type { RankingCurves, Reliability, ReviewState, RiskPoint, RunComparison, RunJudgement, Verification } from "../../src/ipc/bindings";
import { epochScores } from "./learning";
import type { MockProject } from "./project";

export const CURVES: RankingCurves = {
  roc: [[0, 0], [0, 0.6], [0.1, 0.9], [0.4, 1], [1, 1]],
  precision_recall: [[0.2, 1], [0.6, 1], [0.9, 0.8], [1, 0.4]],
};

/** Of the sixty texts, so many are unlike those learned from, where a run's version noted it. */
const UNFAMILIAR = 2;

function point(threshold: number, answered: number, wrong: number): RiskPoint {
  const risk = answered > 0 ? wrong / answered : 0;
  return { threshold, answered, wrong, withheld: UNFAMILIAR, coverage: answered / 60, risk, interval: { low: Math.max(0, risk - 0.04), high: risk + 0.08 } };
}

const CURVE = [point(0.3, 58, 7), point(0.5, 51, 2), point(0.8, 40, 1), point(0.95, 10, 0)];

/** A run whose version did not note them answers them as any others. */
function unnoted(found: RiskPoint): RiskPoint {
  return { ...found, withheld: 0, answered: found.answered + UNFAMILIAR, coverage: (found.answered + UNFAMILIAR) / 60 };
}

export function review(errorsAllowed: number | null, unfamiliarNoted: boolean): ReviewState {
  const curve = unfamiliarNoted ? CURVE : CURVE.map(unnoted);
  const promised = curve.find((found) => errorsAllowed === null || found.risk <= errorsAllowed) ?? point(0.95, 10, 0);
  const rule = errorsAllowed === null ? null : { errors_allowed: errorsAllowed, below: promised.threshold };
  const kept = { ...promised, wrong: promised.wrong + 1, risk: (promised.wrong + 1) / promised.answered };
  return { rule, curve, promised, kept, unfamiliar_counted: unfamiliarNoted };
}

function reliability(ece: number): Reliability {
  return { ece, bins: [0.45, 0.65, 0.85, 0.97].map((confidence, i) => ({ count: 10 + i, confidence, accuracy: Math.max(0, confidence - ece) })) };
}

export function judged(project: MockProject, errorsAllowed: number | null, unfamiliarNoted: boolean): RunJudgement {
  return {
    measures: {
      balanced_accuracy: 0.873, cohen_kappa: 0.86, matthews: 0.861, log_loss: 0.412, brier: 0.187, top_k: [{ k: 2, accuracy: 0.95 }],
      macro_roc_auc: 0.98, macro_average_precision: 0.93,
      classes: project.labels.map((label) => ({ label: label.name, roc_auc: 0.97, average_precision: 0.91 })),
    },
    calibration: { temperature: 1.31, before: reliability(0.08), after: reliability(0.02) },
    review: review(errorsAllowed, unfamiliarNoted),
    slices: [
      { kind: "word", value: "notice", score: { texts: 14, wrong: 6, error_rate: 6 / 14, interval: { low: 0.21, high: 0.67 }, elsewhere: 0.06, p_value: 0.002 } },
      { kind: "long", value: "320", score: { texts: 15, wrong: 5, error_rate: 1 / 3, interval: { low: 0.15, high: 0.58 }, elsewhere: 0.07, p_value: 0.01 } },
      { kind: "language", value: "cmn", score: { texts: 9, wrong: 4, error_rate: 4 / 9, interval: { low: 0.19, high: 0.73 }, elsewhere: 0.08, p_value: 0.01 } },
    ],
  };
}

export function compared(project: MockProject): RunComparison {
  const [first, second] = [project.labels[0]?.name ?? "", project.labels[1]?.name ?? ""];
  const changed = { example: 1, text: project.shown()[0]?.text ?? "", gold: [first], first: [second], second: [first] };
  return {
    comparison: { texts: 60, fixed: 9, broken: 2, difference: 0.117, low: 0.02, high: 0.21, p_value: 0.065 }, real: false,
    settings: [["epochs", "3", "5"]], rounds: [[1, 2, 3].map(epochScores), [1, 2, 3, 4, 5].map(epochScores)], classes: [[first, 0.8, 0.9], [second, 0.7, 0.7]], fixed: [changed], broken: [],
  };
}

/** A run whose labels were corrected since, and which repeats another. */
export const VERIFICATION: Verification = {
  entries: 14,
  head: "5e".repeat(32),
  checks: [
    { subject: "history", name: null, finding: "same" },
    { subject: "model", name: null, finding: "same" },
    { subject: "scores", name: null, finding: "same" },
    { subject: "data", name: null, finding: "changed" },
    { subject: "report", name: "Clauses report.pdf", finding: "missing" },
  ],
  repetition: {
    first: "run-0", created_at: "2026-11-23T09:30:00Z", same_machine: true, same_weights: true, largest_difference: 0, labels_changed: 0,
    texts: 80, accuracy: [0.89, 0.89],
  },
};
