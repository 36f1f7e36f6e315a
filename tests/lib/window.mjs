// The real app in a real window (Xvfb), driven through WebDriver.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { join } from "node:path";
import { readFileSync } from "node:fs";
import { Builder, By, Capabilities, Key, error } from "selenium-webdriver";
import { startDisplay, stopProcess } from "../../scripts/lib/display.mjs";
import { APP } from "../../scripts/lib/places.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WAIT = 20_000;
const SHOTS = process.env.SCREENSHOTS;
if (SHOTS) mkdirSync(SHOTS, { recursive: true });
export { By, Key };

/** Opens the app for `place`. Everything is stopped by `close`. */
export async function openWindow(place, { language = "en", answers = [] } = {}) {
  const script = place.write("dialog-answers.txt", answers.map((answer) => `${answer}\n`).join(""));
  mkdirSync(place.path("home/config"), { recursive: true });
  const settings = { settings: { language, theme: "light" }, recent: [] };
  writeFileSync(place.path("home/config/settings.json"), JSON.stringify(settings));
  const display = await startDisplay("1400x1000");
  const port = await freePort();
  const environment = {
    ...place.environment,
    DISPLAY: display.name,
    TAURI_WEBVIEW_AUTOMATION: "true",
    UNDERSTUDY_DIALOG_ANSWERS: script,
    XDG_CACHE_HOME: place.path("cache"),
    XDG_CONFIG_HOME: place.path("config"),
  };
  delete environment.WAYLAND_DISPLAY;
  // The model library is the user's, whose folder the variables above would hide.
  const server = spawn("WebKitWebDriver", [`--port=${port}`], { env: environment, detached: true, stdio: ["ignore", "inherit", "inherit"] });
  try {
    await answering(port);
    const capabilities = new Capabilities({ browserName: "wry", "webkitgtk:browserOptions": { binary: APP, args: [] } });
    const driver = await new Builder().usingServer(`http://127.0.0.1:${port}`).withCapabilities(capabilities).build();
    const close = async () => {
      await driver.quit().catch((error) => console.error(`the window did not close by itself: ${error.message}`));
      await stopProcess(server);
      await display.stop();
    };
    return new Window(driver, close);
  } catch (error) {
    await stopProcess(server);
    await display.stop();
    throw error;
  }
}

class Window {
  constructor(driver, close) {
    this.driver = driver;
    this.close = close;
  }

  /** The element with this data-testid, once it is there and visible. */
  async get(id, wait = WAIT) {
    const visible = async () => {
      try {
        const [element] = await this.driver.findElements(By.css(`[data-testid="${id}"]`));
        return element && (await element.isDisplayed()) ? element : null;
      } catch (problem) {
        // The page put another in its place at this moment.
        if (problem instanceof error.StaleElementReferenceError) return null;
        throw problem;
      }
    };
    return this.driver.wait(visible, wait, `no ${id}`);
  }

  /** Whether an element with this data-testid is there and visible, as soon as the page rests. */
  async isThere(id) {
    await this.settle();
    return this.get(id, 1500).then(() => true, () => false);
  }

  /** A data attribute of the element with this data-testid; null when there is none. */
  async data(id, name) {
    return this.driver.executeScript("return document.querySelector(`[data-testid=\"${arguments[0]}\"]`)?.dataset[arguments[1]] ?? null", id, name);
  }

  /** Light or dark, at once: while colours change, contrast means nothing. */
  async theme(value) {
    await this.driver.executeScript(`
      if (!window.still) document.styleSheets[0].insertRule("* { transition: none !important }");
      window.still = true;
      document.documentElement.dataset.theme = arguments[0];`, value);
    await this.settle();
  }

  /** The room as it stands passes axe; its picture is kept where SCREENSHOTS names a folder. */
  async look(name, themes = ["light"]) {
    for (const theme of themes) {
      // Also stops what moves: a note that is fading in has no contrast yet.
      await this.theme(theme);
      assert.deepEqual(await this.axe(), [], `${name}: ${theme}`);
      const beyond = "return Math.max(document.documentElement.scrollHeight, document.body.scrollHeight) - innerHeight";
      assert.ok((await this.driver.executeScript(beyond)) <= 0, `${name}: the window itself can be scrolled`);
      if (SHOTS) await this.screenshot(join(SHOTS, theme === "dark" ? `${name}-dark.png` : `${name}.png`));
    }
    await this.theme("light");
  }

