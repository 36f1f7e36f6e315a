// The firm's own programs ask the model over HTTP, and get what the command line gives.
import assert from "node:assert/strict";
import { request } from "node:http";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Place, readCsv, smallTable } from "./lib/place.mjs";

const place = new Place();
const project = place.path("asked.understudy");
let child;
let lines;
let ready;
after(() => {
  child?.kill("SIGKILL");
  place.remove();
});

before(async () => {
  place.must("import", place.write("table.csv", smallTable(150)), "--project", project);
  place.must("split", "--project", project);
  place.must("train", "--project", project, "--epochs", "1", "--batch-size", "4", "--max-length", "32");
  child = place.start("serve", "--project", project, "--json");
  lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  ready = JSON.parse((await lines.next()).value);
});

/** What the server says to a request: status, headers, body. */
function ask(path, { method = "GET", host = `127.0.0.1:${ready.port}`, token = ready.token, body } = {}) {
  const headers = { host, authorization: `Bearer ${token}` };
  return new Promise((resolve, reject) => {
    const asked = request({ host: "127.0.0.1", port: ready.port, path, method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => (text += piece)).on("end", () => {
        resolve({ status: answer.statusCode, headers: answer.headers, text });
      });
    });
    asked.on("error", reject).end(body);
  });
}

test("the answers are those of the command line", async () => {
  const texts = ["The invoice shall pay under clause 4, as agreed.", "The court of the state shall govern", "expire and renew"];
  const out = place.path("out.csv");
  place.must("predict", "--project", project, place.write("in.csv", `text\n${texts.map((text) => `"${text}"`).join("\n")}\n`), "--out", out);
  const [, ...rows] = readCsv(out);
  const { status, text } = await ask("/predict", { method: "POST", body: JSON.stringify({ texts }) });
  assert.equal(status, 200);
  const { predictions } = JSON.parse(text);
  assert.deepEqual(predictions.map((found) => found.labels), rows.map((row) => [row[1]]));
  for (const [i, found] of predictions.entries()) {
    assert.ok(Math.abs(found.confidence - Number(rows[i][2])) < 2e-4);
    const total = found.scores.reduce((sum, score) => sum + score.probability, 0);
    assert.ok(Math.abs(total - 1) < 1e-5);
  }
});

test("without the token, from a foreign page or with nonsense nothing is answered, and it says why in three sentences", async () => {
  const body = JSON.stringify({ texts: ["a"] });
  const post = { method: "POST", body };
  for (const [status, kind, asked] of [
    [401, "no_token", ask("/predict", { ...post, token: "0".repeat(64) })],
    [403, "foreign_host", ask("/predict", { ...post, host: `evil.example:${ready.port}` })],
    [400, "bad_request", ask("/predict", { ...post, body: "{" })],
    [405, "method", ask("/predict")],
    [404, "not_found", ask("/else")],
  ]) {
    const answer = await asked;
    const { error } = JSON.parse(answer.text);
    assert.deepEqual([answer.status, error.kind], [status, kind]);
    assert.ok(error.what.length > 10 && error.why.length > 10 && error.next.length > 10);
    assert.equal(answer.headers["access-control-allow-origin"], undefined);
  }
});

test("it explains itself to people and to programs, with nothing from elsewhere", async () => {
  const page = await ask("/");
  assert.match(page.headers["content-type"], /^text\/html/);
  assert.ok(page.text.includes("/predict") && page.text.includes("令牌"));
  assert.doesNotMatch(page.text, /(src|href)\s*=\s*["']?(https?:)?\/\/|<script/i);
  const described = JSON.parse((await ask("/openapi.json")).text);
  const promised = described.components.schemas.Prediction;
  const { predictions } = JSON.parse((await ask("/predict", { method: "POST", body: JSON.stringify({ texts: ["a"] }) })).text);
  for (const name of promised.required) assert.ok(name in predictions[0], name);
  for (const name of Object.keys(predictions[0])) assert.ok(name in promised.properties, name);
  assert.deepEqual(JSON.parse((await ask("/health")).text), { status: "ok" });
});

test("Ctrl+C stops it cleanly", async () => {
  const ended = new Promise((resolve) => child.on("exit", (code, signal) => resolve(signal ?? code)));
  child.kill("SIGINT");
  assert.deepEqual(JSON.parse((await lines.next()).value), { stopped: true });
  assert.equal(await ended, 0);
  await assert.rejects(ask("/health"));
});
