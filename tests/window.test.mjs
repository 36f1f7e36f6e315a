// A new user's way through the real window, from a file to a report and a first prediction, in both languages.
// SCREENSHOTS=FOLDER keeps a picture of every room.
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Place, readCsv, SAMPLES } from "./lib/place.mjs";
import { Key, openWindow } from "./lib/window.mjs";

// A processor that cannot multiply rounded numbers needs minutes.
const TRAINING = 600_000;

const WAYS = [
  { language: "en", sample: "contract-clauses.csv", project: "Clause review", text: "This Agreement shall be governed by the laws of the State of New York.", label: "Governing Law", strange: "Beat three eggs with the sugar, fold in the flour and bake until golden. 锅里放油，把鸡蛋打散炒熟。" },
  { language: "zh", sample: "legal-questions-zh.csv", project: "法律咨询分类", text: "公司拖欠工资三个月，我该怎么办？", label: null, strange: "SELECT name, price FROM cakes WHERE flour > 200 ORDER BY price DESC LIMIT 10; Beat the eggs and bake." },
];

for (const way of WAYS) {
  describe(`the whole way in ${way.language}`, () => {
    const place = new Place();
    let window;

    before(async () => {
      const answers = [
        join(SAMPLES, way.sample),
        place.path("saved report.html"),
        place.path(),
        join(SAMPLES, way.sample),
        place.path("predicted.csv"),
      ];
      window = await openWindow(place, { language: way.language, answers });
    });
    after(async () => {
      await window?.close();
      place.remove();
    });

    const look = (name) => window.look(`${name}-${way.language}`, ["light", "dark"]);

    let stopped = false;

    /** A step of the way; after one that failed, the rest cannot be walked. */
    function step(name, walk) {
      test(name, async (t) => {
        if (stopped) return t.skip("an earlier step failed");
        stopped = true;
        await walk();
        stopped = false;
      });
    }

    step("a project is made", async () => {
      await window.get("start");
      await look("0-start");
      await window.fill("project-name-input", way.project);
      await window.click("create-project");
      await window.get("drop-zone");
      assert.ok(existsSync(place.path("home/projects", `${way.project}.understudy`, "project.db")));
    });

    step("a file is chosen, seen and imported", async () => {
      await window.click("choose-file");
      await window.get("preview");
      await look("1-preview");
      await window.click("import");
      await window.get("data-summary");
      await look("1-data");
    });

    step("a row is labelled by a key, and the key can be taken back", async () => {
      await window.click("nav-labels");
      await window.get("bench");
      const progress = await window.text("label-progress");
      await look("2-labels");
      if (way.language === "en") {
        await window.press("1");
        await window.until(async () => (await window.text("label-progress")) !== progress, "nothing was labelled");
        await window.hold(Key.CONTROL, "z");
        await window.until(async () => (await window.text("label-progress")) === progress, "undo did nothing");
        await window.press("1");
      }
    });

    step("the rows are divided", async () => {
      await window.click("nav-split");
      await window.click("divide");
      await window.get("split-result");
      await look("3-split");
    });

    step("the starter model is there", async () => {
      await window.click("nav-model");
      await window.get("machine");
      await look("4-model");
    });

    step("it is trained, watched, cancelled and continued", async () => {
      await window.click("nav-train");
      await window.get("plan");
      await look("5-plan");
      await window.driver.executeScript("document.querySelector('[data-testid=settings]').open = true");
      await window.fill("setting-learning_rate", "0.0004");
      await window.press(Key.TAB);
      // Enough to see what comes after it.
      await window.fill("setting-epochs", "2");
      await window.press(Key.TAB);
      await window.click("nav-model");
      await window.get("machine");
      await window.click("nav-train");
      await window.get("plan");
      await window.driver.executeScript("document.querySelector('[data-testid=settings]').open = true");
      assert.equal(await (await window.get("setting-epochs")).getAttribute("value"), "2", "what was chosen is kept");
      await window.click("start-training");
      await window.get("train-progress", TRAINING);
      await new Promise((resolve) => setTimeout(resolve, 6000));
      await look("5-train-running");
      await window.click("cancel-training");
      await window.until(async () => (await stateOf()) === "cancelled", "the run was not cancelled", TRAINING);
      await window.click("continue-training");
      await window.until(async () => (await stateOf()) === "finished", "the run did not finish", TRAINING);
      await look("5-train");
    });

    const stateOf = () => window.data("run-state", "state");

    step("it is checked whether that was luck", async () => {
      // What one fold takes is enough to see: the quick way, and two of them.
      await window.driver.executeScript("document.querySelector('[data-testid=preset] label').click()");
      await window.until(async () => window.driver.executeScript("return document.querySelector('[data-testid=preset] input').checked"), "the quick way was not chosen");
      await window.fill("cross-folds", "2");
      await window.press(Key.TAB);
      await window.click("cross-start");
      await window.get("cross-progress", TRAINING);
      await look("5-cross-running");
      await window.get("cross-mean", TRAINING);
      await window.get("start-training", TRAINING);
      await look("5-cross");
      await window.click("nav-split");
      // The division that was judged is back with its lock.
      await window.get("test-lock");
      await window.click("nav-train");
    });

    step("the results are told, and the report is written", async () => {
      await window.click("nav-results");
      await window.get("headline");
      await window.get("confusion");
      await look("6-results");
      await window.select("group-by", "length");
      const rows = await (await window.get("groups")).findElements({ css: "tbody tr" });
      assert.ok(rows.length > 1);
      await look("6-groups");
      await window.click("find-telling");
      await window.get("faithfulness", TRAINING);
      await look("6-telling");
      await window.click("save-report");
      await window.until(() => existsSync(place.path("saved report.html")), "no report was saved");
      const html = readFileSync(place.path("saved report.html"), "utf8");
      assert.ok(html.includes(way.project) && html.includes("<svg"));
      assert.match(html, way.language === "en" ? /Which words tell/ : /哪些词起作用/);
      await window.click("verify");
      await window.get("checks", 60_000);
      const warnings = await window.driver.findElements({ css: "[data-testid=checks] .changed, [data-testid=checks] .missing" });
      assert.equal(warnings.length, 0, await window.text("checks"));
      await look("6-proof");
      await window.click("export-model");
      await window.click("export-as-folder");
      await window.click("export-model-yes");
      const exported = () => readdirSync(place.folder).find((name) => name.startsWith(`${way.project} `));
      await window.until(() => exported() && existsSync(place.path(exported(), "model.safetensors")), "nothing was exported");
    });

    step("a text is answered, and a file", async () => {
      await window.click("nav-use");
      await window.fill("use-text", way.text);
      await window.click("try");
      const label = await window.text("predicted-label", 60_000);
      assert.ok(label.length > 0);
      if (way.label) assert.equal(label, way.label);
      await window.fill("use-text", way.strange);
      await window.click("try");
      await window.get("unfamiliar", 60_000);
      await look("7-unfamiliar");
      await window.fill("use-text", way.text);
      await window.click("try");
      await window.until(async () => (await window.driver.findElements({ css: "[data-testid=unfamiliar]" })).length === 0, "the usual text is called unfamiliar", 60_000);
      // Until its reasons are there, what stands below them moves.
      await window.get("explained-text", 60_000);
      await window.click("predict-file");
      await window.until(() => existsSync(place.path("predicted.csv")), "no file was predicted", 120_000);
      await window.get("predict-result");
      assert.ok(readCsv(place.path("predicted.csv")).length > 200);
      await look("7-use");
      // The rows of the sample are in the project already.
      await window.click("queue-file");
      await window.get("queued");
    });

    step("other programs are answered while the server is on", async () => {
      // Somebody else is at this port: that is told, and afterwards it goes on as if nothing had been.
      const other = createServer().listen(0, "127.0.0.1");
      await once(other, "listening");
      const { port } = other.address();
      await window.fill("server-port", String(port));
      await window.press(Key.TAB);
      await window.click("server-start");
      assert.match(await window.text("error-note", 60_000), new RegExp(String(port)));
      await look("8-server-busy");
      other.close();
      await once(other, "close");
      await window.click("server-start");
      const value = async (id) => (await window.get(id, 60_000)).getAttribute("value");
      const [address, token] = [await value("server-address"), await value("server-token")];
      const ask = () => fetch(`${address}/predict`, {
        method: "POST", headers: { authorization: `Bearer ${token}` }, body: JSON.stringify({ texts: [way.text] }),
      });
      const { predictions } = await (await ask()).json();
      assert.deepEqual(predictions[0].labels, [await window.text("predicted-label")]);
      assert.equal(new URL(address).port, String(port));
      await look("7-use-server");
      await window.click("server-stop");
      await window.get("server-start", 30_000);
      await assert.rejects(ask());
    });

    step("the model is shown to others, with nothing else in reach", async () => {
      await window.click("demo-keep");
      await window.get("demo-kept-0");
      await window.click("demo-begin");
      await window.click("demo-example-0");
      assert.ok((await window.text("demo-label", 60_000)).length > 0);
      assert.deepEqual(await window.driver.findElements({ css: "[data-testid=nav-data]" }), []);
      await look("7-demo");
      await window.press(Key.ESCAPE);
      await window.get("use-text");
    });

    step("a new text goes from the model to the label room", async () => {
      await window.fill("use-text", `${way.text} (2026)`);
      await window.click("try");
      await window.click("queue-text");
      await window.click("label-queued", 60_000);
      // The row that was on the bench before may still be there for a moment.
      await window.until(async () => (await window.text("bench-text")) === `${way.text} (2026)`, "the new text is not the one to label");
      await look("7-review");
    });
  });
}