  async has(id) {
    // Asked of the page itself: the driver fails on an element that goes while it is being told of.
    return this.driver.executeScript('return document.querySelector(`[data-testid="${arguments[0]}"]`) !== null', id);
  }

  /** What `use` does with the element of this data-testid, done with the next one where the page puts another in its place meanwhile. */
  async steady(id, use, wait = WAIT) {
    for (let attempt = 1; ; attempt++) {
      try {
        return await use(await this.get(id, wait));
      } catch (problem) {
        // An element that is gone was neither read nor clicked.
        if (!(problem instanceof error.StaleElementReferenceError) || attempt === 5) throw problem;
      }
    }
  }

  async click(id, wait = WAIT) {
    await this.driver.wait(() => this.steady(id, (element) => element.isEnabled(), wait), wait, `${id} stays disabled`);
    await this.steady(id, async (element) => {
      await this.driver.executeScript("arguments[0].scrollIntoView({ block: 'center' })", element);
      await this.settle();
      await element.click();
    }, wait);
  }

  async text(id, wait = WAIT) {
    return this.steady(id, (element) => element.getText(), wait);
  }

  /** Types into a field in place of what stands there. */
  async fill(id, text) {
    const element = await this.get(id);
    // The driver would leave it under the bar at the foot.
    await this.driver.executeScript("arguments[0].scrollIntoView({ block: 'center' })", element);
    await this.settle();
    await element.click();
    // One call each: within one call WebKit's driver does not let go of the control key.
    await element.sendKeys(Key.chord(Key.CONTROL, "a"));
    await element.sendKeys(Key.DELETE);
    if (text) await element.sendKeys(text);
  }

  /** Chooses an option by its value; as a user's choice, which a page hears of. */
  async select(id, value) {
    const field = await this.get(id);
    await this.driver.executeScript("const [field, value] = arguments; field.scrollIntoView({ block: 'center' }); field.value = value; field.dispatchEvent(new Event('change', { bubbles: true }))", field, value);
  }

  async press(...keys) {
    await this.driver.actions().sendKeys(...keys).perform();
  }

  /** Presses a key while another is held. */
  async hold(modifier, key) {
    await this.driver.actions().keyDown(modifier).sendKeys(key).keyUp(modifier).perform();
  }

  /** Waits until a check answers truthily. */
  async until(check, what, wait = WAIT) {
    return this.driver.wait(check, wait, what);
  }

  /** Two frames: what was asked for has been drawn. */
  async settle() {
    await this.driver.executeAsyncScript("const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()))");
  }

  async screenshot(path) {
    await this.settle();
    await new Promise((resolve) => setTimeout(resolve, 150));
    // The driver waits for the next picture that the page draws, and without a graphics card a page at rest draws none.
    await this.driver.executeScript(`
      const dot = document.body.appendChild(document.createElement("i"));
      Object.assign(dot.style, { position: "fixed", right: 0, bottom: 0, width: "1px", height: "1px" });
      let turn = 0;
      const blinking = setInterval(() => (dot.style.background = turn++ % 2 ? "#888" : "#999"), 50);
      window.stopBlinking = () => (clearInterval(blinking), dot.remove());`);
    try {
      writeFileSync(path, await this.driver.takeScreenshot(), "base64");
    } finally {
      await this.driver.executeScript("window.stopBlinking()");
    }
  }

  /** Violations of WCAG 2.2 AA that axe finds in the window as it stands. */
  async axe() {
    await this.driver.executeScript(axeSource);
    return this.driver.executeAsyncScript(`
      const done = arguments[0];
      axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }).then(
        (result) => done(result.violations.map((v) => v.id + ": " + v.nodes.map((n) => n.target.join(" ")).join("; "))),
        (error) => done(["axe itself: " + error]));`);
  }
}

/** A port of this machine that nobody listens at. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

async function answering(port) {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/status`).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("WebKitWebDriver does not answer");
}
