// The whole window over the mock engine: for `npm run dev` at /tests/pages/ and for the page tests.
// ?language=en|zh  ?theme=system|light|dark  ?pace=milliseconds a step
import { installMock, type Mock } from "../mock/engine";

declare global {
  interface Window {
    mock: Mock;
  }
}

const query = new URLSearchParams(location.search);
const theme = query.get("theme");
window.mock = installMock({
  language: query.get("language") === "zh" ? "zh" : "en",
  theme: theme === "light" || theme === "dark" ? theme : "system",
  pace: Number(query.get("pace") ?? 150),
});
await import("../../src/main");
