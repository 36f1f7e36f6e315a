// Bad input gets a clear, typed error in both languages, exit code 2, and loses nothing.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync, rmSync, existsSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { Place, smallTable, starterFolder } from "./lib/place.mjs";

const place = new Place();
after(() => place.remove());

/** The command must fail as the user's to mend, with this kind, told in English and in Chinese. */
function refuse(kind, ...args) {
  for (const [locale, script] of [["en_US.UTF-8", /[a-z]/i], ["zh_CN.UTF-8", /[\u4e00-\u9fff]/]]) {
    place.environment.LC_ALL = locale;
    const { status, found } = place.understudy(...args);
    assert.equal(status, 2, `${kind}: status ${status}`);
    assert.equal(found.error.kind, kind);
    for (const part of ["what", "why", "next"]) assert.match(found.error[part], script, `${kind} ${locale} ${part}`);
    assert.doesNotMatch(JSON.stringify(found.error), /\{[a-z]+\}/, `${kind}: a placeholder was left`);
  }
  delete place.environment.LC_ALL;
}

const files = {
  file_empty: "",
  header_only: "text,label\n",
  not_a_table: "%PDF-1.7\n%âãÏÓ\n",
  damaged_file: Buffer.from("504b0304140006000800000021006235", "hex"),
  all_texts_empty: "text,label\n,a\n,b\n",
  unclosed_quote: `text,label\n"one,a\n${"two b\n".repeat(500)}`,
};

for (const [kind, contents] of Object.entries(files)) {
  test(`${kind} is refused and no project is spoilt`, () => {
    const file = place.write(`${kind}.csv`, contents);
    const project = place.path("kept.understudy");
    if (!existsSync(project)) place.must("import", place.write("good.csv", smallTable(30)), "--project", project);
    const before = place.must("clean", "--project", project).data.rows;
    const columns = kind === "all_texts_empty" ? ["--text", "text", "--label", "label"] : [];
    refuse(kind, "import", file, "--project", project, ...columns);
    assert.equal(place.must("clean", "--project", project).data.rows, before);
  });
}

test("a missing file and a folder that is no project are told", () => {
  refuse("file_missing", "import", place.path("nowhere.csv"), "--project", place.path("x.understudy"));
  mkdirSync(place.path("empty"));
  refuse("not_a_project", "split", "--project", place.path("empty"));
});

test("one class, no labels and too few rows cannot be divided", () => {
  const cases = {
    one_class: "text,label\none two,a\nthree four,a\nfive six,a\n",
    no_labels: "text,label\none two,\nthree four,\nfive six,\n",
    too_few_rows: "text,label\none two,a\nthree four,b\n",
  };
  for (const [kind, contents] of Object.entries(cases)) {
    const project = place.path(`${kind}.understudy`);
    place.must("import", place.write(`${kind}.csv`, contents), "--project", project, "--text", "text", "--label", "label");
    refuse(kind, "split", "--project", project);
  }
});

test("a class with a single row is learnt from, and said not to be judged", () => {
  const project = place.path("single.understudy");
  const table = `${smallTable(30)}A lonely clause,Lonely\n`;
  place.must("import", place.write("single.csv", table), "--project", project);
  const { split } = place.must("split", "--project", project);
  assert.ok(split.notes.some((note) => note.includes("Lonely")), split.notes.join("\n"));
});

test("a text of a million characters is imported, trained on and answered", () => {
  const project = place.path("long.understudy");
  const table = `${smallTable(30)}"${"very long clause ".repeat(60_000)}",Law\n`;
  const file = place.write("long.csv", table);
  assert.equal(place.must("import", file, "--project", project).import.rows, 31);
  place.must("split", "--project", project);
  place.must("train", "--project", project, "--epochs", "1", "--max-length", "16");
  assert.equal(place.must("predict", "--project", project, file, "--out", place.path("long.out.csv")).rows, 31);
});

test("training without a split, with a wrong setting or an unknown model is refused before it begins", () => {
  const project = place.path("early.understudy");
  place.must("import", place.write("early.csv", smallTable(30)), "--project", project);
  refuse("no_split", "train", "--project", project);
  place.must("split", "--project", project);
  refuse("setting", "train", "--project", project, "--learning-rate", "7");
  refuse("model_not_installed", "train", "--project", project, "--model", "nobody/nothing");
  // The command line that the tests build has no graphics cards; the processor never takes their place.
  refuse("not_built_for_device", "train", "--project", project, "--device", "cuda");
  refuse("not_built_for_device", "cross-validate", "--project", project, "--device", "cuda");
  refuse("no_cross_validation", "cross-validate", "--project", project, "--resume");
});

test("a model folder with a missing, short or changed file is never used", () => {
  const name = "sentence-transformers--all-MiniLM-L6-v2";
  const copy = place.path("models");
  const fill = () => {
    rmSync(copy, { recursive: true, force: true });
    mkdirSync(join(copy, name, "1_Pooling"), { recursive: true });
    const manifest = JSON.parse(readFileSync(new URL("../resources/models/starter.json", import.meta.url), "utf8"));
    for (const { path } of manifest.files) copyFileSync(join(starterFolder(), path), join(copy, name, path));
  };
  place.environment.UNDERSTUDY_MODELS = copy;
  const project = place.path("early.understudy");
  try {
    fill();
    rmSync(join(copy, name, "tokenizer.json"));
    refuse("model_file_missing", "train", "--project", project);
    fill();
    truncateSync(join(copy, name, "model.safetensors"), 1_000_000);
    const short = place.understudy("train", "--project", project);
    assert.equal(short.status, 2);
    fill();
    writeFileSync(join(copy, name, "config.json"), "{}");
    const changed = place.understudy("train", "--project", project);
    assert.equal(changed.status, 2);
    for (const { found } of [short, changed]) assert.match(found.error.next, /[Dd]ownload/);
  } finally {
    delete place.environment.UNDERSTUDY_MODELS;
  }
});

test("a wrong column name is told with the file's name", () => {
  const result = place.understudy("import", place.path("good.csv"), "--project", place.path("kept.understudy"), "--text", "body");
  assert.equal(result.status, 2);
  assert.match(result.found.error.what, /good\.csv/);
});

test("a project on a disk that cannot be written is told", (t) => {
  // A disk of its own, because the tests may be run by an account that no permission stops.
  const disk = place.path("disk");
  mkdirSync(disk);
  if (spawnSync("mount", ["-t", "tmpfs", "tmpfs", disk]).status !== 0) return t.skip("may not mount here");
  try {
    const project = join(disk, "p.understudy");
    place.must("import", place.write("rows.csv", smallTable(30)), "--project", project);
    assert.equal(spawnSync("mount", ["-o", "remount,ro", disk]).status, 0);
    refuse("read_only", "split", "--project", project);
    refuse("read_only", "import", place.path("rows.csv"), "--project", project);
    refuse("file_forbidden", "import", place.path("rows.csv"), "--project", join(disk, "new.understudy"));
    assert.equal(spawnSync("mount", ["-o", "remount,rw", disk]).status, 0);
    assert.equal(place.must("clean", "--project", project).data.rows, 30);
  } finally {
    spawnSync("umount", ["-l", disk]);
  }
});
