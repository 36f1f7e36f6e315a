// Files from the office into the real window: a workbook with sheets, texts that are nearly the same, what a test gives
// away. Then other formats on the command line.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { ROOT } from "../scripts/lib/places.mjs";
import { Place, smallTable } from "./lib/place.mjs";
import { openWindow } from "./lib/window.mjs";

const WORKBOOK = join(ROOT, "src-tauri/crates/data/tests/fixtures/messy_csv/csvkit/sheets.xlsx");

/** An official test file, with a cell that says there is no label; its texts are not those of the clauses. */
const OFFICIAL = `text,label\n${["Payment", "Term", "Law", "N/A"].map((label, i) => `"Official case ${i}, settled by a court of the state of ${i}",${label}`).join("\n")}\n`;

/** Thirty clauses, and one of them again with another word. */
function clauses() {
  const lines = smallTable(30).trim().split("\n");
  const keys = "The tenant shall return the keys on the last day of the lease and leave the flat swept and";
  return `${[...lines, `"${keys} empty",Term`, `"${keys.toUpperCase()} CLEAN",Term`].join("\n")}\n`;
}

for (const language of ["en", "zh"]) {
  describe(`the data room in ${language}`, () => {
    const place = new Place();
    let window;
    before(async () => {
      window = await openWindow(place, { language, answers: [WORKBOOK, place.write("clauses.csv", clauses()), place.write("official.csv", OFFICIAL)] });
    });
    after(async () => {
      await window?.close();
      place.remove();
    });

    const look = (name) => window.look(`data-${name}-${language}`);

    test("a workbook shows its sheets, and another one can be chosen", async () => {
      await window.fill("project-name-input", "Office");
      await window.click("create-project");
      await window.get("choose-folder");
      await look("0-empty");
      await window.click("choose-file");
      const sheet = await window.get("sheet");
      assert.equal(await sheet.getAttribute("value"), "data", "the first sheet is a title page");
      assert.ok(!(await window.has("encoding")) && !(await window.has("delimiter")), "a workbook has neither");
      await look("1-sheets");
      await window.click("import-cancel");
    });

    test("cells that were copied from a spreadsheet can be pasted", async () => {
      await window.driver.executeScript(`
        const data = new DataTransfer();
        data.setData("text/plain", arguments[0]);
        document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));`, "text\tlabel\n\"two\nlines\"\tA\nanother\tB\n");
      assert.match(await window.text("preview"), /pasted\.tsv/);
      assert.equal(await (await window.get("delimiter")).getAttribute("value"), "\t");
      const cells = () => window.driver.executeScript("return [...document.querySelectorAll('td')].map((cell) => cell.textContent)");
      assert.deepEqual(await cells(), ["two\nlines", "A", "another", "B"]);
      await window.select("quoting", "none");
      await window.until(async () => (await cells())[0] === "lines\"", "a line is a row, and its first was put aside");
      await window.click("import-cancel");
    });

    test("texts that are nearly the same are found, looked at and hidden, and the test part gives nothing away", async () => {
      await window.click("choose-file");
      await window.get("preview");
      await window.click("import");
      await window.click("find-near");
      await window.click("show-near");
      await window.get("drop-near");
      await look("2-near");
      await window.click("drop-near");
      await window.get("undo-cleaning");
      await window.click("undo-cleaning");
      await window.get("show-near");
      await window.click("nav-split");
      await window.click("divide");
      assert.ok((await window.text("leak-exact")).length > 0 && (await window.text("leak-near")).length > 0);
      await look("3-leaks");
    });

    test("an official test file becomes the test part, and a label that stands for nothing is told", async () => {
      await window.click("nav-data");
      await window.click("add-file");
      await window.get("preview");
      await window.select("file-part", "test");
      await look("4-official");
      await window.click("import");
      assert.match(await window.text("odd-label"), /N\/A/);
      await look("5-odd");
      await window.click("show-odd");
      await window.until(async () => (await window.driver.executeScript("return document.querySelectorAll('[data-testid=rows] [data-index]').length")) === 1, "one row shown");
      await window.click("nav-split");
      await window.click("divide");
      await window.get("leak-exact");
      const split = place.must("split", "--project", place.path("home/projects/Office.understudy")).split;
      assert.equal(split.parts.find(({ part }) => part === "test").rows, 4, "its rows, and no other");
    });
  });
}

