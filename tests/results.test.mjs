// How far a run can be trusted, told and acted on: errors allowed, certainty, another run beside it, the report to sign.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Place, readCsv, smallTable } from "./lib/place.mjs";

const place = new Place();
const project = place.path("judged.understudy");
let first;
let second;
after(() => place.remove());

before(() => {
  place.must("import", place.write("table.csv", smallTable(240)), "--project", project);
  place.must("split", "--project", project);
  const train = (...more) => place.must("train", "--project", project, "--batch-size", "8", "--max-length", "32", ...more).run;
  first = train("--epochs", "1", "--learning-rate", "0.000001");
  second = train("--epochs", "3");
});

test("certainty is corrected in the saved model itself, and what was told of it adds up", () => {
  const { judgement, test: scores } = place.must("evaluate", "--project", project, "--run", second);
  const { calibration, measures } = judgement;
  assert.ok(calibration.temperature > 0 && calibration.temperature !== 1);
  const { temperature } = JSON.parse(readFileSync(`${project}/runs/${second}/model/understudy.json`, "utf8"));
  assert.ok(Math.abs(temperature - calibration.temperature) < 1e-6);
  const judged = calibration.after.bins.reduce((sum, bin) => sum + bin.count, 0);
  assert.equal(judged, scores.examples);
  assert.ok(Math.abs(measures.log_loss - scores.loss) < 1e-9);
});

test("the errors allowed stay with the model and mark the doubtful answers of a file", () => {
  const { rule, promised, kept } = place.must("review", "--project", project, "--run", second, "--errors-allowed", "20");
  assert.ok(promised.risk <= 0.2 && kept.answered > 0);
  const input = place.path("in.csv");
  writeFileSync(input, smallTable(60));
  const out = place.path("out.csv");
  place.must("predict", "--project", project, "--run", second, input, "--out", out);
  const [head, ...rows] = readCsv(out);
  const [confidence, review] = [head.indexOf("confidence"), head.indexOf("review")];
  assert.ok(confidence > 0 && review > 0, head.join());
  // A confidence is written with four decimals: so near the threshold the file does not tell.
  const told = rows.filter((row) => Math.abs(Number(row[confidence]) - rule.below) > 5e-5);
  assert.ok(told.length > 0);
  const [doubtful, sure] = [true, false].map((below) => told.filter((row) => Number(row[confidence]) < rule.below === below));
  for (const row of doubtful) assert.equal(row[review], "yes", row.join());
  // What is unlike the texts learned from is marked too; of texts of the same kind, few are.
  const marked = sure.filter((row) => row[review] === "yes").length;
  assert.ok(marked <= told.length / 10, `${marked} of ${told.length}`);
  const all = place.must("review", "--project", project, "--run", second, "--errors-allowed", "none");
  assert.equal(all.rule, null);
  // What is unlike the texts learned from goes to a person all the same.
  const { answered, withheld, coverage } = all.promised;
  assert.equal(all.unfamiliar_counted, true);
  assert.equal(coverage, answered / (answered + withheld));
});

test("a text of another kind is marked for a person, however sure the answer", () => {
  const input = place.path("strange.csv");
  const strange = ["一只猫坐在窗台上看雨", "SELECT * FROM users WHERE id = 7;", "0101 1101 0001", "Beat the eggs, fold in the flour and bake for an hour."];
  writeFileSync(input, `text\n${strange.map((text) => `"${text}"`).join("\n")}\n`);
  const out = place.path("strange-out.csv");
  place.must("predict", "--project", project, "--run", second, input, "--out", out);
  const [head, ...rows] = readCsv(out);
  const review = rows.map((row) => row[head.indexOf("review")]);
  assert.ok(review.filter((told) => told === "yes").length >= 3, review.join());
});

test("a file whose column is called otherwise is answered once somebody says which it is", () => {
  const [input, out] = [place.path("other.csv"), place.path("other-out.csv")];
  writeFileSync(input, smallTable(30).replace("text,label", "body,kind"));
  const ask = (...more) => place.understudy("predict", "--project", project, "--run", second, input, "--out", out, ...more);
  assert.equal(ask().found.error.kind, "no_predict_column");
  assert.equal(ask("--text", "nobody").found.error.kind, "no_predict_column");
  assert.equal(ask("--text", "body").status, 0);
  const [head, ...rows] = readCsv(out);
  assert.deepEqual([head.slice(0, 2), rows.length], [["body", "kind"], 30]);
  assert.ok(rows.every((row) => row[head.indexOf("confidence")] > 0));
});

