// A model that a colleague trained and sent as an archive answers in the real window of somebody who trained nothing; and
// of a training by additions only these are passed on.
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Place, readCsv, smallTable } from "./lib/place.mjs";
import { Key, freePort, openWindow } from "./lib/window.mjs";

const ASKING = 60_000;

for (const language of ["en", "zh"]) {
  describe(`a received model, in ${language}`, () => {
    const place = new Place();
    const colleague = place.path("colleague.understudy");
    let window;
    before(async () => {
      place.ownLibrary();
      place.must("import", place.write("table.csv", smallTable(200)), "--project", colleague);
      place.must("split", "--project", colleague);
      place.must("train", "--project", colleague, "--preset", "textbook", "--method", "lora", "--learning-rate", "0.001", "--epochs", "2", "--max-length", "24");
      place.must("export", "--project", colleague, "--out", place.path("firm.zip"));
      const odd = place.write("odd.csv", "first,second\nthe fee is due,we settle in court\nsee above,the term ends in a year\n");
      const asked = [place.write("asked.csv", smallTable(30)), place.path("answered.csv"), odd, place.path("odd-answered.csv")];
      window = await openWindow(place, { language, answers: [colleague, place.folder, place.path("firm.zip"), ...asked] });
    });
    after(async () => {
      await window?.close();
      place.remove();
    });
    const look = (name) => window.look(`received-${name}-${language}`);

    test("is passed on as what was learned alone", async () => {
      await window.click("open-project");
      await window.click("nav-results");
      await window.click("export-model");
      await window.click("export-as-adapter");
      await look("0-export");
      await window.click("export-model-yes");
      const written = () => readdirSync(place.folder).find((name) => name.endsWith(" adapter"));
      await window.until(() => written() && existsSync(place.path(written(), "adapter_config.json")), "nothing was exported", ASKING);
    });

    test("is trained once more by whoever doubts it, and comes to the same", async () => {
      await window.click("run-again");
      const state = async () => (await window.get("nav-train")).getAttribute("data-state");
      await window.until(async () => (await state()) === "working", "it is not trained again");
      await window.until(async () => (await state()) === "done", "it was not trained again", ASKING);
      await window.click("nav-results");
      await window.click("verify");
      assert.match(await window.text("repetition", ASKING), /./);
      await window.get("checks");
      await look("0-again");
      await window.click("close-project");
    });

    test("is taken in, answers a text and a file, and is shown to others", async () => {
      await window.fill("project-name-input", "Empty");
      await window.click("create-project");
      await window.click("nav-use");
      await window.until(async () => !(await window.has("use-text")), "there is nothing to ask yet");
      const state = async () => (await window.get("nav-use")).getAttribute("data-state");
      assert.equal(await state(), "empty");
      await look("1-nothing");
      await window.click("nav-model");
      await window.driver.executeScript("document.querySelectorAll('[data-testid=model-view] input')[2].click()");
      await window.click("add-archive");
      await window.until(async () => place.must("models", "list").models.some(({ id, installed }) => id === "firm" && installed), "it was not taken in", ASKING);
      await window.until(async () => (await state()) === "done", "the list of rooms says that there is nothing to use", ASKING);
      await window.click("nav-use");
      assert.match(await window.text("received"), language === "en" ? /unlike those it learned from/ : /与它所学不同类/, "which texts go to a person");
      await window.fill("use-text", "The fee is due under clause 7");
      await window.click("try");
      assert.ok((await window.text("predicted-label", ASKING)).length > 0);
      await window.get("explained-text", ASKING);
      await look("2-answer");
      await window.click("predict-file");
      await window.until(() => existsSync(place.path("answered.csv")), "no file was answered", ASKING);
      await window.get("predict-result");
      assert.equal(readCsv(place.path("answered.csv")).length, 31);
      // Neither column has the name that the texts stood under.
      await window.click("predict-file");
      await window.get("columns");
      await window.driver.executeScript("document.querySelector('[data-testid=columns] input[value=second]').click()");
      await look("3-column");
      await window.click("column-yes");
      await window.until(() => existsSync(place.path("odd-answered.csv")), "the second file was not answered", ASKING);
      assert.equal(readCsv(place.path("odd-answered.csv")).length, 3);
      await window.fill("server-port", String(await freePort()));
      await window.click("server-start");
      const value = async (id) => (await window.get(id, ASKING)).getAttribute("value");
      const [address, token] = [await value("server-address"), await value("server-token")];
      const answer = await fetch(new URL("/predict", address), {
        method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: JSON.stringify({ texts: ["The fee is due"] }),
      });
      assert.equal(answer.status, 200);
      assert.equal((await answer.json()).predictions.length, 1);
      assert.match(await window.text("server-status"), /[“]firm[”]/);
      await look("4-server");
      await window.click("server-stop");
      // The page grows shorter when the server has ended, and what is below the pointer moves.
      await window.get("server-start");
      await window.click("demo-keep");
      await window.get("demo-kept-0");
      await window.click("demo-begin");
      await window.click("demo-example-0");
      assert.ok((await window.text("demo-label", ASKING)).length > 0);
      await window.press(Key.ESCAPE);
      await window.get("use-text");
    });
  });
}
