// Walks through the whole window as a person would, in both languages and both themes, over the mock engine.
// Screenshots go to $SCREENSHOTS, or a temporary folder. The last line counts the checks.
import { mkdir, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { axe, launch, openPage, overflow, servePages, settle, Tally } from "./harness.js";

const SIZES = [{ width: 1000, height: 700 }, { width: 1400, height: 900 }];
const tally = new Tally();
const shots = process.env.SCREENSHOTS ?? (await mkdtemp(join(tmpdir(), "understudy-shots-")));
await mkdir(shots, { recursive: true });

const pages = await servePages();
const browser = await launch();
try {
  await section("the checks themselves", checksCanFail);
  for (const language of ["en", "zh"]) {
    for (const theme of ["light", "dark"]) await section(`walk ${language} ${theme}`, () => walk(language, theme));
  }
  await section("labelling by keyboard", labelByKeyboard);
  await section("empty rooms", emptyRooms);
  await section("failures", failures);
  await section("cancel and continue", cancelAndContinue);
  for (const language of ["en", "zh"]) await section(`cross-validation ${language}`, () => crossValidate(language));
  await section("presets", presets);
  await section("settings", settings);
} finally {
  await browser.close();
  pages.stop();
}
console.log(`screenshots: ${shots}`);
process.exit(tally.last());

async function section(name, work) {
  try {
    await work();
  } catch (error) {
    tally.ok(false, name, String(error));
  }
}

/** One state of the window: looked at in both sizes, judged by axe, photographed. */
async function look(page, name) {
  for (const size of SIZES) {
    await page.setViewportSize(size);
    await settle(page);
    const wide = await overflow(page);
    tally.ok(wide.length === 0, `${name}: nothing sticks out at ${size.width}`, wide.join("; "));
    await page.screenshot({ path: join(shots, `${name}-${size.width}.png`) });
  }
  const violations = await axe(page);
  tally.ok(violations.length === 0, `${name}: axe`, violations.join("\n       "));
}

function at(page, id) {
  return page.getByTestId(id);
}

/** A check that cannot fail says nothing: each is shown a fault first. */
async function checksCanFail() {
  const { page, faults } = await openPage(browser, pages.url, { language: "en", theme: "light" });
  await at(page, "start").waitFor();
  await page.evaluate(() => {
    document.querySelector("main").insertAdjacentHTML("beforeend", '<img src="data:," /><p style="color: red" class="wide">x</p>');
    document.querySelector(".wide").style.width = "4000px";
    document.querySelector(".wide").style.maxWidth = "none";
  });
  tally.ok((await axe(page)).some((violation) => violation.startsWith("image-alt")), "axe finds an image without words");
  tally.ok((await overflow(page)).length > 0, "a box that sticks out is found");
  tally.ok(faults.some((fault) => fault.includes("CSP")), "an inline style is found");
  await page.close();
}

async function walk(language, theme) {
  const { page, faults } = await openPage(browser, pages.url, { language, theme, pace: "6" });
  const see = (name) => look(page, `${language}-${theme}-${name}`);
  await at(page, "start").waitFor();
  await see("0-start");

  await at(page, "project-name-input").fill(language === "en" ? "Lease review" : "租赁合同审查");
  await at(page, "create-project").click();
  await at(page, "drop-zone").waitFor();
  await see("1-data-empty");

  await page.evaluate(() => window.mock.drop({ hover: true, paths: ["/x/clauses.csv"] }));
  tally.ok(await page.locator(".zone.hover").isVisible(), "the drop zone shows that a file hovers");
  await page.evaluate(() => window.mock.drop({ hover: false, paths: ["/x/clauses.csv"] }));
  await at(page, "preview").waitFor();
  await see("1-data-preview");
  await at(page, "import").click();
  await at(page, "data-summary").waitFor();
  await at(page, "rows").locator("[data-index]").first().waitFor();
  await see("1-data-summary");
  await at(page, "rows").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await at(page, "row-panel").waitFor();
  await see("1-data-row");
  await at(page, "edit").click();
  await at(page, "edit-text").fill("A corrected text.");
  await see("1-data-edit");
  await at(page, "edit-save").click();
  await at(page, "imported-text").waitFor();
  await see("1-data-edited");
  await at(page, "edit-undo").click();
  await at(page, "imported-text").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await at(page, "row-panel").waitFor({ state: "detached" });
  await at(page, "show-problems").click();
  await at(page, "mend").click();
  await at(page, "mend-0").waitFor();
  await see("1-data-mend");
  await at(page, "mend-save").click();
  await at(page, "mend-form").waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await at(page, "show-cleaning").click();
  await at(page, "rule-markup").waitFor();
  tally.ok(await at(page, "rule-markup").isChecked(), "what mends is chosen");
  tally.ok(!(await at(page, "rule-lowercase").isChecked()), "what changes is not");
  for (const details of await page.locator("dialog details").all()) await details.locator("summary").click();
  await at(page, "rule-deidentify_email").check();
  await see("1-data-clean");
  await at(page, "clean-apply").click();
  await at(page, "clean-apply").waitFor({ state: "detached" });
  await at(page, "undo-cleaning").first().waitFor();
  await at(page, "show-spellings").click();
  await at(page, "spellings").waitFor();
  await see("1-data-spellings");
  await page.keyboard.press("Escape");
  await at(page, "show-conflicts").click();
  await at(page, "conflicts").waitFor();
  await see("1-data-conflicts");
  await at(page, "decide").first().click();
  await at(page, "decide").first().waitFor({ state: "detached" });
  await page.keyboard.press("Escape");
  await at(page, "drop-duplicates").click();
  await at(page, "drop-duplicates").waitFor({ state: "detached" });

  await at(page, "next").click();
  await at(page, "bench-text").waitFor();
  await at(page, "accept").waitFor();
  await see("2-labels");
  await at(page, "foretell").click();
  await at(page, "foretold").waitFor();
  await at(page, "mark-comment").click();
  await at(page, "comment").fill("see the annex");
  await at(page, "keep-comment").click();
  await at(page, "comment-shown").waitFor();
  await at(page, "open-find").click();
  await at(page, "find").fill("the");
  await see("2-labels-noted");
  await page.keyboard.press("Escape");
  await at(page, "edit-label-1").click();
  await at(page, "label-form").waitFor();
  await see("2-labels-form");
  await page.keyboard.press("Escape");
  await at(page, "open-notes").click();
  await at(page, "keywords").fill("party");
  await see("2-labels-notes");
  await at(page, "keep-notes").click();
  await at(page, "similar").click();
  await at(page, "many-rows").or(at(page, "many")).first().waitFor();
  await see("2-labels-many");
  await page.locator("[data-testid=many-source] label").nth(0).click();
  await at(page, "many-among").selectOption("all");
  await at(page, "many-look").click();
  await at(page, "many-all").click();
  // The Chinese sample fits into the list.
  if (await at(page, "many-first").isVisible()) {
    await page.locator("[data-testid^=many-give-]").first().click();
    await at(page, "many-unseen-yes").waitFor();
    await see("2-labels-unseen");
    await at(page, "many-unseen-no").click();
  }
  await at(page, "many-among").selectOption("unlabelled");
  await page.locator("[data-testid=many-source] label").nth(3).click();
  await at(page, "many-groups").locator("button").first().click();
  await at(page, "many-rows").waitFor();
  await see("2-labels-groups");
  await page.locator("[data-testid=many-source] label").nth(4).click();
  await at(page, "many-among").selectOption("all");
  await at(page, "many-groups").or(at(page, "many-none")).first().waitFor();
  await see("2-labels-near");
  await at(page, "edit-label-1").click();
  await at(page, "divide-label").click();
  await at(page, "divide-name-0").fill("Another label");
  await see("2-labels-divide");
  await at(page, "divide-keep").click();
  await at(page, "divide-form").waitFor({ state: "detached" });
  await page.getByText("Another label").first().waitFor();
  await page.locator("[data-testid=label-view] label").nth(2).click();
  await at(page, "doubt-text").waitFor();
  await see("2-labels-doubts");
  await page.locator("[data-testid=label-view] label").nth(3).click();
  await at(page, "agreement").waitFor();
  await at(page, "take-answers").click();
  await at(page, "taken").waitFor();
  await at(page, "export-labels").click();
  await at(page, "exported").waitFor();
  await see("2-labels-people");
  await page.locator("[data-testid=label-view] label").nth(0).click();
  await at(page, "bench-text").waitFor();

  await at(page, "next").click();
  await at(page, "divide").click();
  await at(page, "split-result").waitFor();
  await page.locator("[data-testid=split-way] label").nth(2).click();
  await at(page, "fold-of").waitFor();
  await see("3-split");

  await at(page, "next").click();
  await at(page, "machine").waitFor();
  await at(page, "download-multilingual-e5-small").click();
  await at(page, "choose-multilingual-e5-small").waitFor();
  await see("4-model");
  const view = (index) => page.locator("[data-testid=model-view] label").nth(index).click();
  await view(1);
  await at(page, "hub-words").fill("legal");
  await page.keyboard.press("Enter");
  await at(page, "look-someone/chinese-legal-roberta").click();
  await at(page, "looked").waitFor();
  await see("4-model-hub");
  await view(2);
  await at(page, "verify-all-MiniLM-L6-v2").click();
  await at(page, "verified").waitFor();
  await at(page, "add-folder").click();
  await at(page, "copied").waitFor();
  await see("4-model-library");
  await at(page, "remove-multilingual-e5-small").click();
  await see("4-model-remove");
  await page.keyboard.press("Escape");
  await view(3);
  await at(page, "hub-choice").selectOption("other");
  await at(page, "hub-address").fill("https://mirror.example");
  await page.keyboard.press("Tab");
  await see("4-model-network");
  await view(0);

  await at(page, "next").click();
  await at(page, "plan").waitFor();
  await at(page, "settings").locator("summary").click();
  await page.locator("button[popovertarget]").first().click();
  await see("5-train-plan");
  await page.keyboard.press("Escape");
  await at(page, "settings").locator("summary").click();
  await page.evaluate(() => (window.mock.engine.pace = 60));
  await at(page, "start-training").click();
  await page.waitForFunction(() => document.querySelectorAll("[data-testid=run] tbody .kept, [data-testid=run] tbody td").length > 0);
  await page.waitForTimeout(1900);
  await see("5-train-running");
  await page.evaluate(() => (window.mock.engine.pace = 2));
  await at(page, "run-state").waitFor({ timeout: 20000 });
  tally.ok((await at(page, "run-state").getAttribute("data-state")) === "finished", "the run is finished");
  await see("5-train-done");

  await at(page, "next").click();
  await at(page, "headline").waitFor();
  await see("6-results");
  await at(page, "confusion").scrollIntoViewIfNeeded();
  await see("6-results-confusion");
  await at(page, "wrong-answers").scrollIntoViewIfNeeded();
  await at(page, "wrong-rows").locator("[data-index]").first().click();
  await at(page, "model-is-right").click();
  await page.locator(".correct [role=status]").waitFor();
  await see("6-results-wrong");
  const labelled = () => page.evaluate(() => JSON.stringify(window.mock.engine.project.rows.map((row) => row.labels)));
  const corrected = await labelled();
  await at(page, "take-back").click();
  await at(page, "other-label").waitFor();
  tally.ok((await labelled()) !== corrected, `${language} ${theme}: a correction is taken back`);
  const told = await page.locator(".text p.soft").innerText();
  const other = (await at(page, "other-label").locator("option").allInnerTexts()).slice(1).find((label) => !told.includes(label));
  await at(page, "other-label").selectOption(other);
  await at(page, "take-back").waitFor();
  tally.ok((await labelled()) !== corrected, `${language} ${theme}: another label is given instead`);
  await at(page, "take-back").click();
  await at(page, "model-is-right").click();
  await at(page, "take-back").waitFor();
  tally.ok((await labelled()) === corrected, `${language} ${theme}: and the model's again`);
  await page.keyboard.press("Escape");
  const rowCount = async () => Number(await at(page, "wrong-rows").getAttribute("aria-rowcount")) - 1;
  const rowsAre = (n) => page.waitForFunction((n) => Number(document.querySelector("[data-testid=wrong-rows]").getAttribute("aria-rowcount")) - 1 === n, n);
  const allWrong = await rowCount();
  await at(page, "group-by").selectOption("length");
  await at(page, "groups").waitFor();
  const group = at(page, "groups").locator("tbody button").first();
  const ofGroup = Number((await group.getAttribute("aria-label")).match(/\d+/)[0]);
  await group.click();
  await rowsAre(ofGroup);
  tally.ok((await group.getAttribute("aria-pressed")) === "true", `${language} ${theme}: a group leads to its wrong answers`);
  await at(page, "groups").scrollIntoViewIfNeeded();
  await see("6-results-groups");
  await at(page, "group-by").selectOption("doubt");
  await rowsAre(allWrong);
  await at(page, "weak").scrollIntoViewIfNeeded();
  await see("6-results-weak");
  const unfamiliar = at(page, "unfamiliar-told");
  await at(page, "trust").scrollIntoViewIfNeeded();
  tally.ok(/(^|\D)2(\D|$)/.test(await unfamiliar.innerText()), `${language} ${theme}: it is told how many unfamiliar texts the promise counts`);
  await see("6-results-trust");
  const counted = await unfamiliar.innerText();
  await page.evaluate(() => (window.mock.engine.unfamiliarNoted = false));
  await at(page, "errors-allowed").fill("9");
  await page.waitForFunction((counted) => document.querySelector("[data-testid=unfamiliar-told]").innerText !== counted, counted);
  tally.ok(!/\d/.test(await unfamiliar.innerText()), `${language} ${theme}: of an earlier version it is told that they are not counted`);
  await see("6-results-trust-uncounted");
  await page.evaluate(() => (window.mock.engine.unfamiliarNoted = true));
  await at(page, "errors-allowed").fill("3");
  await page.waitForFunction((counted) => document.querySelector("[data-testid=unfamiliar-told]").innerText === counted, counted);
  // Another run to compare with; the window hears of it when a job ends.
  await page.evaluate(() => {
    const { project } = window.mock.engine;
    project.runs = [...project.runs, { ...project.runs[0], id: "run-9" }];
  });
  await at(page, "find-telling").click();
  await at(page, "faithfulness").waitFor();
  await at(page, "telling").scrollIntoViewIfNeeded();
  await see("6-results-telling");
  await at(page, "curves-of").selectOption({ index: 1 });
  await at(page, "class-curves").waitFor();
  await see("6-results-further");
  await at(page, "curves").scrollIntoViewIfNeeded();
  await see("6-results-curves");
  await at(page, "compare-with").selectOption({ index: 1 });
  await at(page, "compared").waitFor();
  await at(page, "compare-curves").scrollIntoViewIfNeeded();
  await see("6-results-compare");
  await at(page, "verify").click();
  await at(page, "repetition").waitFor();
  await at(page, "proof").scrollIntoViewIfNeeded();
  await see("6-results-proof");

  await at(page, "next").click();
  await at(page, "use-text").fill(
    language === "en"
      ? "Either party may terminate this Agreement for any reason upon thirty days’ written notice."
      : "公司拖欠我两个月工资，还没有签劳动合同，我可以要求赔偿吗？",
  );
  await page.keyboard.press("Control+Enter");
  await at(page, "predicted-label").waitFor();
  await at(page, "explained-text").waitFor();
  await at(page, "explained-text").scrollIntoViewIfNeeded();
  await see("7-use-why");
  const [shown, asked] = [await at(page, "explained-text").textContent(), await at(page, "use-text").inputValue()];
  tally.ok(shown.trim() === asked, "the explained text is the whole text", shown);
  await at(page, "use-text").fill("Recipe: a pound of flour");
  await page.keyboard.press("Control+Enter");
  await at(page, "unfamiliar").waitFor();
  await at(page, "answer").scrollIntoViewIfNeeded();
  await see("7-use-unfamiliar");
  await at(page, "use-text").fill(asked);
  await page.keyboard.press("Control+Enter");
  await at(page, "unfamiliar").waitFor({ state: "detached" });
  await at(page, "use-text").press("End");
  await at(page, "use-text").pressSequentially(language === "en" ? " This is final." : "请尽快答复。");
  await page.keyboard.press("Control+Enter");
  await at(page, "explained-change").waitFor();
  await at(page, "explained-label").selectOption({ index: 1 });
  await at(page, "predict-file").click();
  await at(page, "column-yes").waitFor();
  tally.ok((await at(page, "columns").locator("input:checked").getAttribute("value")) === "body", `${language} ${theme}: the column with the longest cells is proposed`);
  await see("7-use-column");
  await at(page, "column-yes").click();
  await at(page, "predict-result").waitFor();
  await at(page, "find-similar").click();
  await at(page, "similar").waitFor();
  await see("7-use");
  await at(page, "demo-keep").click();
  await at(page, "server-start").click();
  await at(page, "server-token").waitFor();
  await at(page, "server-panel").scrollIntoViewIfNeeded();
  await see("7-use-server");
  await page.evaluate(() => (window.mock.engine.received = [{ run: "model:firm-clauses", name: "firm-clauses", labels: ["Audit Rights", "Insurance"], several: false, errors_allowed: 0.05, notices_unlike: true, cleans: true }]));
  await at(page, "nav-results").click();
  await at(page, "nav-use").click();
  await at(page, "use-model").selectOption("model:firm-clauses");
  await at(page, "received").waitFor();
  await see("7-use-received");
  await at(page, "use-model").selectOption({ index: 0 });
  await at(page, "received").waitFor({ state: "detached" });
  await at(page, "demo-begin").click();
  tally.ok((await at(page, "demo-text").inputValue()) === "" && (await at(page, "demo-label").count()) === 0, `${language} ${theme}: the demo shows nothing that was not chosen for it`);
  await at(page, "demo-example-0").click();
  await at(page, "demo-label").waitFor();
  await page.getByTestId("explained-text").waitFor();
  tally.ok((await at(page, "nav-data").count()) === 0, `${language} ${theme}: nothing else is reachable in the demo`);
  await see("7-use-demo");
  await page.keyboard.press("Alt+1");
  await page.keyboard.press("Escape");
  await at(page, "use-text").waitFor();
  tally.ok((await at(page, "use-text").inputValue()) !== "", `${language} ${theme}: after the demo everything is as it was`);
  await at(page, "queue-file").click();
  await at(page, "label-queued").click();
  await at(page, "bench-text").waitFor();
  tally.ok((await at(page, "bench-text").innerText()).includes("Another clause of that kind"), `${language} ${theme}: what was taken in last is asked about first`);
  tally.ok(faults.length === 0, `${language} ${theme}: no error on the console, no policy violation`, faults.join("; "));
  await page.close();
}

async function labelByKeyboard() {
  const { page, faults } = await openPage(browser, pages.url, { language: "en", theme: "light" });
  await at(page, "sample-contracts").focus();
  await page.keyboard.press("Enter");
  await at(page, "nav-labels").waitFor();
  await page.keyboard.press("Alt+2");
  await at(page, "bench-text").waitFor();
  const labelled = () => page.evaluate(() => window.mock.engine.project.labelState().labelled);
  const text = () => at(page, "bench-text").innerText();
  const before = await labelled();
  const first = await text();
  let on = first;
  for (const key of ["1", "3", "2"]) {
    await page.keyboard.press(key);
    // A key is about the text that one sees: the next one waits for the next text.
    await page.waitForFunction((t) => document.querySelector("[data-testid=bench-text]").innerText !== t, on);
    on = await text();
  }
  await page.waitForFunction((n) => window.mock.engine.project.labelState().labelled === n, before + 3);
  tally.ok(true, "three keys label three rows");
  await settle(page);
  tally.ok((await text()) !== first, "the next row is shown after a label");
  for (let i = 0; i < 3; i++) await page.keyboard.press("Control+z");
  await page.waitForFunction((n) => window.mock.engine.project.labelState().labelled === n, before);
  await page.waitForFunction((t) => document.querySelector("[data-testid=bench-text]").innerText === t, first);
  tally.ok(true, "three times undo comes back to the first row");
  await page.keyboard.press("Control+Shift+z");
  await page.waitForFunction((n) => window.mock.engine.project.labelState().labelled === n, before + 1);
  tally.ok(true, "redo sets the label again");
  await at(page, "nav-labels").getByText(`${before + 1} labelled`).waitFor();
  tally.ok(true, "the list of rooms follows the labelling");
  await at(page, "new-label").focus();
  await page.keyboard.type("1 Insurance");
  await page.keyboard.press("Enter");
  await page.getByText("1 Insurance").first().waitFor();
  await page.keyboard.type("card_payment_fee_charged_without_notice_in_advance");
  await page.keyboard.press("Enter");
  await page.getByText("card_payment_fee_charged").first().waitFor();
  await look(page, "labels-long-name");
  tally.ok((await labelled()) === before + 1, "keys typed into a field label nothing");
  tally.ok(faults.length === 0, "labelling: no error on the console", faults.join("; "));
  await page.close();
}

async function emptyRooms() {
  const { page, faults } = await openPage(browser, pages.url, { language: "en", theme: "light" });
  await at(page, "project-name-input").fill("Empty");
  await page.keyboard.press("Enter");
  await at(page, "drop-zone").waitFor();
  for (const room of ["labels", "split", "results", "use"]) {
    await at(page, `nav-${room}`).click();
    await at(page, "missing").waitFor();
    await look(page, `empty-${room}`);
  }
  tally.ok((await at(page, "nav-use").getAttribute("data-state")) === "empty", "without a training there is nothing to ask");
  // A colleague's model comes in, and goes again.
  const received = { run: "model:multilingual-e5-small", name: "multilingual-e5-small", labels: ["Audit Rights", "Insurance"], several: false, errors_allowed: null, notices_unlike: true, cleans: false };
  await at(page, "nav-model").click();
  await page.locator("[data-testid=model-view] label").nth(2).click();
  await page.evaluate((model) => {
    window.mock.engine.received = [model];
    window.mock.engine.setModel(model.name, { installed: true });
  }, received);
  await at(page, "add-archive").click();
  await page.locator("[data-testid=nav-use][data-state=done]").waitFor();
  tally.ok(/Ready to use/.test(await at(page, "nav-use").innerText()), "a received model can be asked, and the list of rooms says so");
  await look(page, "received-without-training");
  await at(page, "remove-multilingual-e5-small").click();
  await at(page, "remove-really").click();
  await page.locator("[data-testid=nav-use][data-state=empty]").waitFor();
  tally.ok(/Nothing yet/.test(await at(page, "nav-use").innerText()), "when it is removed there is nothing to ask");
  await at(page, "nav-train").click();
  await at(page, "plan").waitFor();
  tally.ok(await at(page, "start-training").isDisabled(), "training cannot start without a split");
  await look(page, "empty-train");
  tally.ok(faults.length === 0, "empty rooms: no error on the console", faults.join("; "));
  await page.close();
}

async function failures() {
  const { page } = await openPage(browser, pages.url, { language: "zh", theme: "light" });
  await at(page, "project-name-input").fill("坏文件");
  await page.keyboard.press("Enter");
  await at(page, "drop-zone").waitFor();
  await page.evaluate(() => window.mock.drop({ hover: false, paths: ["/x/brief.pdf"] }));
  await at(page, "error-note").waitFor();
  tally.ok((await at(page, "error-note").innerText()).includes("这个文件不是表格"), "a bad file is explained in the window's language");
  tally.ok(await at(page, "drop-zone").isVisible(), "another file can be chosen at once");
  await look(page, "failure-data");
  await page.close();
}

async function cancelAndContinue() {
  const { page, faults } = await openPage(browser, pages.url, { language: "en", theme: "dark", pace: "25" });
  await at(page, "sample-contracts").click();
  await at(page, "nav-split").click();
  await at(page, "divide").click();
  await at(page, "split-result").waitFor();
  await at(page, "nav-train").click();
  await at(page, "start-training").click();
  await page.getByText("Round 2 of 3").first().waitFor();
  await at(page, "cancel-training").click();
  await at(page, "continue-training").waitFor();
  await look(page, "train-cancelled");
  await at(page, "continue-training").click();
  await page.waitForFunction(() => document.querySelector("[data-testid=run-state]")?.getAttribute("data-state") === "finished", null, { timeout: 15000 });
  tally.ok(true, "a cancelled run continues to its end");
  await at(page, "nav-results").click();
  await at(page, "headline").waitFor();
  await page.locator("[data-cell]").first().focus();
  await page.keyboard.press("ArrowRight");
  const second = await page.evaluate(() => document.activeElement?.getAttribute("data-cell"));
  tally.ok(second !== "0-0" && second !== null, "arrows move through the confusion matrix", String(second));
  await page.keyboard.press("Enter");
  await page.locator("[data-testid=confusion] td.chosen").waitFor();
  tally.ok(true, "a cell narrows the wrong answers");
  tally.ok(faults.length === 0, "cancel and continue: no error on the console", faults.join("; "));
  await page.close();
}

async function crossValidate(language) {
  const { page, faults } = await openPage(browser, pages.url, { language, theme: "light", pace: "1" });
  await at(page, language === "en" ? "sample-contracts" : "sample-consultations").click();
  await at(page, "nav-split").click();
  await at(page, "divide").click();
  await at(page, "split-result").waitFor();
  await at(page, "nav-train").click();
  await at(page, "start-training").click();
  await at(page, "cross-start").waitFor({ timeout: 15000 });
  await at(page, "cross-folds").fill("3");
  await at(page, "cross-folds").press("Tab");
  await page.evaluate(() => (window.mock.engine.pace = 20));
  await at(page, "cross-start").click();
  await at(page, "cross-progress").getByText(language === "en" ? "Part 2 of 3" : "第 2 份，共 3 份").waitFor({ timeout: 15000 });
  // A picture takes as long as the machine lets it: the part must not end meanwhile.
  await page.evaluate(() => (window.mock.engine.pace = 500));
  await look(page, `cross-running-${language}`);
  await at(page, "cancel-training").click();
  await at(page, "cross-continue").waitFor();
  tally.ok((await at(page, "cross-fold").count()) === 1, "what is done stays after a stop");
  await page.evaluate(() => (window.mock.engine.pace = 1));
  await at(page, "cross-continue").click();
  await page.waitForFunction(() => document.querySelectorAll("[data-testid=cross-fold]").length === 3, null, { timeout: 15000 });
  await at(page, "cross-mean").waitFor();
  await at(page, "cross-validation").scrollIntoViewIfNeeded();
  await look(page, `cross-done-${language}`);
  tally.ok(faults.length === 0, `cross-validation ${language}: no error on the console`, faults.join("; "));
  await page.close();
}

async function presets() {
  const { page, faults } = await openPage(browser, pages.url, { language: "en", theme: "light" });
  await at(page, "sample-contracts").click();
  await at(page, "nav-split").click();
  await at(page, "divide").click();
  await at(page, "split-result").waitFor();
  await at(page, "nav-train").click();
  const plan = at(page, "plan");
  await plan.waitFor();
  tally.ok((await at(page, "memory").innerText()) === "about 412 MB", "the plan tells the memory that it needs");
  await at(page, "preset").getByText("Quick").click();
  await plan.getByText("at most 20").waitFor();
  tally.ok(true, "another preset changes the plan");
  await page.evaluate(() => (document.querySelector("[data-testid=settings]").open = true));
  await at(page, "reasons").getByText("by their meaning").waitFor();
  tally.ok((await at(page, "setting-layer_decay").count()) === 0, "what the last step does not need is not asked");
  await at(page, "setting-method").getByText("Additions").click();
  await at(page, "setting-lora_rank").waitFor();
  await at(page, "setting-class_weights").check();
  await look(page, "train-settings");
  tally.ok(faults.length === 0, "presets: no error on the console", faults.join("; "));
  await page.close();
}

async function settings() {
  const { page, faults } = await openPage(browser, pages.url, { language: "en", theme: "light" });
  await page.getByTestId("language").getByText("中文").click();
  await page.getByRole("heading", { name: "您的项目" }).waitFor();
  tally.ok((await page.evaluate(() => document.documentElement.lang)) === "zh-CN", "the language changes at once");
  await page.getByTestId("theme").getByText("深色").click();
  await page.waitForFunction(() => document.documentElement.dataset.theme === "dark");
  tally.ok(await page.evaluate(() => window.mock.engine.settings.theme === "dark" && window.mock.engine.settings.language === "zh"), "the engine keeps both settings");
  tally.ok(faults.length === 0, "settings: no error on the console", faults.join("; "));
  await page.close();
}
