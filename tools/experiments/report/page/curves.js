// How a run went: loss, accuracy, penalty and learning rate over its steps.
"use strict";

function curvesSection(report) {
  const { steps, scores, choices, val, test, left_out: leftOut } = report.curves;
  const some = (list) => list.some((x) => x !== 0 && x !== null);
  const step = (title, ys, digits) => lineChart({ title, x: "step", digits, lines: [{ label: title.toLowerCase(), hue: "blue", xs: steps.step, ys }] });
  const evaluated = (key) => [
    { label: "val", hue: "orange", xs: val.step, ys: val[key], points: true },
    { label: "test", hue: "green", xs: test.step, ys: test[key], points: true },
  ];
  const charts = [
    lineChart({ title: "Loss", x: "step", digits: short, lines: [{ label: "train", hue: "blue", xs: steps.step, ys: steps.loss }, ...evaluated("loss")] }),
    lineChart({ title: "Accuracy, top-1 in %", x: "step", digits: (v) => fixed(v, 2), lines: evaluated("top1") }),
    step("Learning rate", steps.lr, short),
    some(steps.penalty) ? step("Penalty", steps.penalty, short) : null,
    lineChart({ title: "Scoring loss", x: "batch", digits: short, lines: [{ label: "loss", hue: "purple", xs: scores.batch, ys: scores.loss }] }),
    lineChart({
      title: "Choice against the final one, %", x: "batches scored", digits: (v) => fixed(v, 1), lines: [
        { label: "units in common", hue: "blue", xs: choices.batches, ys: choices.overlap, points: true },
        { label: "squares held", hue: "orange", xs: choices.batches, ys: choices.held, points: true }],
    }),
  ].filter((chart) => chart);
  if (charts.length === 0) return null;
  const notes = ["The loss is without the penalty, each batch before its step."];
  if (steps.every > 1) notes.push(`A point is the mean of ${steps.every} steps.`);
  if (leftOut > 0) notes.push(`${leftOut} lines of the log could not be read.`);
  return section("Training", notes.join(" "), el("div", { class: "charts" }, charts));
}
