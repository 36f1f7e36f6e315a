import assert from "node:assert/strict";
import { test } from "node:test";
import { compare } from "./catalogue.mjs";

const HUB = "https://hub.example";
const SHA = "0123456789012345678901234567890123456789";
const ENTRY = { id: "o/m", revision: SHA, licence: "Apache-2.0", download_bytes: 1000, config: { model_type: "bert", hidden_size: 8 } };
const PAGE = { id: "o/m", sha: SHA, tags: ["license:apache-2.0"], siblings: [{ rfilename: "model.safetensors", lfs: { size: 990 } }, { rfilename: "vocab.txt", size: 10 }, { rfilename: "tf_model.h5", size: 999 }] };
const CONFIG = { model_type: "bert", hidden_size: 8, vocab_size: 30 };

const hub = (page, config = CONFIG) => async (address) => {
  if (address === `${HUB}/api/models/o/m/revision/${SHA}?blobs=true` || address === `${HUB}/api/models/o/m/revision/main?blobs=true`) return page;
  if (address === `${HUB}/o/m/resolve/${SHA}/config.json`) return config;
  throw new Error(`404 ${address}`);
};

test("an entry that is right has no differences", async () => {
  assert.deepEqual(await compare(ENTRY, HUB, hub(PAGE)), { differences: [], revision: SHA, download_bytes: 1000 });
  assert.deepEqual((await compare({ ...ENTRY, revision: null }, HUB, hub(PAGE))).differences, []);
});

test("each thing that is wrong is told", async () => {
  const wrong = async (entry, page, config) => (await compare({ ...ENTRY, ...entry }, HUB, hub({ ...PAGE, ...page }, config))).differences.join("; ");
  assert.match(await wrong({ licence: null }), /licence null is apache-2.0/);
  assert.match(await wrong({ download_bytes: 2000 }), /2000 bytes are 1000/);
  assert.match(await wrong({}, { siblings: [] }), /no weights/);
  assert.match(await wrong({}, { id: "other/m" }), /called other\/m/);
  assert.match(await wrong({}, {}, { ...CONFIG, hidden_size: 16 }), /hidden_size 8 is 16/);
  assert.match(await wrong({ revision: "f".repeat(40) }), /404/);
});
