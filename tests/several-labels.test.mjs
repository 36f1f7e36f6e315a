// Texts that carry several labels: in the real window from the file to an answer and a report, then on the command line.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { letters, Place, readCsv } from "./lib/place.mjs";
import { Key, openWindow } from "./lib/window.mjs";

// A processor that cannot multiply rounded numbers needs minutes.
const TRAINING = 600_000;
const ROWS = 160;
// A row without labels is not labelled yet, and a person may say that none applies.
const UNLABELLED = ROWS / 8;

for (const language of ["en", "zh"]) {
  describe(`several labels a text, in ${language}`, () => {
    const place = new Place();
    const project = "Letters";
    let window;
    before(async () => {
      const answers = [place.write("letters.csv", letters(ROWS)), place.path("report.html")];
      window = await openWindow(place, { language, answers });
    });
    after(async () => {
      await window?.close();
      place.remove();
    });

    const look = (name) => window.look(`several-${name}-${language}`);

    const folder = () => place.path("home/projects", `${project}.understudy`);

    test("from the file to the report", async () => {
      await window.fill("project-name-input", project);
      await window.click("create-project");
      await window.click("choose-file");
      const separator = await window.get("label-separator");
      assert.equal(await separator.getAttribute("value"), "|", "the bar between the labels is seen");
      await look("1-preview");
      await window.click("import");
      await window.get("data-summary");
      await look("2-data");

      await window.click("nav-labels");
      await window.get("bench");
      assert.ok(await (await window.get("several")).isSelected());
      const pressed = async () =>
        Promise.all([1, 2, 3].map(async (id) => (await (await window.get(`label-${id}`)).getAttribute("aria-pressed")) === "true"));
      const first = await window.text("bench-text");
      await window.press("1");
      await window.until(async () => (await pressed())[0], "the first label was not set");
      await window.press("2");
      await window.until(async () => (await pressed())[1], "the second label was not set beside it");
      assert.equal(await window.text("bench-text"), first, "the row stays while its labels are chosen");
      await look("3-labels");
      await window.press("1");
      await window.until(async () => !(await pressed())[0], "the first label was not taken off");
      await window.press("2");
      await window.until(async () => !(await pressed())[1], "the second label was not taken off");
      for (let row = 0; row < UNLABELLED; row++) {
        const before = await window.text("label-progress");
        await window.press("-");
        await window.until(async () => (await window.text("label-progress")) !== before, `row ${row} was not labelled`);
      }

      await window.click("nav-split");
      await window.click("divide");
      await window.get("split-result");
      await look("4-split");

      await window.click("nav-train");
      // One training instead of three that become one: that is tested elsewhere.
      await window.get("settings");
      await window.driver.executeScript("document.querySelector('[data-testid=settings]').open = true");
      await window.fill("setting-trainings", "1");
      await window.press(Key.TAB);
      await window.get("plan");
      await window.click("start-training");
      await window.until(async () => (await window.data("run-state", "state")) === "finished", "the run did not finish", TRAINING);

      await window.click("nav-results");
      await window.get("tile-micro-f1");
      assert.ok(!(await window.has("confusion")), "nothing is taken for something else");
      await look("5-results");
      await window.click("save-report");
      await window.until(() => existsSync(place.path("report.html")), "no report was saved");
      const html = readFileSync(place.path("report.html"), "utf8");
      assert.ok(html.includes("Refund") && html.includes("<svg") && !html.includes("NaN"));

      await window.click("nav-use");
      await window.fill("use-text", "The device arrived broken, please pay my money back");
      await window.click("try");
      const labels = await window.text("predicted-label", 60_000);
      assert.ok(labels.includes("Refund") && labels.includes("Complaint") && !labels.includes("Delivery"), labels);
      await look("6-use");
    });

    test("the command line goes on with the same project", () => {
      const { rows } = place.must("predict", "--project", folder(), place.path("letters.csv"), "--out", place.path("answers.csv"));
      assert.equal(rows, ROWS);
      const [header, ...answers] = readCsv(place.path("answers.csv")).filter((row) => row.length > 1);
      assert.deepEqual(header.slice(-3), ["predicted_labels", "confidence", "review"]);
      const right = answers.filter((row) => row.at(-3).split("|").sort().join() === row[1].split("|").sort().join());
      assert.ok(right.length > 0.8 * ROWS, `${right.length} of ${ROWS}`);
      const { test: scores, bag_of_words_micro_f1: counted } = place.must("evaluate", "--project", folder());
      assert.ok(scores.multi_label.thresholds.length === 3 && scores.micro_f1 > 0.8, JSON.stringify(scores));
      assert.ok(counted > 0.5 && counted <= 1);
      // Each label that is given is explained, and none that is not.
      const { examined } = place.must("explain", "--project", folder(), "--test-part");
      assert.equal(examined.texts, scores.examples);
      const explained = Object.fromEntries(examined.labels.map((label) => [label.label, label.texts]));
      const given = scores.classes.filter((score) => score.predicted > 0).map((score) => [score.label, score.predicted]);
      assert.deepEqual(explained, Object.fromEntries(given));
      assert.equal(place.must("verify", "--project", folder()).audit.broken, null);
    });
  });
}

describe("a column for each label", () => {
  const place = new Place();
  after(() => place.remove());

  test("is seen, and what says neither yes nor no is put aside", () => {
    const file = place.write("flags.csv", "note,urgent,refund\nsend it at once please,1,0\npay it back,0,1\nboth at once,yes,x\nnothing to do,0,0\nbroken row,1,perhaps\n");
    const found = place.must("import", file, "--project", place.path("p.understudy"));
    assert.equal(found.import.labels, 0, "a column with other words is no column of yes and no");
    const asked = place.must("import", file, "--project", place.path("q.understudy"), "--label-columns", "urgent,refund");
    assert.deepEqual([asked.import.rows, asked.import.labelled, asked.import.labels, asked.import.problem_rows], [4, 4, 2, 1]);
  });
});

