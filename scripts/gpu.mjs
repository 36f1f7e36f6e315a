// npm run build:gpu [-- --test]: the command line and worker for NVIDIA's cards, on a machine with or without one.
//
// In: nothing but Python with pip and a C compiler. Out: target/gpu/release/understudy, built with CUDA. The CUDA
// toolkit comes from PyPI into target/gpu/toolkit; what only a driver has (libcuda) is replaced by a stub while linking.
// With --test the tests of the learning core are built and run on the first card instead: they need one.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { TARGET } from "./lib/places.mjs";
import { capture, run } from "./lib/process.mjs";
import { reportFailure, say, step, StepError, tail } from "./lib/say.mjs";

// One version of the compiler and of what it compiles against. The libraries load with any driver of CUDA 13.
const WHEELS = [
  "nvidia-cuda-nvcc==13.0.88", "nvidia-nvvm==13.0.88", "nvidia-cuda-crt==13.0.88", "nvidia-cuda-runtime==13.0.*",
  "nvidia-cuda-cccl==13.0.*", "nvidia-cublas==13.0.*", "nvidia-curand==10.4.0.35", "nvidia-cuda-nvrtc==13.0.*",
];
// Ampere and whatever came after it: the driver compiles the rest of the way.
const COMPUTE_CAPABILITY = "80";

const GPU = resolve(TARGET, "gpu");
export const GPU_COMMAND_LINE = resolve(GPU, "release/understudy");
const BUILD_MINUTES = 60;

/** The environment that candle's CUDA parts are built in. */
export function environment(toolkit) {
  const libraries = [resolve(toolkit, "lib"), resolve(toolkit, "lib/stubs")].join(delimiter);
  return {
    ...process.env,
    CUDA_HOME: toolkit, CUDA_PATH: toolkit, CUDA_ROOT: toolkit, CUDA_TOOLKIT_ROOT_DIR: toolkit,
    NVCC: resolve(toolkit, "bin/nvcc"),
    PATH: [resolve(toolkit, "bin"), process.env.PATH].join(delimiter),
    LIBRARY_PATH: [libraries, process.env.LIBRARY_PATH].filter(Boolean).join(delimiter),
    LD_LIBRARY_PATH: [resolve(toolkit, "lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter),
    CUDA_COMPUTE_CAP: COMPUTE_CAPABILITY,
  };
}

/** The toolkit's folder; it is installed where it is not there yet. */
export async function installToolkit() {
  const venv = resolve(GPU, "toolkit");
  const python = resolve(venv, "bin/python");
  const log = resolve(GPU, "toolkit.log");
  if (!existsSync(resolve(venv, "complete"))) {
    await step("CUDA toolkit from PyPI (about 2 GB)", async () => {
      await must("python3", ["-m", "venv", venv], { log }, "Install Python 3 with its venv module (python3-venv).");
      await must(python, ["-m", "pip", "install", "--quiet", ...WHEELS], { log }, "Check the connection to PyPI and run it again.");
      writeFileSync(resolve(venv, "complete"), "");
    });
  }
  const place = "import sysconfig; print(sysconfig.get_path('purelib'))";
  return resolve(capture(python, ["-c", place]).output.trim(), "nvidia/cu13");
}

/** The names without a version that a linker looks for, and the folder that the build script of candle expects. */
function linkLibraries(toolkit) {
  const folder = resolve(toolkit, "lib");
  for (const name of ["cublas", "cublasLt", "cudart", "curand", "nvrtc"]) {
    const link = resolve(folder, `lib${name}.so`);
    const library = readdirSync(folder).find((file) => file.startsWith(`lib${name}.so.`));
    if (!existsSync(link)) symlinkSync(library, link);
  }
  if (!existsSync(resolve(toolkit, "lib64"))) symlinkSync("lib", resolve(toolkit, "lib64"));
}

/** libcuda belongs to a driver. To link, a library with the same functions is enough; it is never loaded. */
async function stubDriver(toolkit) {
  const stubs = resolve(toolkit, "lib/stubs");
  const library = resolve(stubs, "libcuda.so");
  if (existsSync(library)) return;
  mkdirSync(stubs, { recursive: true });
  await must("cargo", ["fetch", "--locked"], {}, "Check the connection to crates.io and run it again.");
  const names = new Set();
  for (const file of bindings()) {
    for (const [, name] of readFileSync(file, "utf8").matchAll(/\bfn (cu[A-Z]\w*)/g)) names.add(name);
  }
  const source = resolve(stubs, "libcuda.c");
  writeFileSync(source, [...names].map((name) => `void ${name}(void) {}`).join("\n") + "\n");
  await must("cc", ["-shared", "-fPIC", "-Wl,-soname,libcuda.so.1", "-o", library, source], {}, "Install a C compiler (gcc).");
}

/** Where cudarc declares the driver's functions. */
function bindings() {
  const registry = resolve(process.env.CARGO_HOME ?? resolve(homedir(), ".cargo"), "registry/src");
  const crates = readdirSync(registry).flatMap((index) => readdirSync(resolve(registry, index)).map((name) => resolve(registry, index, name)));
  const files = crates.filter((crate) => /\/cudarc-[\d.]+$/.test(crate)).map((crate) => resolve(crate, "src/driver/sys/mod.rs"));
  if (files.length > 0) return files;
  throw new StepError({ what: "The functions of the driver are not known.", why: "The crate cudarc was not fetched.", next: "Run: cargo fetch" });
}

async function must(command, args, options, next) {
  const { code, output } = await run(command, args, { timeoutMinutes: BUILD_MINUTES, ...options });
  if (code !== 0) throw new StepError({ what: `${command} ended with status ${code}.`, why: tail(output, 20), next });
}

/** Where the app looks for it: a folder beside each build of it, with the libraries that it loads. */
function placeBesideTheApp(toolkit) {
  for (const profile of ["debug", "release"]) {
    const folder = resolve(TARGET, profile, "gpu");
    mkdirSync(folder, { recursive: true });
    for (const [name, target] of [["understudy", GPU_COMMAND_LINE], ["lib", resolve(toolkit, "lib")]]) {
      rmSync(resolve(folder, name), { force: true });
      symlinkSync(target, resolve(folder, name));
    }
  }
  say(`\nBuilt: ${GPU_COMMAND_LINE}\nThe app in target/debug and target/release finds it. By itself it needs ${resolve(toolkit, "lib")} in LD_LIBRARY_PATH.`);
}

/** Builds the command line with CUDA, or runs the tests of the learning core on the first card. */
export async function buildForGpu({ test }) {
  mkdirSync(GPU, { recursive: true });
  const toolkit = await installToolkit();
  linkLibraries(toolkit);
  await stubDriver(toolkit);
  const log = resolve(GPU, "build.log");
  const common = ["--locked", "--release", "--target-dir", GPU, "--features", "cuda"];
  const work = test
    ? ["test", ...common, "-p", "understudy-nn", "--test", "device", "-p", "understudy-train", "--test", "device"]
    : ["build", ...common, "-p", "understudy-cli"];
  const title = test ? "Tests of the learning core on the graphics card" : "Command line and worker for graphics cards (about 15 minutes)";
  await step(title, () => must("cargo", work, { log, env: environment(toolkit) }, `The whole output is in ${log}.`));
  if (!test) placeBesideTheApp(toolkit);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { test: { type: "boolean", default: false } } });
  try {
    await buildForGpu(values);
  } catch (error) {
    reportFailure(error);
    process.exitCode = 1;
  }
}
