// Office data as it is: HTML, personal data, labels written in several ways, one text with two labels, dates. Cleaned,
// decided and divided in the real window; then learnt from, and used, on the command line.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Place, readCsv, smallTable } from "./lib/place.mjs";
import { Key, openWindow } from "./lib/window.mjs";

/** Forty-five clauses as a web form left them, a day each, and what goes wrong in such files. */
function messy() {
  const [, ...rows] = smallTable(45).trim().split("\n");
  const label = (row) => row.slice(row.lastIndexOf(",") + 1);
  const text = (row) => row.slice(1, row.lastIndexOf(",") - 1);
  const lines = rows.map((row, i) => {
    const spelt = label(row) === "Payment" && i % 2 ? " PAYMENT" : label(row);
    const day = new Date(Date.UTC(2024, 0, 1 + i)).toISOString().slice(0, 10);
    return `"<p>${text(row)}</p> Write to clerk${i}@office.example, cafÃ© ${i}.","Part ${i}",${spelt},${day}`;
  });
  lines.push('"The same words with two answers.",,Law,2024-03-01', '"The same words with two answers.",,Term,2024-03-01');
  lines.push("A clause without quotes, but with a comma,Part,Law,2024-01-20");
  return `text,heading,label,day\n${lines.join("\n")}\n`;
}

for (const language of ["en", "zh"]) {
  describe(`cleaning in ${language}`, () => {
    const place = new Place();
    let window;
    before(async () => {
      window = await openWindow(place, { language, answers: [place.write("messy.csv", messy())] });
    });
    after(async () => {
      await window?.close();
      place.remove();
    });

    const look = (name, themes) => window.look(`cleaning-${name}-${language}`, themes);
    const choose = async (id, value) => {
      await window.driver.executeScript(
        "const s = arguments[0]; s.value = arguments[1]; s.dispatchEvent(new Event('change', { bubbles: true }));", await window.get(id), value,
      );
    };

    test("two columns become one text, and the days are dates", async () => {
      await window.fill("project-name-input", "Messy");
      await window.click("create-project");
      await window.click("choose-file");
      await window.get("preview");
      assert.equal(await (await window.get("role-3")).getAttribute("value"), "date", "a column of days is seen");
      await choose("role-1", "more_text");
      assert.match(await window.text("joined"), /text \+ heading/);
      await choose("role-1", "ignore");
      await look("1-preview");
      await window.click("import");
      await window.get("data-summary");
    });

    test("a row that was put aside is mended cell by cell", async () => {
      await window.click("show-problems");
      await window.click("mend");
      assert.equal(await (await window.get("mend-0")).getAttribute("value"), "A clause without quotes, but with a comma");
      await look("1-mend");
      await window.click("mend-save");
      await window.until(async () => !(await window.has("mend")), "the row is still aside");
      await window.press(Key.ESCAPE);
      await window.until(async () => !(await window.has("show-problems")), "the finding stays");
    });

    test("texts are cleaned by rules that are looked at first, and a step can be undone", async () => {
      await window.click("show-cleaning");
      const markup = await window.get("rule-markup");
      assert.ok(await markup.isSelected(), "what mends is chosen");
      await window.click("rule-deidentify_email");
      await look("2-rules", ["light", "dark"]);
      await window.click("clean-apply");
      await window.until(async () => !(await window.has("clean-apply")), "the dialog stays");
      await window.get("undo-cleaning");
      await window.until(async () => (await window.driver.findElements({ css: '[data-testid="undo-cleaning"]' })).length === 3, "not three steps");
      await window.fill("search", "clerk");
      await window.until(async () => /\b0\b/.test(await window.text("room-data")) && !(await window.has("rows")), "an address is left");
      await window.fill("search", "café");
      await window.get("rows");
      await look("3-cleaned");
    });

    test("a text is corrected by hand, and the imported one stays beside it", async () => {
      const rows = await window.get("rows");
      await rows.click();
      await window.press(Key.ARROW_DOWN, Key.ENTER);
      await window.click("edit");
      await window.fill("edit-text", "A corrected clause.");
      await window.click("edit-save");
      await window.get("imported-text");
      await look("4-edited");
      await window.click("edit-undo");
      await window.until(async () => !(await window.has("edit-undo")), "the correction stays");
      await window.fill("search", "");
    });

    test("labels written in several ways become one, and a text with two labels is decided", async () => {
      await window.click("show-spellings");
      await window.get("merge");
      await look("5-spellings");
      await window.click("merge");
      await window.until(async () => !(await window.has("merge")), "the labels are still two");
      await window.press(Key.ESCAPE);
      await window.click("show-conflicts");
      await window.get("conflicts");
      await look("6-conflicts");
      await window.click("decide");
      await window.until(async () => !(await window.has("decide")), "the text is still undecided");
      await window.press(Key.ESCAPE);
      await window.until(async () => !(await window.has("show-conflicts")), "the finding stays");
    });

    test("the rows are divided by date, and nothing later is learnt from", async () => {
      await window.click("nav-split");
      await window.click("divide");
      await window.get("split-result");
      assert.match(await window.text("leaks"), language === "en" ? /later than the first one of the test/ : /晚于/);
      await window.driver.executeScript("document.querySelectorAll('[data-testid=\"split-way\"] input')[1].click()");
      await window.click("divide");
      await window.until(async () => /2024-02-/.test(await window.text("split-result")), "no days are told");
      assert.doesNotMatch(await window.text("leaks"), language === "en" ? /later than the first one of the test/ : /晚于/);
      await look("7-by-date");
    });
  });
}

