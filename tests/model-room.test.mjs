// The model room in the real window, against a model hub on this machine: what is proposed and why, a download that is
// paused and goes on, models from disk, the library, every connection told, and none when they are switched off.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { FakeHub, tinyModel } from "./lib/hub.mjs";
import { Place, SAMPLES } from "./lib/place.mjs";
import { openWindow } from "./lib/window.mjs";

const STARTER = "sentence-transformers/all-MiniLM-L6-v2";
const MODEL = "someone/tiny-legal-bert";

for (const language of ["en", "zh"]) {
  describe(`the model room in ${language}`, () => {
    const place = new Place();
    let hub;
    let window;

    before(async () => {
      const { "model.safetensors": weights, ...rest } = tinyModel();
      hub = await new FakeHub({
        [MODEL]: tinyModel(),
        "someone/old-legal-bert": { files: { ...rest, "pytorch_model.bin": weights } },
        "someone/legal-llama": { files: tinyModel(), model_type: "llama" },
        "someone/gated-legal-bert": { files: tinyModel(), gated: "manual" },
      }).start();
      place.ownLibrary();
      Object.assign(place.environment, { HF_ENDPOINT: hub.address, HF_HOME: place.path("hf"), HF_TOKEN: "" });
      window = await openWindow(place, { language, answers: [place.path("tiny.zip"), place.path("tiny.zip"), place.path("nothing")] });
      writeFileSync(place.path("nothing-here.txt"), "");
      mkdirSync(place.path("nothing"));
    });
    after(async () => {
      await window?.close();
      await hub?.stop();
      place.remove();
    });

    const look = (name, themes) => window.look(`model-${name}-${language}`, themes);
    const content = (id) => window.driver.executeScript("return document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.textContent ?? ''", id);
    const view = async (index) => {
      await window.driver.executeScript("document.querySelectorAll('[data-testid=model-view] input')[arguments[0]].click()", index);
      await window.settle();
    };
    const connections = () => place.must("connections").connections;

    test("a model is proposed with its reason, and nothing was sent for it", async () => {
      await window.click(language === "en" ? "sample-contract-clauses" : "sample-legal-questions-zh");
      await window.click("nav-model");
      await window.get("recommended", 60_000);
      await window.until(async () => !/几秒钟|a few seconds/.test(await content("room-model")), "the machine was never measured", 60_000);
      const reason = await content("recommended-reason");
      assert.match(reason, language === "en" ? /English.*\d+ labels/ : /中文.*\d+ 个标签/);
      await look("proposed", ["light", "dark"]);
      const cards = await window.driver.executeScript("return document.querySelectorAll('.cards article').length");
      assert.ok(cards >= 40, `${cards} models`);
      await window.driver.executeScript("document.querySelector('[data-testid=model-words]').scrollIntoView()");
      await window.fill("model-words", "legal");
      await window.until(async () => (await window.driver.executeScript("return document.querySelectorAll('.cards article').length")) < 8, "the filter does nothing");
      await look("filtered");
      await window.fill("model-words", "");
      assert.deepEqual(connections(), []);
      assert.deepEqual(hub.requests, []);
    });

    test("the hub is asked on request, and says what can be trained here", async () => {
      await view(1);
      assert.equal(hub.requests.length, 0);
      await window.fill("hub-words", "legal");
      await window.click("hub-go");
      await window.get(`look-${MODEL}`);
      assert.equal(hub.requests.length, 1);
      assert.ok(!(await window.has("look-someone/old-legal-bert")) && !(await window.has("look-someone/legal-llama")));
      assert.match(await content("found"), /llama/);
      await window.click(`look-${MODEL}`);
      await window.get("looked");
      await look("hub");
    });

    test("a download is paused, survives, goes on where it was and is chosen", async () => {
      hub.pace = 2000;
      await window.click(`download-${MODEL}`);
      await window.get("download-progress");
      await window.until(async () => /kB/.test(await content("download-progress")), "no progress");
      await look("downloading");
      await window.click(`pause-${MODEL}`);
      await window.get(`paused-${MODEL}`);
      await look("paused");
      await view(2);
      await window.get("unfinished");
      await view(1);
      const before = hub.requests.length;
      hub.pace = 0;
      await window.click(`download-${MODEL}`);
      await window.click(`choose-${MODEL}`);
      const ranges = hub.requests.slice(before).map((request) => request.range).filter((range) => range !== undefined);
      assert.ok(ranges.some((range) => range !== "bytes=0-"), "it began again from the start");
      assert.ok(existsSync(place.path("models/someone--tiny-legal-bert/model.safetensors")));
      const verified = place.must("models", "verify", MODEL);
      assert.equal(verified.verified, true);
    });

    test("a model that its owner guards is told as such, with what to do", async () => {
      await window.click("look-someone/gated-legal-bert");
      await window.get("error-note");
      assert.match(await window.text("error-note"), language === "en" ? /conditions/ : /使用条件/);
      await look("gated");
    });

    test("the library exports, removes and takes in again, and refuses what is no model", async () => {
      await view(2);
      await window.click(`export-${MODEL}`);
      await window.until(() => existsSync(place.path("tiny.zip")), "nothing was exported");
      await window.get("copied");
      await window.click("nav-train");
      await window.click("nav-model");
      await view(0);
      await window.driver.executeScript("document.querySelector(`[data-testid='choose-${arguments[0]}']`).click()", STARTER);
      await view(2);
      await window.until(async () => (await window.has(`library-choose-${MODEL}`)), "the other model was not chosen");
      await window.click(`remove-${MODEL}`);
      await look("remove");
      await window.click("remove-really");
      await window.until(async () => !(await window.has(`here-${MODEL}`)), "it was not removed");
      assert.ok(!existsSync(place.path("models/someone--tiny-legal-bert")));
      await window.click("add-archive");
      await window.get(`here-${MODEL}`);
      await window.click(`verify-${MODEL}`);
      await window.get("verified");
      await look("library", ["light", "dark"]);
      await window.click("add-folder");
      await window.get("error-note");
      assert.match(await window.text("error-note"), /config\.json/);
      await look("no-model");
    });

    test("every connection is told, and none is opened when they are switched off", async () => {
      await view(3);
      await window.get("connections");
      const told = connections();
      // Redirects are connections too; queries, which can hold signatures, are left out.
      assert.ok(told.length >= 6 && told.every((entry) => hub.address.endsWith(entry.host)));
      assert.equal(told.length, hub.requests.length);
      assert.ok(!readFileSync(join(place.path("home/config"), "connections.jsonl"), "utf8").includes("signature"));
      await look("connections", ["light", "dark"]);
      await window.click("network-open");
      await window.until(() => existsSync(place.path("home/config/network.json")), "the switch was not kept");
      await view(1);
      const before = hub.requests.length;
      await window.click("hub-go");
      const refusal = language === "en" ? /switched off/ : /联网已关闭/;
      await window.until(async () => refusal.test(await content("error-note")), "nothing was refused");
      await look("offline");
      assert.equal(hub.requests.length, before);
      assert.equal(place.understudy("models", "download", "BAAI/bge-small-zh-v1.5").status, 2);
      assert.equal(hub.requests.length, before);
    });
  });
}
