// Models by the command line, against a model hub on this machine: looked up, fetched, kept, moved, and refused with a
// reason; a model that was trained in one project is the base of another.
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { FakeHub, tinyModel } from "./lib/hub.mjs";
import { Place, smallTable, starterFolder } from "./lib/place.mjs";

const place = new Place();
const STARTER = "sentence-transformers/all-MiniLM-L6-v2";
const MODEL = "someone/tiny-legal-bert";
let hub;

before(async () => {
  const { "model.safetensors": weights, ...rest } = tinyModel();
  const pickle = readFileSync(new URL("../src-tauri/crates/nn/tests/fixtures/tiny-bert-pickle/pytorch_model.bin", import.meta.url));
  const evil = readFileSync(new URL("../src-tauri/crates/nn/tests/fixtures/tiny-bert-pickle/evil.bin", import.meta.url));
  const broken = Buffer.from(weights);
  broken.writeFloatLE(Number.NaN, 8 + Number(weights.readBigUInt64LE()));
  hub = await new FakeHub({
    [MODEL]: tinyModel(),
    "someone/only-a-pickle": { files: { ...rest, "pytorch_model.bin": pickle } },
    // Two models of the catalogue: their pickles are taken apart, unless they hold more than numbers.
    "hfl/rbt3": { files: { ...rest, "pytorch_model.bin": pickle }, sha: catalogued("hfl/rbt3") },
    "hfl/chinese-macbert-base": { files: { ...rest, "pytorch_model.bin": evil }, sha: catalogued("hfl/chinese-macbert-base") },
    "someone/not-a-number": { files: { ...rest, "model.safetensors": broken } },
    "someone/too-large": { files: { ...tinyModel(), "config.json": Buffer.from(JSON.stringify({ model_type: "bert", num_hidden_layers: 4_294_967_295 })) } },
    "someone/gated": { files: tinyModel(), gated: "manual" },
  }).start();
  // No UNDERSTUDY_MODELS: this library can move. The starter model is in it.
  const library = place.path("data/understudy/models");
  mkdirSync(library, { recursive: true });
  cpSync(starterFolder(), `${library}/sentence-transformers--all-MiniLM-L6-v2`, { recursive: true });
  Object.assign(place.environment, { XDG_DATA_HOME: place.path("data"), HF_ENDPOINT: hub.address, HF_HOME: place.path("hf") });
  delete place.environment.UNDERSTUDY_MODELS;
  delete place.environment.HF_TOKEN;
});
after(async () => {
  await hub?.stop();
  place.remove();
});

function catalogued(id) {
  const catalogue = JSON.parse(readFileSync(new URL("../resources/models/catalogue.json", import.meta.url), "utf8"));
  return catalogue.find((model) => model.id === id).revision;
}

async function must(...args) {
  const { status, found, said } = await place.understudyMeanwhile(...args);
  assert.equal(status, 0, `understudy ${args.join(" ")}: ${said}`);
  return found;
}

async function refused(kind, ...args) {
  const { status, found, said } = await place.understudyMeanwhile(...args);
  assert.equal(status, 2, said);
  assert.equal(found.error.kind, kind);
}

test("the catalogue is told with what fits, without any connection", async () => {
  const { models, recommended } = await must("models", "list");
  assert.ok(models.length >= 40 && models.every((model) => ["fits", "tight", "does_not_fit"].includes(model.fit.training)));
  assert.equal(recommended, STARTER);
  assert.equal(hub.requests.length, 0);
});

test("a model of the hub is found, looked at, fetched and verified", async () => {
  const { models } = await must("models", "search", "tiny", "--language", "en");
  assert.deepEqual(models.map((model) => [model.id, model.obstacle]), [[MODEL, null]]);
  const { model } = await must("models", "look", MODEL);
  assert.equal(model.parameters > 0 && model.licence, "apache-2.0");
  await must("models", "download", MODEL);
  assert.equal((await must("models", "verify", MODEL)).verified, true);
  assert.equal((await must("models", "show", MODEL)).model.installed, true);
});

test("pickles are refused, and those of the catalogue are taken apart without being run", async () => {
  await refused("pickle_only", "models", "download", "someone/only-a-pickle");
  await must("models", "download", "hfl/rbt3");
  const folder = place.path("data/understudy/models/hfl--rbt3");
  assert.ok(existsSync(`${folder}/model.safetensors`) && !existsSync(`${folder}/pytorch_model.bin`));
  await refused("model_damaged", "models", "download", "hfl/chinese-macbert-base");
  assert.ok(!existsSync(place.path("data/understudy/models/hfl--chinese-macbert-base")));
});

