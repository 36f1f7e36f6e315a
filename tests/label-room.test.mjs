// The label room in the real window: a scripted expert labels by keyboard, the helper suggests, doubts are put right, many
// texts are labelled at once; and a kill in the middle loses nothing.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { formatCsv, parseCsv } from "../scripts/samples/csv.mjs";
import { APP } from "../scripts/lib/places.mjs";
import { Place, SAMPLES } from "./lib/place.mjs";
import { Key, openWindow } from "./lib/window.mjs";

/** The helper reads a few hundred texts on two slow cores, beside other tests. */
const READING = 180_000;
/** Labels that the scripted expert knows: the commonest of the sample. */
const KINDS = 5;
/** Texts that they label by hand; the full measurement is asked for with EXPERT_TEXTS=200. */
const TEXTS = Number(process.env.EXPERT_TEXTS ?? 40);
/** Labels beside those, which the page has to draw too: EXPERT_LABELS=200 measures a large scheme. */
const FURTHER = Number(process.env.EXPERT_LABELS ?? 0);
/** Texts that are labelled in one step: enough that it takes seconds. */
const MANY = 60_000;
/** Milliseconds that the expert looks at a text: EXPERT_PACE=400 measures a quick person instead of the driver's speed. */
const PACE = Number(process.env.EXPERT_PACE ?? 0);

/** The commonest labels of the sample's clauses, and the clauses that carry them. */
function clauses() {
  const rows = parseCsv(readFileSync(join(SAMPLES, "contract-clauses.csv"), "utf8"));
  const counts = new Map();
  for (const row of rows) counts.set(row.label, (counts.get(row.label) ?? 0) + 1);
  counts.delete("");
  const kinds = [...counts].sort((a, b) => b[1] - a[1]).slice(0, KINDS).map(([kind]) => kind);
  return { kinds, known: rows.filter((row) => kinds.includes(row.label)) };
}

const squeezed = (text) => text.replace(/\s+/g, " ").trim();

/** Notes in the page how long it takes from a key to the next text. */
const WATCH = `
  window.times = [];
  let pressed = null;
  addEventListener("keydown", () => (pressed = performance.now()), true);
  new MutationObserver(() => {
    if (pressed === null) return;
    const from = pressed;
    pressed = null;
    requestAnimationFrame(() => window.times.push(performance.now() - from));
  }).observe(document.querySelector('[data-testid="bench-text"]'), { childList: true, characterData: true, subtree: true });`;

