// A new user's way from an opened sample to a report to sign, in the real window: by the buttons that each room offers.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { Place } from "./lib/place.mjs";
import { openWindow } from "./lib/window.mjs";

/** Clicks that the way takes; more of them would be a step back. */
const MOST_CLICKS = 10;

describe("from the sample to the report", () => {
  const place = new Place();
  let window;
  before(async () => {
    window = await openWindow(place, { answers: [place.path("report.pdf")] });
  });
  after(async () => {
    await window?.close();
    place.remove();
  });

  test("a report to sign is there after a few clicks", async (t) => {
    let clicks = 0;
    const click = async (id, wait) => {
      await window.click(id, wait);
      clicks += 1;
    };
    await click("sample-contract-clauses");
    // The first room that still wants something; from there the button at the foot of each room goes on.
    await window.until(async () => (await window.driver.findElements({ css: "[data-testid=nav-train]" })).length > 0, "the sample did not open", 60_000);
    for (const done of ["divide", "start-training", "save-pdf"]) {
      while (!(await window.isThere(done))) await click("next", 60_000);
      if (done === "start-training") {
        // The only decision: the quick way, because a test should not take minutes.
        await window.get("preset", 60_000);
        await window.driver.executeScript("document.querySelector('[data-testid=preset] label').click()");
        clicks += 1;
        await window.until(async () => window.driver.executeScript("return document.querySelector('[data-testid=preset] input').checked"), "the quick way was not chosen");
      }
      await click(done);
      if (done === "start-training") await window.until(async () => (await window.data("run-state", "state")) === "finished", "it did not finish", 600_000);
    }
    await window.until(() => existsSync(place.path("report.pdf")), "no report was saved", 60_000);
    assert.equal(readFileSync(place.path("report.pdf")).subarray(0, 5).toString("latin1"), "%PDF-");
    await window.look("9-report-en");
    t.diagnostic(`${clicks} clicks`);
    assert.ok(clicks <= MOST_CLICKS, `${clicks} clicks`);
  });
});
