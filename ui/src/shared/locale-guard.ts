// Must be the first import of the window. Under LANG=C WebKitGTK calls the system's language "C",
// which Intl refuses with an exception; uPlot asks Intl while it is being imported.
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, "language", { value: "en-US", configurable: true });
}