for (const language of ["en", "zh"]) {
  describe(`the label room in ${language}`, () => {
    const place = new Place();
    const { kinds, known } = clauses();
    const answer = new Map(known.map(({ text, label }) => [squeezed(text), label]));
    const folder = place.path("home/projects", "Clauses.understudy");
    let window;
    before(async () => {
      const unlabelled = place.write("clauses.csv", formatCsv(["text"], known));
      window = await openWindow(place, { language, answers: [unlabelled, place.path("scheme.json"), place.path("forged.json"), place.path("bo.json"), place.path("tasks.json")] });
    });
    after(async () => {
      await window?.close();
      place.remove();
    });

    /** The app's processes of this test, and no other's. */
    const pids = () => spawnSync("pgrep", ["-f", APP], { encoding: "utf8" }).stdout.trim().split("\n").map(Number)
      .filter((pid) => readFileSync(`/proc/${pid}/environ`, "utf8").includes(place.folder));
    const look = (name, themes) => window.look(`label-${name}-${language}`, themes);
    /** What stands in an element, also what its driver takes for hidden because it may be cut with three dots. */
    const content = (id) => window.driver.executeScript("return document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.textContent ?? ''", id);
    // Read without the driver's question whether it is visible, which lays the page out again.
    const shown = async () => squeezed(await content("bench-text"));
    const labelled = () => place.must("labels", "--project", folder).labels.reduce((sum, { count }) => sum + count, 0);

    /** Waits until texts are chosen that a label can be given to. */
    const chosen = () => window.until(() => window.steady("many-give-1", (give) => give.isEnabled()), "no texts were chosen");

    /** Labels the text on screen as the sample does. */
    async function label() {
      if (PACE > 0) await new Promise((resolve) => setTimeout(resolve, PACE));
      const text = await shown();
      const kind = answer.get(text);
      assert.ok(kind, `a text that is none of the sample: ${text.slice(0, 80)}`);
      await window.press(String(kinds.indexOf(kind) + 1));
      await window.until(async () => (await shown()) !== text, "the next text did not come");
    }

    test("an expert makes a scheme and labels by keyboard, and the helper learns along", async () => {
      await window.fill("project-name-input", "Clauses");
      await window.click("create-project");
      await window.click("choose-file");
      await window.click("import");
      await window.get("data-summary");
      await window.click("nav-labels");
      for (const kind of kinds) {
        await window.fill("new-label", kind);
        await window.click("add-label");
        await window.until(async () => (await content("scheme")).includes(kind), `${kind} was not added`);
      }
      await window.click("open-notes");
      await window.fill("guidelines", "The law that governs comes before everything else.");
      await window.fill("keywords", "shall");
      await look("1-notes");
      await window.click("save-scheme");
      await window.click("keep-notes");
      await window.get("guidelines-shown");
      assert.equal(JSON.parse(readFileSync(place.path("scheme.json"), "utf8")).labels.length, KINDS);
      await window.click("edit-label-1");
      await window.fill("label-description", "Who owns what was made.");
      await look("2-label");
      await window.click("keep-label");
      await window.until(async () => (await content("scheme")).includes("Who owns"), "the meaning was not kept");

      if (FURTHER > 0) {
        await window.driver.executeAsyncScript("const [n, done] = arguments; (async () => { for (let i = 0; i < n; i++) await window.__TAURI_INTERNALS__.invoke('add_label', { name: `Further label ${i}` }); })().then(done, done)", FURTHER);
        await window.click("nav-data");
        await window.click("nav-labels");
      }
      await window.until(async () => !(await window.has("helper-reading")), "the helper did not finish reading", READING);
      await window.driver.executeScript("document.activeElement?.blur()");
      await window.driver.executeScript(WATCH);
      const memory = () => pids().map((pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0)).reduce((a, b) => a + b, 0);
      const before = memory();
      for (let i = 0; i < TEXTS; i++) await label();
      const times = (await window.driver.executeScript("return window.times")).sort((a, b) => a - b);
      const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(0);
      console.log(`${times.length} labels by keyboard: median ${at(0.5)} ms from key to next text, 99 of 100 in ${at(0.99)} ms; memory of the app ${Math.round(before / 1024)} → ${Math.round(memory() / 1024)} MB`);
      assert.ok(times.length >= TEXTS * 0.9, "the page was watched");
      assert.equal(labelled(), TEXTS, "every key gave one label");
      await window.get("accept");
      const marked = "return [...document.querySelectorAll('[data-testid=\"bench-text\"] mark')].every((mark) => /shall/i.test(mark.textContent))";
      assert.ok(await window.driver.executeScript(marked));
      await look("3-bench", ["light", "dark"]);
      assert.match(await window.text("helper-says"), /\d+/);
    });

    test("a suggestion is taken with the space bar, noted as such, and can be hidden", async () => {
      await window.until(async () => (await window.text("accept")).length > 0, "nothing was suggested");
      const text = await shown();
      await window.press(" ");
      await window.until(async () => (await shown()) !== text, "the suggestion was not taken");
      assert.equal(labelled(), TEXTS + 1);
      await window.click("show-suggestions");
      await window.until(async () => !(await window.has("accept")), "the suggestion is still to be seen");
      await window.click("show-suggestions");
    });

    test("what is noted about a text is kept", async () => {
      await window.press("?");
      await window.until(async () => (await window.steady("mark-unsure", (mark) => mark.getAttribute("aria-pressed"))) === "true", "not noted");
      await window.press(";");
      await (await window.get("comment")).sendKeys("see the annex");
      await window.click("keep-comment");
      assert.equal(await window.text("comment-shown"), "see the annex");
      await window.driver.executeScript("document.activeElement?.blur()");
    });

    test("more labels are foretold", async () => {
      await window.click("foretell");
      assert.match(await window.text("foretold", 60_000), /\d+/);
      await look("4-foretold");
    });

    test("many texts get a label as one step, and lose it as one", async () => {
      const before = labelled();
      await window.driver.executeScript("document.activeElement?.blur()");
      await window.press("=");
      await window.get("many-rows");
      await look("5-similar");
      await window.click("many-all");
      await chosen();
      await window.press("1");
      await window.until(async () => labelled() > before + 1, "they were not labelled");
      await window.hold(Key.CONTROL, "z");
      await window.until(async () => labelled() === before, "they are labelled still");
      const choice = await window.get("many-source");
      await (await choice.findElement({ css: 'input[value="meaning"]' })).sendKeys(" ");
      await window.fill("many-asked", "which state's law decides");
      await window.click("many-look");
      await window.until(async () => /law/i.test(await content("many-rows")), "nothing was found by meaning", 60_000);
      await look("6-meaning");
    });

    test("a group of texts alike gets a label, and a label becomes two", async () => {
      const before = labelled();
      const source = await window.get("many-source");
      const to = async (value) => (await source.findElement({ css: `input[value="${value}"]` })).sendKeys(" ");
      await to("groups");
      const groups = await window.get("many-groups", READING);
      await (await groups.findElement({ css: "button" })).click();
      await window.get("many-rows");
      await look("6-groups");
      await chosen();
      await window.driver.executeScript("document.activeElement?.blur()");
      await window.press("1");
      await window.until(async () => labelled() > before + 1, "the group was not labelled");
      await window.hold(Key.CONTROL, "z");
      await window.until(async () => labelled() === before, "the group is labelled still");
      await to("near");
      await window.until(async () => (await window.has("many-groups")) || (await window.has("many-none")), "near-duplicates were not looked for", READING);
      await look("6-near");

      const names = () => Object.fromEntries(place.must("labels", "--project", folder).labels.map(({ name, count }) => [name, count]));
      const whole = names()[kinds[0]];
      await window.click("edit-label-1");
      await window.click("divide-label");
      await window.get("divide-group");
      await window.fill("divide-name-1", "A part of it");
      await look("6-divide");
      await window.click("divide-keep");
      await window.until(async () => (await content("scheme")).includes("A part of it"), "the label was not divided");
      assert.equal(names()[kinds[0]] + names()["A part of it"], whole);
      await window.driver.executeScript("document.activeElement?.blur()");
      await window.hold(Key.CONTROL, "z");
      await window.until(async () => names()[kinds[0]] === whole, "it is divided still");
      await window.click("edit-label-1");
      await window.press(Key.ESCAPE);
    });

    test("a wrong label is doubted and put right with one key", async () => {
      const choice = await window.get("label-view");
      await (await choice.findElement({ css: 'input[value="bench"]' })).sendKeys(" ");
      await window.get("bench-text");
      // Labels are given wrongly, as by a tired colleague, until one is doubted: the bench asks for what the helper is unsure of,
      // and the first few of those may pass for right.
      const doubted = () => place.must("assist", "doubts", "--project", folder).doubts.total;
      for (let round = 0; doubted() === 0; round++) {
        assert.ok(round < 6, "nothing is doubted");
        for (let i = 0; i < 5; i++) {
          const text = await shown();
          await window.press(String(((kinds.indexOf(answer.get(text)) + 1) % KINDS) + 1));
          await window.until(async () => (await shown()) !== text, "the next text did not come");
        }
        for (let i = 0; i < 4; i++) await label();
      }
      await (await choice.findElement({ css: 'input[value="doubts"]' })).sendKeys(" ");
      await window.get("doubt-text");
      await look("7-doubts");
      const first = squeezed(await window.text("doubt-text"));
      await window.press(" ");
      await window.until(async () => squeezed(await content("doubt-text")) !== first, "it was not put right");
    });

    test("others' answers come in from a file, what is disputed is decided, and the labels go out", async () => {
      const choice = await window.get("label-view");
      await (await choice.findElement({ css: 'input[value="people"]' })).sendKeys(" ");
      await window.fill("person", "Ann");
      await window.press(Key.TAB);
      await window.until(async () => (await (await window.get("person")).getAttribute("value")) === "Ann", "no name");
      // Bo has another copy of the project, in which the same texts carry other labels here and there.
      const theirs = place.path("home/projects", "Theirs.understudy");
      const some = known.slice(0, 60).map(({ text, label }, i) => ({ text, label: i % 6 === 0 ? kinds[(kinds.indexOf(label) + 1) % KINDS] : label }));
      place.must("import", place.write("theirs.csv", formatCsv(["text", "label"], some)), "--project", theirs);
      place.must("people", "--project", theirs, "--name", "Bo", "--own", "--send", place.path("bo.json"));
      assert.ok(!readFileSync(place.path("bo.json"), "utf8").includes(known[0].text.slice(0, 20)), "no text travels");
      const sent = readFileSync(place.path("bo.json"), "utf8");
      place.write("forged.json", sent.replace(kinds[0], kinds[1]));
      await window.click("take-answers");
      await window.until(async () => (await content("people")).includes("forged.json"), "a changed file was not refused");
      await look("8-forged");
      await window.click("take-answers");
      assert.match(await window.text("taken"), /60/);
      await look("8-people");
      await window.get("disagreements");
      const open = async () => place.must("people", "--project", folder).people.disagreements;
      const before = await open();
      await window.click("decide-for");
      await window.until(async () => (await open()) === before - 1, "nothing was decided");
      await (await window.get("export-format")).sendKeys("Label");
      await window.click("export-labels");
      await window.until(async () => (await window.text("exported")).length > 0, "nothing was written");
      const tasks = JSON.parse(readFileSync(place.path("tasks.json"), "utf8"));
      assert.ok(tasks.length > TEXTS && tasks.every((task) => task.annotations.length === 1));
      await look("9-files");
    });

    test("a kill right after a label loses none", async () => {
      const choice = await window.get("label-view");
      await (await choice.findElement({ css: 'input[value="bench"]' })).sendKeys(" ");
      await window.get("bench-text");
      await window.driver.executeScript("document.activeElement?.blur()");
      // The text on screen may have got Bo's label meanwhile: the next one has none.
      const there = await shown();
      await window.press("s");
      await window.until(async () => (await shown()) !== there, "the text was not passed over");
      const before = labelled();
      await label();
      for (const pid of pids()) process.kill(pid, "SIGKILL");
      assert.equal(labelled(), before + 1, "the label was on disk when the next text came");
      assert.equal(place.must("verify", "--project", folder).audit.broken, null);
    });
  });
}