test("answers are looked at word by word, and what was found stands in the report", () => {
  const look = (...more) => place.must("explain", "--project", project, "--run", second, "--test-part", "--texts", "12", ...more).examined;
  const found = look();
  assert.equal(found.texts, 12);
  assert.ok(found.of > 12);
  assert.equal(found.labels.reduce((sum, label) => sum + label.texts, 0), 12);
  assert.ok(found.faithfulness.held <= found.faithfulness.texts && found.faithfulness.texts + found.faithfulness.too_short === 12);
  const { labels, faithfulness } = look();
  assert.deepEqual({ labels, faithfulness }, { labels: found.labels, faithfulness: found.faithfulness }, "it is the same every time");
  const page = place.path("words.html");
  place.must("report", "--project", project, "--run", second, "--out", page);
  assert.match(readFileSync(page, "utf8"), /12 of \d+ unseen cases were looked at word by word/);
});

test("a promise that cannot be kept is refused with what to do", () => {
  const { status, found } = place.understudy("review", "--project", project, "--run", first, "--errors-allowed", "0.5");
  assert.equal(status, 2);
  const { error } = found;
  assert.equal(error.kind, "no_such_promise");
  assert.ok(error.what && error.why && error.next);
});

test("two runs are compared on the texts that both were judged on", () => {
  const { compared } = place.must("compare", "--project", project, first, second);
  const { comparison, settings, fixed, broken } = compared;
  assert.equal(comparison.fixed, fixed.length);
  assert.equal(comparison.broken, broken.length);
  assert.ok(Math.abs(comparison.difference - (fixed.length - broken.length) / comparison.texts) < 1e-9);
  assert.ok(settings.some(([name]) => name === "epochs"));
  const back = place.must("compare", "--project", project, second, first).compared.comparison;
  assert.equal(back.p_value, comparison.p_value);
  assert.ok(Math.abs(back.difference + comparison.difference) < 1e-12);
});

test("the report is written as HTML and as PDF, in both languages", () => {
  for (const language of ["en", "zh"]) {
    const page = place.path(`report.${language}.html`);
    place.must("report", "--project", project, "--run", second, "--language", language, "--out", page);
    assert.match(readFileSync(page, "utf8"), language === "en" ? /off by [\d.]+ points of 100/ : /平均偏差/);
    const file = place.path(`report.${language}.pdf`);
    place.must("report", "--project", project, "--run", second, "--language", language, "--out", file);
    const bytes = readFileSync(file);
    assert.equal(bytes.subarray(0, 5).toString("latin1"), "%PDF-");
    assert.ok(bytes.length > 20_000, String(bytes.length));
  }
});

test("everything that a run left behind can be checked, and a change of it is seen", () => {
  const page = place.path("signed.html");
  place.must("report", "--project", project, "--run", second, "--out", page);
  const check = () => {
    const { status, found } = place.understudy("verify", "--project", project, "--run", second);
    const { audit, runs, sound } = found;
    assert.equal(audit.broken, null);
    assert.equal(status, sound ? 0 : 2);
    return Object.fromEntries(runs[second].checks.map(({ subject, name, finding }) => [name ?? subject, finding]));
  };
  const whole = check();
  for (const subject of ["history", "model", "scores", "data", "signed.html"]) assert.equal(whole[subject], "same", subject);
  writeFileSync(page, `${readFileSync(page, "utf8")}<!-- changed -->`);
  const weights = `${project}/runs/${second}/model/model.safetensors`;
  const kept = readFileSync(weights);
  // Cut off, it is no model any more; that is a finding like any other.
  writeFileSync(weights, kept.subarray(0, 100));
  const changed = check();
  writeFileSync(weights, kept);
  assert.deepEqual([changed.model, changed["signed.html"], changed.scores], ["changed", "changed", "same"]);
  const config = `${project}/runs/${second}/model/config.json`;
  const names = readFileSync(config, "utf8");
  writeFileSync(config, names.replace(/"0":/, '"0" :'));
  assert.equal(check().model, "changed", "the labels' names are part of the model");
  writeFileSync(config, names);
  assert.equal(check().model, "same");
});

test("a training that is repeated on the same machine gives the same, to the last bit", () => {
  const { run } = place.must("train", "--project", project, "--again", second);
  const { repetition } = place.must("verify", "--project", project, "--run", run).runs[run];
  assert.equal(repetition.first, second);
  assert.equal(repetition.same_weights, true);
  assert.equal(repetition.largest_difference, 0);
  assert.equal(repetition.labels_changed, 0);
  assert.ok(repetition.texts > 0 && repetition.accuracy[0] === repetition.accuracy[1]);
});

test("words of texts that were changed since are told no more", () => {
  place.must("explain", "--project", project, "--run", second, "--test-part", "--texts", "12");
  const told = () => {
    const page = place.path("words-after.html");
    place.must("report", "--project", project, "--run", second, "--out", page);
    return /looked at word by word/.test(readFileSync(page, "utf8"));
  };
  assert.equal(told(), true);
  place.must("clean", "--project", project, "--normalize", "mask_numbers");
  assert.equal(told(), false);
});
