// What system this is and which of its packages are there. Looks, changes nothing.
import { existsSync, readFileSync } from "node:fs";
import { capture } from "./process.mjs";

const BUILD = ["build-essential", "file", "libssl-dev", "librsvg2-dev", "libwebkit2gtk-4.1-dev", "pkg-config"];
const SHOW = ["fonts-dejavu-core", "fonts-noto-cjk", "xauth", "xvfb"];
const TEST = ["chromium", "imagemagick", "iproute2", "openbox", "webkit2gtk-driver", "xdotool"];

/** Debian packages for building and opening ("start") or also testing ("test", "screenshot"). */
export function packagesFor(purpose) {
  const more = { start: [], screenshot: ["imagemagick"], test: TEST };
  return [...BUILD, ...SHOW, ...more[purpose]];
}

/** Debian, Ubuntu and what is made from them, as /etc/os-release tells. */
export function isDebian(osRelease = readOsRelease()) {
  const family = [...osRelease.matchAll(/^(?:ID|ID_LIKE)="?([^"\n]*)"?$/gm)].flatMap((match) => match[1].split(" "));
  return family.includes("debian") || family.includes("ubuntu");
}

function readOsRelease() {
  return existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
}

/** Those of `packages` that are not installed, in the given order. */
export function missingPackages(packages) {
  // Exits with 1 when it does not know one of them, and still prints the others.
  const { output } = capture("dpkg-query", ["-W", "-f=${Package} ${db:Status-Status}\\n", ...packages]);
  const installed = new Set([...output.matchAll(/^(\S+) installed$/gm)].map((match) => match[1]));
  return packages.filter((name) => !installed.has(name));
}

/** Compares dotted version numbers: isAtLeast("1.95.0", "1.95"). */
export function isAtLeast(version, least) {
  const [have, want] = [version, least].map((text) => text.split(".").map(Number));
  for (let index = 0; index < want.length; index += 1) {
    if ((have[index] ?? 0) !== want[index]) return (have[index] ?? 0) > want[index];
  }
  return true;
}
