// Are all dependencies under licences that we accept? Rust crates (cargo metadata) and npm packages (the lock file)
// against the allow-list in deny.toml. cargo-deny checks more (advisories, doubled versions), but takes minutes to
// build and does not know npm.
//   node scripts/licences.mjs          one line for each that is not accepted; exit status 1 if there is one
//   node scripts/licences.mjs --list   all of them with their licences, as a Markdown table
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { ROOT, readText } from "./lib/places.mjs";
import { isAccepted } from "./lib/spdx.mjs";

const CRATES_IO = "registry+https://github.com/rust-lang/crates.io-index";
// A crate from elsewhere is refused; npm's lock file does not always say where a package is from.
const NPM = "npm";

function rustPackages() {
  const args = ["metadata", "--format-version", "1"];
  const { status, stdout, stderr } = spawnSync("cargo", args, { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`cargo metadata: ${stderr}`);
  return JSON.parse(stdout).packages
    // Our own have no source.
    .filter(({ source }) => source !== null)
    .map(({ name, version, license, source }) => ({ kind: "crate", name, version, licence: license, source }));
}

function npmPackages() {
  return Object.entries(JSON.parse(readText("package-lock.json")).packages)
    .filter(([path, { link }]) => path.includes("node_modules/") && !link)
    .map(([path, { version, license }]) => ({
      kind: "npm", name: path.split("node_modules/").at(-1), version, licence: license, source: NPM,
    }));
}

/** The names in `allow = [ … ]` of deny.toml's section [licenses]. */
function acceptedLicences() {
  const section = readText("deny.toml").split(/^\[licenses\]$/m)[1];
  const list = /^allow = \[([^\]]*)\]/m.exec(section)[1];
  return new Set([...list.matchAll(/"([^"]+)"/g)].map((match) => match[1]));
}

function complaint({ licence, source }, accepted) {
  if (source !== CRATES_IO && source !== NPM) return `comes from ${source}`;
  if (!licence) return "names no licence";
  return isAccepted(licence, accepted) ? null : `is under ${licence}`;
}

function main() {
  const packages = [...rustPackages(), ...npmPackages()];
  if (process.argv.includes("--list")) {
    console.log("| kind | package | version | licence |\n|---|---|---|---|");
    for (const { kind, name, version, licence } of packages) {
      console.log(`| ${kind} | ${name} | ${version} | ${licence} |`);
    }
    return;
  }
  const accepted = acceptedLicences();
  const bad = packages.map((one) => ({ ...one, why: complaint(one, accepted) })).filter(({ why }) => why !== null);
  for (const { kind, name, version, why } of bad) console.log(`${kind} ${name} ${version} ${why}`);
  console.log(`${packages.length} packages, ${bad.length} not accepted`);
  process.exitCode = bad.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