for (const [language, gone] of [["en", /folder cannot be reached/], ["zh", /无法访问项目文件夹/]]) {
  describe(`a project folder that is gone while it is open, in ${language}`, () => {
    const place = new Place();
    const folder = place.path("home", "projects", "Lost.understudy");
    let window;
    before(async () => {
      window = await openWindow(place, { language, answers: [place.write("clauses.csv", clauses()), place.write("more.csv", clauses())] });
      await window.fill("project-name-input", "Lost");
      await window.click("create-project");
      await window.click("choose-file");
      await window.get("preview");
      await window.click("import");
      await window.get("data-summary");
    });
    after(async () => {
      await window?.close();
      place.remove();
    });

    test("work, an import and a division tell so, and no other folder is made in its place", async () => {
      renameSync(folder, `${folder}.away`);
      await window.click("find-near");
      assert.match(await window.text("error-note"), gone);
      await window.look(`lost-folder-${language}`);
      await window.click("add-file");
      await window.get("preview");
      await window.click("import");
      assert.match(await window.text("error-note"), gone);
      await window.click("import-cancel");
      await window.click("nav-split");
      await window.click("divide");
      assert.match(await window.text("error-note"), gone);
      assert.ok(!existsSync(folder));
    });

    test("when it is there again, everything goes on", async () => {
      renameSync(`${folder}.away`, folder);
      await window.click("divide");
      await window.get("split-result");
      await window.click("nav-data");
      await window.get("show-near");
    });
  });
}

describe("other formats on the command line", () => {
  const place = new Place();
  place.environment.LC_ALL = "en_US.UTF-8";
  after(() => place.remove());
  let projects = 0;
  const imported = (file, ...more) => place.must("import", file, "--project", place.path(`${(projects += 1)}.understudy`), ...more).import;

  test("a workbook, its other sheet, and one that it does not have", () => {
    assert.equal(imported(WORKBOOK).rows, 5);
    assert.equal(imported(WORKBOOK, "--sheet", "ʤ").rows > 0, true);
    const refused = place.understudy("import", WORKBOOK, "--project", place.path("x.understudy"), "--sheet", "nope");
    assert.equal(refused.found.error.kind, "unknown_sheet");
    assert.match(refused.found.error.why, /not this one, data/);
  });

  test("gzip, JSON Lines, plain lines and a folder of texts", () => {
    const table = smallTable(30);
    const gz = place.path("rows.csv.gz");
    writeFileSync(gz, gzipSync(table));
    assert.deepEqual([imported(gz).rows, imported(place.write("plain.csv", table)).labels], [30, 3]);
    const json = [{ text: "pay it back", labels: ["refund", "urgent"] }, { text: "thanks a lot", labels: ["thanks"] }, { text: "pay at once", labels: ["urgent", "refund"] }];
    const lines = imported(place.write("rows.jsonl", json.map((row) => JSON.stringify(row)).join("\n")));
    assert.deepEqual([lines.rows, lines.labels], [3, 3], "lists of labels are several labels");
    assert.equal(imported(place.write("texts.txt", "A first text, with a comma.\nA second one.\n\nA third.\n")).rows, 3);
    for (const [folder, text] of [["spam", "win money now"], ["ham", "see you at lunch"]]) {
      mkdirSync(place.path("mails", folder), { recursive: true });
      writeFileSync(place.path("mails", folder, "1.txt"), text);
    }
    const mails = imported(place.path("mails"));
    assert.deepEqual([mails.rows, mails.labels], [2, 2], "sub-folders are labels");
  });

  test("a changed file is brought up to date, and what people did stays", () => {
    const project = place.path("changing.understudy");
    const file = (rows) => place.write("cases.csv", `id,text,label\n${rows.join("\n")}\n`);
    place.must("import", file(["1,pay at once,Payment", "2,the court decides,Law", "3,ends in May,Term"]), "--project", project);
    const next = file(["1,pay within a week,Payment", "2,the court decides,Law", "4,starts in June,Term"]);
    const told = place.must("import", next, "--project", project, "--update", "--only-tell").changes;
    assert.deepEqual([told.same, told.new, told.changed, told.gone], [1, 1, 1, 1]);
    assert.deepEqual(place.must("import", next, "--project", project, "--update").changes, told);
    const { data } = place.must("clean", "--project", project);
    assert.deepEqual([data.rows, data.hidden, data.cleaning[0].rule], [3, 1, { kind: "drop_gone", file: "cases.csv" }]);
  });

  test("an official test file that is nearly learnt from is told", () => {
    const project = place.path("leak.understudy");
    place.must("import", place.write("train.csv", clauses().replace(/\n[^\n]*CLEAN[^\n]*\n$/, "\n")), "--project", project);
    const twin = clauses().trim().split("\n").at(-1);
    const tests = place.write("test.csv", `text,label\n${twin}\n"Clause 901: court and govern, as never agreed before.",Law\n`);
    place.must("train", "--project", project, "--preset", "quick", "--epochs", "1", "--test-file", tests);
    const { split } = place.must("split", "--project", project, "--open-test");
    assert.equal(split.leaks.near, 1);
    assert.ok(split.notes.some((note) => /nearly the same as one of the test/.test(note)), split.notes.join("\n"));
  });
});
