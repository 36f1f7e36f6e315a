import svelte from "eslint-plugin-svelte";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

// The three tiers: shared knows no domain, project knows no room, a room knows no other room.
const forbid = (...patterns) => ({
  "no-restricted-imports": ["error", { patterns: patterns.map((group) => ({ group: [group] })) }],
});

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/ipc/bindings.ts"] },
  ...ts.configs.strict,
  ...svelte.configs.recommended,
  { languageOptions: { globals: { ...globals.browser } } },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: {
      parserOptions: { parser: ts.parser, extraFileExtensions: [".svelte"], svelteConfig },
    },
    rules: { "no-undef": "off" },
  },
  { files: ["tests/pages/*.js", "*.js"], languageOptions: { globals: { ...globals.node } } },
  { files: ["src/shared/**"], rules: forbid("**/ipc/*", "**/project/*", "**/rooms/**", "**/start/*", "**/views/*") },
  { files: ["src/project/**"], rules: forbid("**/rooms/**", "**/start/*", "**/views/*") },
  { files: ["src/rooms/**", "src/start/**"], rules: forbid("../data/*", "../labels/*", "../split/*", "../model/*", "../train/*", "../results/*", "../use/*", "**/views/*") },
);
