// The report of a comparison of methods over tasks.
"use strict";

function comparisonReport(report) {
  document.title = `${report.name}: espalier comparison`;
  const { tasks, table } = report;
  const seeds = Math.max(0, ...table.flatMap((row) => row.accuracy.map((a) => (a && a.seeds) || 0)));
  const many = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;
  return [
    el("header", {}, el("p", { class: "kicker" }, "Comparison of methods"), el("h1", {}, report.name),
      el("p", { class: "lead" }, [many(table.length, "method"), many(tasks.length, "task"), many(seeds, "seed"), String(report.settings.arch || "")].filter((w) => w).join(" · "))),
    tableSection(report), scatterSection(report), rankSection(report), pairSection(report), ratesSection(report), costSection(report),
    section("Settings", null, el("div", { class: "fact-tables" }, factTable("Every run", settingFacts(report.settings)),
      factTable("Tasks", tasks.map((t) => [t.name, `${count(t.classes)} classes; ${count(t.train)} + ${count(t.val)} to train on, ${count(t.test)} to test on`])))),
    footer(report.espalier),
  ];
}

function tableSection({ table, tasks }) {
  const words = (title, of) => ({ title, left: true, value: of, text: of });
  const figure = (title, key, text, low) => ({ title, low, value: (row) => row[key], text: (row) => text(row[key]) });
  const accuracy = (task, t) => ({
    title: task.name, value: (row) => row.accuracy[t] && row.accuracy[t].mean,
    text: (row) => withDeviation(row.accuracy[t]),
  });
  const columns = [
    words("method", (row) => row.method), figure("mean", "mean", (x) => fixed(x, 1)), figure("rank", "rank", (x) => fixed(x, 2), true), ...tasks.map(accuracy),
    figure("trainable parameters", "trainable", count, true), figure("share", "percent", percent, true), figure("delta", "delta_bytes", bytes, true),
    figure("s per epoch", "seconds_per_epoch", short, true), figure("peak memory", "peak_mb", (x) => bytes(1e6 * x), true), figure("scoring s", "score_seconds", short, true),
  ];
  const some = columns.filter((column, i) => i < 1 || table.some((row) => isNumber(column.value(row))));
  const by = some.findIndex((column) => column.title === "mean");
  return section("Results", "Test accuracy in percent, top-1, with the standard deviation over seeds. A click on a heading sorts.",
    sortableTable("Results by method", some, table, Math.max(0, by)));
}

function withDeviation(accuracy) {
  if (!accuracy || !isNumber(accuracy.mean)) return "–";
  return fixed(accuracy.mean, 1) + (accuracy.sd > 0 ? " ± " + fixed(accuracy.sd, 1) : "");
}

function scatterSection({ table, tasks }) {
  const points = (of) => table.filter((row) => row.trainable > 0 && isNumber(of(row).y)).map((row) => ({ label: row.method, x: row.trainable, ...of(row) }));
  const views = [["mean over tasks", (row) => ({ y: row.mean, sd: meanDeviation(row) })],
    ...tasks.map((task, t) => [task.name, (row) => ({ y: row.accuracy[t] && row.accuracy[t].mean, sd: row.accuracy[t] && row.accuracy[t].sd })])];
  const plot = scatterPlot("Test accuracy in %", points(views[0][1]));
  return section("Accuracy against trainable parameters", "Bars show one standard deviation over seeds; for the mean over tasks, that of the tasks together.",
    picker("Task", views.map(([name]) => name), 0, (i) => plot.show(points(views[i][1]))), plot);
}

/** The deviation of a mean over tasks whose runs are independent. */
function meanDeviation(row) {
  const deviations = row.accuracy.map((a) => a && a.sd).filter(isNumber);
  return deviations.length ? Math.sqrt(deviations.reduce((sum, sd) => sum + sd * sd, 0)) / deviations.length : undefined;
}

function rankSection({ table }) {
  const rows = table.filter((row) => isNumber(row.rank)).sort((a, b) => a.rank - b.rank);
  if (rows.length === 0) return null;
  return section("Ranks", "The mean over tasks of the rank by accuracy; 1 is best, ties share their ranks.",
    plainBars(null, rows.map((row) => ({ label: row.method, value: row.rank, text: fixed(row.rank, 2) }))));
}

function pairSection({ pairs }) {
  if (pairs.length === 0) return null;
  const words = (title, key) => ({ title, left: true, value: (p) => p[key], text: (p) => p[key] });
  const figure = (title, key, text, low) => ({ title, low, value: (p) => p[key], text: (p) => text(p[key]) });
  const signed = (x) => (isNumber(x) ? (x > 0 ? "+" : x < 0 ? "−" : "") + fixed(Math.abs(x), 2) : "–");
  const columns = [words("method", "a"), words("against", "b"), figure("mean difference", "mean_difference", signed), figure("better", "wins", count),
    figure("equal", "ties", count), figure("worse", "losses", count), figure("p", "p", (x) => fixed(x, 3), true)];
  return section("Pairs", "Differences of test accuracy in points, task by task; p is of the exact two-sided Wilcoxon signed-rank test over tasks. Few tasks cannot give a small p.",
    sortableTable("Pairs of methods", columns, pairs, 6));
}

function costSection({ table }) {
  const bars = (title, key, text) => plainBars(title, table.map((row) => ({ label: row.method, value: row[key], text: text(row[key]) })));
  const charts = [bars("Seconds per epoch", "seconds_per_epoch", short), bars("Peak memory", "peak_mb", (x) => bytes(1e6 * x)), bars("Scoring and selecting, seconds", "score_seconds", short)];
  return section("Time and memory", null, el("div", { class: "charts" }, charts.filter((c) => c)));
}
