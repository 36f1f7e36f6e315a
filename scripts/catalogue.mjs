// npm run check:catalogue [-- --write]: compares resources/models/catalogue.json with the model hub, where it can be reached.
//
// With --write, entries without a revision are pinned to the newest one, and sizes become exact. HF_ENDPOINT names a mirror.
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { compare } from "./lib/catalogue.mjs";
import { ROOT } from "./lib/places.mjs";
import { say } from "./lib/say.mjs";

const PATH = resolve(ROOT, "resources/models/catalogue.json");
const HUB = (process.env.HF_ENDPOINT || "https://huggingface.co").replace(/\/+$/, "");
const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });

async function get(address) {
  const answer = await fetch(address, { signal: AbortSignal.timeout(30_000) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

const catalogue = JSON.parse(readFileSync(PATH, "utf8"));
let wrong = 0;
for (const entry of catalogue) {
  const { differences, revision, download_bytes } = await compare(entry, HUB, get);
  if (differences.length > 0) {
    wrong += 1;
    say(`${entry.id}: ${differences.join("; ")}`);
  }
  if (values.write && revision) {
    entry.revision ??= revision;
    if (download_bytes > 0) entry.download_bytes = download_bytes;
  }
}
if (values.write) writeFileSync(PATH, `${JSON.stringify(catalogue, null, 2)}\n`);
say(`${catalogue.length} models, ${wrong} with differences`);
process.exitCode = wrong > 0 ? 1 : 0;