describe("tens of thousands of texts at once", () => {
  const place = new Place();
  const folder = place.path("home/projects", "Many.understudy");
  let window;
  before(async () => {
    const rows = Array.from({ length: MANY }, (_, i) => ({ text: `The fee of clause ${i} is due.`, label: i < 2 ? "Term" : "" }));
    place.must("import", place.write("many.csv", formatCsv(["text", "label"], rows)), "--project", folder);
    window = await openWindow(place, { language: "en", answers: [folder] });
  });
  after(async () => {
    await window?.close();
    place.remove();
  });
  const labelled = () => place.must("labels", "--project", folder).labels.reduce((sum, { count }) => sum + count, 0);

  test("a step about them says how far it is, can be stopped, and is taken back as one", async () => {
    await window.click("open-project");
    await window.click("nav-labels");
    const view = await window.get("label-view");
    await (await view.findElement({ css: 'input[value="many"]' })).sendKeys(" ");
    await window.fill("many-asked", "fee");
    await window.click("many-look");
    await window.get("many-rows", 60_000);
    // One label by hand, which an undo that was kept for later would take back.
    await window.driver.executeScript("document.querySelector('[data-testid=many-rows] input').click(); document.activeElement?.blur()");
    await window.press("1");
    await window.until(async () => labelled() === 3, "the first text was not labelled");
    await window.until(async () => (await window.text("many")).includes(`all ${(MANY - 3).toLocaleString("en")} texts`), "the list was not looked for again");
    await window.click("many-all");
    await window.until(async () => window.steady("many-give-1", (give) => give.isEnabled()), "they were not chosen");
    const give = async () => {
      await window.driver.executeScript("document.activeElement?.blur()");
      await window.press("1");
      await window.click("many-unseen-yes");
    };
    await give();
    // What is pressed meanwhile is not kept for later: it would take back something else.
    await window.hold(Key.CONTROL, "z");
    await window.click("stop-work");
    await window.until(async () => !(await window.has("work")), "it was not stopped", 60_000);
    assert.equal(labelled(), 3, "what is stopped leaves nothing behind");
    await give();
    await window.get("work");
    await window.look("label-many-work-en");
    await window.until(async () => labelled() === MANY, "they were not labelled", 120_000);
    // No text is without a label, and the list says so.
    await window.get("many-none", 60_000);
    await window.hold(Key.CONTROL, "z");
    await window.until(async () => labelled() === 3, "they are labelled still", 120_000);
  });

  test("are compared when that is asked for, and that can be stopped", async () => {
    const source = await window.get("many-source");
    await (await source.findElement({ css: 'input[value="near"]' })).sendKeys(" ");
    await window.get("many-compare");
    await window.look("label-many-compare-en");
    await window.click("many-compare");
    // A quick machine is done before anybody could stop it.
    const told = async () => (await window.has("error-note")) || (await window.has("many-groups")) || (await window.has("many-none"));
    await window.until(async () => {
      await window.driver.executeScript("document.querySelector('[data-testid=stop-work]')?.click()");
      return !(await window.has("work")) && (await told());
    }, "it neither ended nor was stopped", 60_000);
    await window.look("label-many-compared-en");
  });
});
