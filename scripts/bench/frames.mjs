// How long the window's frames are while a million rows are imported, searched, filtered and divided: the real app in
// a real window, without a peer.
import { Place } from "../../tests/lib/place.mjs";
import { openWindow } from "../../tests/lib/window.mjs";
import { say } from "../lib/say.mjs";
import { table } from "./data.mjs";
import * as place from "./place.mjs";

/** Milliseconds that a frame may take (issue 4). */
const LIMIT = 100;
const MINUTES = 60_000;

// Times between the moments at which the page is asked to draw.
const WATCH = `
  window.frames = [];
  let last = performance.now();
  const drawn = () => {
    const now = performance.now();
    window.frames.push(now - last);
    last = now;
    requestAnimationFrame(drawn);
  };
  requestAnimationFrame(drawn);`;
const JUMP = "const rows = document.querySelector('[data-testid=rows]'); rows.scrollTop = rows.scrollHeight * arguments[0]";

export async function bench({ quick }) {
  const rows = quick ? 100_000 : 1_000_000;
  const file = table(rows, 30, 120, "long");
  const home = new Place();
  const window = await openWindow(home, { answers: [file] });
  const results = [];
  const step = async (name, work) => {
    await window.driver.executeScript("window.frames.length = 0");
    const began = performance.now();
    await work();
    const took = performance.now() - began;
    // The first began before.
    const frames = (await window.driver.executeScript("return window.frames.slice(1)")).toSorted((a, b) => a - b);
    results.push({ name, seconds: took / 1000, frames });
    say(`  ${name}: ${(took / 1000).toFixed(1)} s, longest frame ${frames.at(-1).toFixed(0)} ms`);
  };
  try {
    await window.fill("project-name-input", "Frames");
    await window.click("create-project");
    await window.get("choose-file");
    await window.driver.executeScript(WATCH);
    await step("a file is chosen", async () => {
      await window.click("choose-file");
      await window.get("preview");
    });
    await step("imported", async () => {
      await window.click("import");
      await window.get("rows", 5 * MINUTES);
    });
    await step("forty places of the table", async () => {
      for (let i = 0; i < 40; i += 1) {
        await window.driver.executeScript(JUMP, ((i * 37) % 40) / 40);
        await pause(100);
      }
    });
    await step("first search, words are noted", async () => {
      await window.fill("search", "bababa");
      await pause(quick ? 8000 : 45_000);
    });
    await step("second search", async () => {
      await window.fill("search", "cabada");
      await pause(3000);
      await window.fill("search", "");
    });
    await step("near-duplicates sought", async () => {
      await window.click("find-near");
      // Found or not, nothing is left to ask for then.
      await window.until(async () => !(await window.has("find-near")), "near-duplicates", 5 * MINUTES);
    });
    await step("divided", async () => {
      await window.click("nav-split");
      await window.click("divide");
      await window.get("split-result", 5 * MINUTES);
    });
    await step("one part shown", async () => {
      await window.click("nav-data");
      await window.select("filter-part", "train");
      await pause(3000);
    });
  } finally {
    await window.close();
    home.remove();
  }
  place.keep("frames", results);
  say(`\n### Frames, ${rows} rows\n\n${place.machine()}\n`);
  place.printTable(
    ["step", "seconds", "frames", "median, ms", "longest, ms", `over ${LIMIT} ms`],
    results.map(({ name, seconds, frames }) => [
      name, seconds.toFixed(1), frames.length, place.median(frames).toFixed(0), frames.at(-1).toFixed(0), frames.filter((took) => took > LIMIT).length,
    ]),
  );
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