test("what is no good is refused before it is a model, and what is not there is told", async () => {
  await refused("model_unfit", "models", "download", "someone/not-a-number");
  await refused("model_unfit", "models", "look", "someone/too-large");
  await refused("no_such_model", "models", "download", "someone/nothing");
  await refused("gated", "models", "download", "someone/gated");
  await refused("unknown_model", "models", "download", "../../etc/passwd");
  const names = readdirSync(place.path("data/understudy/models")).filter((name) => !name.startsWith("."));
  assert.deepEqual(names.sort(), ["hfl--rbt3", "sentence-transformers--all-MiniLM-L6-v2", "someone--tiny-legal-bert"]);
});

test("a token from the environment opens what its owner guards", async () => {
  place.environment.HF_TOKEN = "hf_right";
  await must("models", "download", "someone/gated");
  place.environment.HF_TOKEN = "hf_old";
  await must("models", "remove", "someone/gated");
  await refused("gated_with_token", "models", "download", "someone/gated");
  delete place.environment.HF_TOKEN;
  // A mirror that was chosen here gets no token that was meant for another place.
  await must("network", "--hub", hub.address.replace("127.0.0.1", "localhost"));
  place.environment.HF_TOKEN = "hf_right";
  const before = hub.requests.length;
  await refused("gated", "models", "download", "someone/gated");
  assert.ok(hub.requests.slice(before).every((request) => request.token === undefined));
  await must("network", "--hub", "official");
  delete place.environment.HF_TOKEN;
});

test("a model that was trained in one project is the base of another", async () => {
  const first = place.path("first.understudy");
  await must("import", place.write("first.csv", smallTable(60)), "--project", first);
  await must("split", "--project", first);
  await must("train", "--project", first, "--model", MODEL, "--preset", "textbook", "--epochs", "1", "--max-length", "16");
  await must("models", "keep", "--project", first, "--id", "ours/clauses");
  const second = place.path("second.understudy");
  await must("import", place.write("second.csv", smallTable(90)), "--project", second);
  await must("split", "--project", second);
  const run = await must("train", "--project", second, "--model", "ours/clauses", "--preset", "textbook", "--epochs", "1", "--max-length", "16");
  assert.equal(run.model, "ours/clauses");
  // The report of a run outlives the model that the run began from.
  await must("models", "export", "ours/clauses", "--out", place.path("kept.zip"));
  await must("models", "remove", "ours/clauses");
  await must("report", "--project", second, "--out", place.path("second.html"));
  assert.match(readFileSync(place.path("second.html"), "utf8"), /ours\/clauses/);
  await must("models", "add", place.path("kept.zip"));
});

test("a model travels as an archive, and the library to another disk", async () => {
  const archive = place.path("clauses.zip");
  await must("models", "export", "ours/clauses", "--out", archive);
  await refused("place_taken", "models", "export", "ours/clauses", "--out", archive);
  await must("models", "remove", "ours/clauses");
  await refused("model_not_installed", "models", "verify", "ours/clauses");
  assert.equal((await must("models", "add", archive)).model, "ours/clauses");
  await refused("place_taken", "models", "move", place.path("data/understudy/models/../models"));
  await must("models", "move", place.path("disk/models"));
  assert.equal((await must("models", "verify", "ours/clauses")).verified, true);
  assert.ok(existsSync(place.path("disk/models/ours--clauses")) && !existsSync(place.path("data/understudy/models/ours--clauses")));
});

test("a download that is killed goes on, and stands in the log", async () => {
  await must("models", "remove", MODEL);
  hub.pace = 3000;
  const child = place.start("models", "download", MODEL);
  const partial = place.path("disk/models/.partial/someone--tiny-legal-bert/files/model.safetensors.part");
  const deadline = Date.now() + 20_000;
  while (!existsSync(partial)) {
    assert.ok(Date.now() < deadline, "nothing arrives");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
  const { connections } = await must("connections", "--last", "1");
  assert.match(connections[0].path, /model\.safetensors$/);
  assert.equal(connections[0].status, null);
  hub.pace = 0;
  await must("models", "download", MODEL);
  assert.ok(hub.requests.at(-1).range !== undefined, "it began again from the start");
  assert.equal((await must("models", "verify", MODEL)).verified, true);
});

test("nothing is asked when connections are switched off", async () => {
  await must("network", "--allow", "false");
  const before = hub.requests.length;
  await refused("offline", "models", "search", "bert");
  await refused("offline", "models", "download", "BAAI/bge-small-zh-v1.5");
  assert.equal(hub.requests.length, before);
  await must("network", "--allow", "true");
  await refused("bad_address", "network", "--proxy", "http://me:secret@proxy.example:3128");
  assert.ok(!readFileSync(place.path("home/config/network.json"), "utf8").includes("secret"));
});
