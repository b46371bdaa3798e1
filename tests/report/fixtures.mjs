// Folders for the program to make reports of: runs of a small random model on a few pictures, and comparisons.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Names that would run a script if a page took them for HTML. Those of files cannot hold a slash. */
export const kHostile = "</script><img src=x onerror=alert(1)>";
const kHostileFile = "<img src=x onerror=alert(1)>";

/** Makes every folder below `root` and returns their reports by name. */
export function makeReports(espalier, root) {
  const run = (...words) => execFileSync(espalier, words, { stdio: ["ignore", "ignore", "pipe"] });
  const tune = (method, ...more) =>
    run("tune", "--arch", "vit_tiny_patch16_224", "--image-size", "32", "--data", join(root, "data"), "--method", method, "--batch-size", "6",
      "--epochs", "3", "--lr", "1e-3", "--out", join(root, method), ...more);
  writePictures(join(root, "data"), ["daisy", "rose", kHostileFile]);
  tune("grft");
  tune("sift", "--rate", "0.001", "--score-batches", "auto");
  tune("linear");
  makeHostileRun(join(root, "grft"), join(root, "hostile-run"));
  makeRunOfManyClasses(join(root, "linear"), join(root, "many-classes"), 102);
  makeUnfinishedRun(join(root, "grft"), join(root, "unfinished"));
  writeComparison(join(root, "comparison"), comparison(["linear", "bitfit", "full", "lora", "grft rows", "grft columns", "gps", "sift"], ["flowers5", "dtd10", "signs", "cifar10"]));
  writeComparison(join(root, "hostile-comparison"), comparison([kHostile, "__proto__", "linear"], [kHostile, "constructor"]));
  writeComparison(join(root, "begun-comparison"), { ...comparison([], ["flowers5"]), pairs: [] });
  const names = ["grft", "sift", "linear", "hostile-run", "many-classes", "unfinished", "comparison", "hostile-comparison", "begun-comparison"];
  run("report", ...names.map((name) => join(root, name)));
  return Object.fromEntries(names.map((name) => [name, join(root, name, "report.html")]));
}

/** PPM pictures, six of each class in train and three in val and test, in colours that tell little. */
function writePictures(folder, classes) {
  for (const [split, count] of [["train", 6], ["val", 3], ["test", 3]]) {
    classes.forEach((name, c) => {
      mkdirSync(join(folder, split, name), { recursive: true });
      for (let n = 0; n < count; n++) writeFileSync(join(folder, split, name, `${kHostileFile}-${n}.ppm`), picture(c, 7 * n + count));
    });
  }
}

function picture(which, number) {
  const side = 40;
  const pixels = Buffer.alloc(3 * side * side);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * (which + 3) + number * 31 + (i % 3 === which ? 90 : 0)) % 256;
  return Buffer.concat([Buffer.from(`P6 ${side} ${side} 255\n`), pixels]);
}

/** Changes the JSON in a file. */
function change(file, edit) {
  const json = JSON.parse(readFileSync(file, "utf8"));
  edit(json);
  writeFileSync(file, JSON.stringify(json));
}

function makeHostileRun(from, to) {
  cpSync(from, to, { recursive: true });
  change(join(to, "config.json"), (config) => {
    config.classes = config.classes.map((name) => kHostile + name);
    Object.assign(config, { arch_found: kHostile, model: kHostile, method: kHostile, version: kHostile, [kHostile]: kHostile });
    config.method_options[kHostile] = kHostile;
  });
  change(join(to, "judged.json"), (judged) => {
    judged.split = kHostile;
    judged.mistakes = judged.mistakes.map((m) => ({ ...m, class: kHostile, predicted: kHostile, file: kHostile }));
  });
  change(join(to, "result.json"), (result) => (result.phases[kHostile] = 1));
}

function makeRunOfManyClasses(from, to, n) {
  cpSync(from, to, { recursive: true });
  change(join(to, "config.json"), (config) => (config.classes = Array.from({ length: n }, (_, i) => "class " + i)));
  const confusion = Array.from({ length: n }, (_, t) => Array.from({ length: n }, (_, p) => (t === p ? 20 : (t * 7 + p * 13) % 29 === 0 ? 3 : 0)));
  change(join(to, "result.json"), (result) => {
    delete result.val;
    result.test.confusion = confusion;
  });
}

function makeUnfinishedRun(from, to) {
  mkdirSync(to);
  for (const file of ["config.json", "metrics.jsonl", "selection.safetensors"]) cpSync(join(from, file), join(to, file));
  change(join(to, "config.json"), (config) => (config.method_options["score-sketch"] = "8"));
}

function writeComparison(folder, json) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "compare.json"), JSON.stringify(json));
}

/** A comparison with made-up figures. */
function comparison(methods, tasks) {
  const lrs = [1e-4, 1e-3, 1e-2];
  const accuracy = (m, t) => 62 + 17 * Math.sin(m + 1) ** 2 - 4 * t + ((m * 3 + t * 5) % 4);
  const byTask = (f) => Object.fromEntries(tasks.map((task, t) => [task, f(t)]));
  const runs = methods.flatMap((method, m) => tasks.flatMap((task, t) => lrs.map((lr, i) =>
    ({ task, method, lr, seed: 0, stage: "search", val_top1: accuracy(m, t) - 6 * Math.abs(i - (m % 3)), val_loss: 1 }))));
  const mean = (m) => tasks.reduce((sum, _, t) => sum + accuracy(m, t), 0) / tasks.length;
  const rank = (m) => 1 + methods.filter((_, o) => mean(o) > mean(m)).length;
  const table = methods.map((method, m) => ({
    method, lr: byTask(() => lrs[m % 3]), accuracy: byTask((t) => ({ mean: accuracy(m, t), sd: 0.3 + 0.2 * ((m + t) % 4), seeds: 3 })), mean: mean(m), rank: rank(m),
    trainable: [965, 22181, 5525381, 148421, 57797, 58120, 42821, 55540][m % 8], percent: 100 * ([965, 22181, 5525381, 148421, 57797, 58120, 42821, 55540][m % 8] / 5525381),
    delta_bytes: 4000 * (m + 1) ** 3, seconds_per_epoch: 8 + 3 * m, peak_mb: 300 + 70 * m, score_seconds: m > 3 ? 4.5 * m : 0,
  }));
  const pairs = methods.slice(1).map((a, m) => ({ a, b: methods[0], tasks: tasks.length, mean_difference: mean(m + 1) - mean(0), wins: 3, losses: 1, ties: 0, p: 0.125 * (m + 1) }));
  return {
    format: "espalier-compare", version: 1, espalier: "0.1.0",
    settings: { model: "vit_tiny", arch: "vit_tiny_patch16_224", image_size: 96, epochs: 5, batch_size: 32, augment: "none", optimizer: "adam", schedule: "cosine", seeds: [0, 1, 2], lrs, threads: 2 },
    methods: methods.map((label) => ({ label, method: label, options: {}, lrs })),
    tasks: tasks.map((name) => ({ name, data: name, classes: 10, train: 800, val: 200, test: 1500 })), runs, table, pairs,
  };
}