describe("cleaned texts are learnt from and answered", () => {
  const place = new Place();
  place.environment.LC_ALL = "en_US.UTF-8";
  after(() => place.remove());
  const project = place.path("p.understudy");

  test("from the file to the report", () => {
    const file = place.write("messy.csv", messy());
    place.must("import", file, "--project", project, "--text", "text", "--text", "heading");
    const { problems } = place.must("problems", "--project", project);
    assert.deepEqual(problems[0].form.cells, ["A clause without quotes, but with a comma", "Part", "Law", "2024-01-20"]);
    const refused = place.understudy("problems", "--project", project, "--mend", String(problems[0].problem.id), "--cell", "too few");
    assert.deepEqual([refused.status, refused.found.error.kind], [2, "row_cell_count"]);
    const { look } = place.must("clean", "--project", project, "--look");
    assert.ok(look.proposals.some(({ rule, rows }) => rule.kind === "markup" && rows === 45));
    const cleaned = place.must("clean", "--project", project, "--normalize", "mojibake,markup", "--deidentify", "email", "--drop-conflicts");
    assert.deepEqual(cleaned.data.cleaning.map(({ rule, rows }) => [rule.kind, rows]), [["mojibake", 45], ["markup", 45], ["deidentify", 45], ["drop_conflicts", 2]]);
    const { spellings } = place.must("labels", "--project", project);
    assert.deepEqual(spellings, [{ labels: ["Payment", "PAYMENT"], keep: "Payment" }]);
    const { labels } = place.must("labels", "--project", project, "--merge", "PAYMENT", "--into", "Payment");
    assert.deepEqual(labels.filter(({ count }) => count > 0).map(({ name, count }) => [name, count]), [["Payment", 15], ["Term", 15], ["Law", 15]]);
    const { split } = place.must("split", "--project", project, "--by-date");
    assert.equal(split.leaks.date, 0);

    place.must("train", "--project", project, "--preset", "quick", "--epochs", "1");
    const report = place.path("report.html");
    place.must("report", "--project", project, "--out", report, "--language", "en");
    const html = readFileSync(report, "utf8");
    assert.match(html, /HTML was taken out of 45 texts/);
    assert.match(html, /Personal data were replaced by placeholders in 45 texts: e-mail addresses/);
    assert.match(html, /the test part begins on 2024-02-/);
  });

  test("what is asked later goes the same way as what was learnt from", () => {
    const raw = 'text,heading\n"<p>The fee shall pay under clause 1, as agreed.</p> Write to a@b.example","Part 1"\n';
    const clean = 'text,heading\n"The fee shall pay under clause 1, as agreed.\n Write to [EMAIL_1]","Part 1"\n';
    const answers = [raw, clean].map((table, i) => {
      const out = place.path(`answers-${i}.csv`);
      place.must("predict", "--project", project, place.write(`ask-${i}.csv`, table), "--out", out);
      return readCsv(out)[1].slice(-3);
    });
    assert.deepEqual(answers[0], answers[1]);
    const out = place.path("nothing-left.csv");
    place.must("predict", "--project", project, place.write("nothing-left-in.csv", 'text,heading\n<p></p>,\n'), "--out", out);
    const [label, , review] = readCsv(out)[1].slice(-3);
    assert.deepEqual([label, review], ["", "yes"], "nothing is left of it to answer");
  });

  test("the test part that was judged on is drawn again only with a word, and the split says so", () => {
    const refused = place.understudy("split", "--project", project);
    assert.deepEqual([refused.status, refused.found.error.kind], [2, "test_locked"]);
    const { split } = place.must("split", "--project", project, "--open-test");
    assert.ok(split.notes.some((note) => /divided again once/.test(note)), split.notes.join("\n"));
    assert.equal(place.must("verify", "--project", project).audit.broken, null);
  });

  test("every row is judged once by cross-validation", () => {
    const found = place.must("cross-validate", "--project", project, "--folds", "2", "--preset", "quick", "--epochs", "1");
    assert.equal(found.folds.length, 2);
    const judged = found.folds.reduce((sum, fold) => sum + fold.test.examples, 0);
    assert.equal(judged, 45);
    assert.ok(found.scores.accuracy.mean >= 0 && found.scores.accuracy.standard_deviation >= 0);
    const { split } = place.must("split", "--project", project, "--add");
    assert.equal(split.way.way, "random", "the division that was there before is back");
  });
});
