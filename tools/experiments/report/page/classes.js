// How well each class is found: precision, recall and F1, and their means.
"use strict";

function classesSection(report) {
  const split = ["test", "val"].find((name) => report.result && report.result[name] && report.result[name].report);
  if (!split) return null;
  const { report: figures, macro, weighted } = report.result[split];
  const rows = Object.entries(figures).map(([name, of]) => ({ name, ...of }));
  const figure = (title, key) => ({ title, low: true, value: (row) => row[key], text: (row) => percentOf(row[key]) });
  const columns = [
    { title: "class", left: true, value: (row) => row.name, text: (row) => row.name },
    figure("precision", "precision"), figure("recall", "recall"), figure("F1", "f1"),
    { title: "images", value: (row) => row.support, text: (row) => count(row.support) },
  ];
  const note = `Of the ${split} split. Precision is the share of right answers among those that named a class, recall the share of its images that were ` +
    "found, F1 their harmonic mean. A click on a heading sorts.";
  return section("Classes", note, sortableTable("Figures by class", columns, rows, 3),
    factTable("Means over classes", [["each class counts as one", meansText(macro)], ["each image counts as one", meansText(weighted)]]));
}

function meansText(means) {
  if (!means) return "–";
  return `precision ${percentOf(means.precision)}, recall ${percentOf(means.recall)}, F1 ${percentOf(means.f1)}`;
}
