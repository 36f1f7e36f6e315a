// npm run bench -- NAME [options]: measures this program beside its peers in one run.
//
//   train    ours and ../shared/reference/hf_finetune.py in turn, on the same rows
//   predict  ours, ONNX Runtime and the Transformers pipeline in turn, on the same rows and the same model
//   data     rows in, beside DuckDB; near-duplicates
//   label    what the helper of the label room brings, beside cleanlab
//   fit      what a training is said to need and to take, beside what it needs and takes
//   use      a million rows through a kill, the server under load, explanations; without a peer
//   familiar  texts unlike those learned from: how many are noticed, beside the confidence alone
//   gpu      training on a graphics card, ours and PyTorch in turn
//   frames   how long the frames of the window are beside a million rows; without a peer
//   presets  what `balanced` reaches on the public data sets
//
// Needs ../shared (data and reference programs). Python comes from UNDERSTUDY_PYTHON, else a virtual environment is
// made in target/bench. Prints Markdown tables of ratios; raw figures go to target/bench/NAME.json.
import { parseArgs } from "node:util";
import { reportFailure, StepError } from "./lib/say.mjs";

const BENCHES = { train: "./bench/train.mjs", predict: "./bench/predict.mjs", presets: "./bench/presets.mjs", data: "./bench/data.mjs", label: "./bench/label.mjs", fit: "./bench/fit.mjs", use: "./bench/use.mjs", familiar: "./bench/familiar.mjs", gpu: "./bench/gpu.mjs", frames: "./bench/frames.mjs" };

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: "string", default: "3" }, only: { type: "string" }, quick: { type: "boolean" } },
});
try {
  const bench = BENCHES[positionals[0]];
  if (!bench) {
    throw new StepError({
      what: `There is no benchmark called ${positionals[0] ?? "(nothing)"}.`,
      why: `The benchmarks are ${Object.keys(BENCHES).join(", ")}.`,
      next: "Run: npm run bench -- train",
    });
  }
  const { bench: measure } = await import(bench);
  await measure({ rounds: Number(values.rounds), only: values.only?.split(","), quick: values.quick ?? false });
} catch (error) {
  reportFailure(error);
  process.exitCode = 1;
}
