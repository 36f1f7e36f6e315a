import { describe, expect, it } from "vitest";
import type { EpochScores, RunHistory } from "../../ipc/bindings";
import { withLive } from "./curves";

const epoch = (n: number, validation_loss = 1): EpochScores => ({
  epoch: n, train_loss: 1, validation_loss, validation_accuracy: 0.5, validation_macro_f1: 0.5, seconds: 1,
});
const history = { steps: 9, step: [1, 2, 3, 4], loss: [4, 3, 2, 1], learning_rate: [1, 1, 1, 1], epochs: [epoch(1)] } as unknown as RunHistory;

describe("a run's curves", () => {
  it("are the history alone before any event", () => {
    expect(withLive(history, undefined)).toBe(history);
  });

  it("go on with the live steps; a step walked again after a checkpoint counts once, as it went now", () => {
    const live = { curves: { steps: 9, step: [3, 4, 5], loss: [2.5, 1.5, 0.5], learning_rate: [2, 2, 2] }, epochs: [epoch(1, 7), epoch(2)] };
    const joined = withLive(history, live);
    expect(joined.step).toEqual([1, 2, 3, 4, 5]);
    expect(joined.loss).toEqual([4, 3, 2.5, 1.5, 0.5]);
    expect(joined.epochs.map((e) => [e.epoch, e.validation_loss])).toEqual([[1, 7], [2, 1]]);
  });
});
