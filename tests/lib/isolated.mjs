// The two ends of a wire: `isolated.mjs hub` is a model hub, `isolated.mjs app` the app and whoever uses it. Each runs in a
// network namespace of its own and does what it is told on standard input, one JSON line each.
import { execFileSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { FakeHub, tinyModel } from "./hub.mjs";
import { openWindow } from "./window.mjs";

const ADDRESS = { app: "192.0.2.1", hub: "192.0.2.2" };
const PORT = 8080;
const ip = (...args) => execFileSync("ip", args);
const role = process.argv[2];
ip("link", "set", "lo", "up");

const roles = {
  hub: {
    pid: () => ({ pid: process.pid }),
    async listen() {
      while (!readFileSync("/proc/self/net/dev", "utf8").includes("wire-hub")) await sleep(50);
      up("wire-hub", ADDRESS.hub);
      this.hub = await new FakeHub({ "someone/tiny-legal-bert": tinyModel() }).start(ADDRESS.hub, PORT);
      this.connections = 0;
      this.hub.server.on("connection", () => (this.connections += 1));
      return {};
    },
    requests() {
      return { requests: this.hub.requests.length, connections: this.connections };
    },
    async end() {
      await this.hub?.stop();
    },
  },
  app: {
    connect({ pid }) {
      ip("link", "add", "wire-app", "type", "veth", "peer", "name", "wire-hub", "netns", String(pid));
      up("wire-app", ADDRESS.app);
      ip("route", "add", "default", "via", ADDRESS.hub);
      return {};
    },
    /** What a user does on a first day, without asking for anything from elsewhere. */
    async work() {
      const path = (name) => `${process.env.UNDERSTUDY_TEST_PLACE}/${name}`;
      const place = { environment: process.env, path: (...names) => path(names.join("/")), write: (name, text) => write(path(name), text) };
      this.window = await openWindow(place);
      const { window } = this;
      await window.click("sample-contract-clauses");
      for (const room of ["labels", "split"]) await window.click(`nav-${room}`);
      await window.click("divide");
      await window.get("split-result");
      await window.click("nav-model");
      await window.get("recommended", 60_000);
      await window.click("nav-train");
      await window.get("plan");
      await window.driver.executeScript("document.querySelector('[data-testid=preset] label').click()");
      await window.click("start-training");
      await window.until(async () => (await window.data("run-state", "state")) === "finished", "the run did not finish", 600_000);
      await window.click("nav-results");
      await window.get("headline");
      await window.click("nav-use");
      await window.fill("use-text", "This agreement is governed by the laws of New York.");
      await window.click("try");
      await window.text("predicted-label", 60_000);
      return {};
    },
    async fetch({ model }) {
      const { window } = this;
      await window.click("nav-model");
      await window.driver.executeScript("document.querySelectorAll('[data-testid=model-view] input')[1].click()");
      await window.fill("hub-words", "legal");
      await window.click("hub-go");
      await window.click(`look-${model}`);
      await window.click(`download-${model}`);
      await window.get(`choose-${model}`);
      return {};
    },
    /** What the test is there to find: a packet to somebody else. */
    async stray() {
      const socket = createSocket("udp4");
      await new Promise((resolve, reject) => socket.send("x", 53, "192.0.2.2", (error) => (error ? reject(error) : resolve())));
      socket.close();
      await sleep(200);
      return {};
    },
    async end() {
      await this.window?.close();
    },
  },
};

function write(path, text) {
  writeFileSync(path, text);
  return path;
}

function up(device, address) {
  // Without addresses of its own making, the kernel has nothing to say on the wire.
  ip("link", "set", device, "addrgenmode", "none");
  ip("address", "add", `${address}/24`, "dev", device);
  ip("link", "set", device, "up");
}

const actor = roles[role];
for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, ...rest } = JSON.parse(line);
  const answer = await Promise.resolve(actor[what](rest)).catch((error) => ({ error: `${role} ${what}: ${error.stack}` }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await actor.end();