describe("walls and accidents", () => {
  const place = new Place();
  let window;
  before(async () => {
    window = await openWindow(place, { answers: [place.write("empty.csv", "")] });
  });
  after(async () => {
    await window?.close();
    place.remove();
  });

  test("the page cannot leave, and cannot call what it may not", async () => {
    await window.get("start");
    const address = await window.driver.getCurrentUrl();
    await window.driver.executeScript("location.href = 'http://127.0.0.1:9/?secret'");
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(await window.driver.getCurrentUrl(), address);
    const refused = await window.driver.executeAsyncScript(`
      const done = arguments[0];
      window.__TAURI_INTERNALS__.invoke("plugin:dialog|open", { options: {} }).then(() => done("allowed"), () => done("refused"));`);
    assert.equal(refused, "refused");
    const fetched = await window.driver.executeAsyncScript(`
      const done = arguments[0];
      fetch("http://127.0.0.1:9/").then(() => done("allowed"), () => done("refused"));`);
    assert.equal(fetched, "refused");
  });

  test("an empty file is told in plain words and nothing is lost", async () => {
    await window.fill("project-name-input", "Bad file");
    await window.click("create-project");
    await window.click("choose-file");
    const told = await window.text("error-note");
    assert.match(told, /empty\.csv/);
    await window.look("8-error-en");
    await window.get("drop-zone");
  });
});
