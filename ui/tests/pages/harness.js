// Builds the test page, serves it under the product's content security policy, drives Chromium, counts checks.
import { createServer } from "node:http";
import { mkdtemp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { chromium } from "playwright-core";
import { build } from "vite";

const UI = fileURLToPath(new URL("../..", import.meta.url));
const axeSource = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
  "connect-src ipc: http://ipc.localhost; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };

/** Builds the test page into a temporary folder and serves it; resolves with its address and a way to stop. */
export async function servePages() {
  const outDir = await mkdtemp(join(tmpdir(), "understudy-pages-"));
  await build({
    configFile: false,
    root: UI,
    logLevel: "warn",
    plugins: [svelte()],
    build: {
      outDir, emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false },
      rollupOptions: { input: join(UI, "tests/pages/index.html") },
    },
  });
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url ?? "/", "http://localhost").pathname);
    try {
      const body = await readFile(join(outDir, path));
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream", "content-security-policy": CSP });
      response.end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  return { url: `http://127.0.0.1:${port}/tests/pages/index.html`, stop: () => server.close() };
}

export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync",
    ],
  });
}

/** Counts what was checked; a failed check is told at once and does not stop the rest. */
export class Tally {
  passed = 0;
  failed = 0;

  ok(condition, name, detail = "") {
    if (condition) this.passed++;
    else {
      this.failed++;
      console.error(`FAILED ${name}${detail ? `\n       ${detail}` : ""}`);
    }
  }

  last() {
    console.log(`${this.passed} passed, ${this.failed} failed`);
    return this.failed === 0 ? 0 : 1;
  }
}

/** A fresh page on the mock; its console errors and policy violations are collected. */
export async function openPage(browser, url, query) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 }, reducedMotion: "reduce" });
  const faults = [];
  page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(String(error)));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      console.error(`CSP ${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  await page.goto(`${url}?${new URLSearchParams(query)}`);
  page.setDefaultTimeout(8000);
  return { page, faults };
}

export async function axe(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] }),
  );
  return violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target.join(" ")} ${n.any[0]?.message ?? ""}`).slice(0, 4).join(" | ")}`);
}

/** What sticks out sideways: the page itself, or a room whose overflow would be cut off. */
export function overflow(page) {
  return page.evaluate(() => {
    const boxes = [document.documentElement, ...document.querySelectorAll(".scroll, aside, main, footer, section, article, [data-testid=start] main")];
    return boxes.filter((box) => box.scrollWidth > box.clientWidth + 1).map((box) => `${box.tagName}.${box.className} ${box.scrollWidth} > ${box.clientWidth}`);
  });
}

/** Two frames after the last change: what a person would see. */
export function settle(page) {
  return page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve(null)))));
}
