// A run's curves: what the engine has written, and after it what the events of this window have told since.
import type { EpochScores, RunHistory } from "../../ipc/bindings";
import type { Curves } from "../../project/jobs.svelte";

type Live = { curves: Curves; epochs: EpochScores[] };

/**
 * The history with the live part at its end. Where both know a step the live one counts: a continued run
 * begins again at its last checkpoint and walks some steps a second time.
 */
export function withLive(history: RunHistory, live: Live | undefined): RunHistory {
  if (!live) return history;
  return { ...history, ...joinSteps(history, live.curves), epochs: joinEpochs(history.epochs, live.epochs) };
}

function joinSteps(history: RunHistory, live: Curves): Pick<RunHistory, "steps" | "step" | "loss" | "learning_rate"> {
  const first = live.step[0] ?? Infinity;
  const kept = history.step.findIndex((step) => step >= first);
  const end = kept === -1 ? history.step.length : kept;
  return {
    steps: Math.max(history.steps, live.steps),
    step: [...history.step.slice(0, end), ...live.step],
    loss: [...history.loss.slice(0, end), ...live.loss],
    learning_rate: [...history.learning_rate.slice(0, end), ...live.learning_rate],
  };
}

function joinEpochs(history: EpochScores[], live: EpochScores[]): EpochScores[] {
  const known = new Map([...history, ...live].map((scores) => [scores.epoch, scores]));
  return [...known.values()].sort((a, b) => a.epoch - b.epoch);
}
