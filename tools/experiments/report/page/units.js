// Inside one matrix: which rows or columns were chosen, or how the chosen elements lie.
"use strict";

function unitsOf(matrix) {
  const box = el("div", { class: "units" }, el("p", { class: "note" }, caption(matrix) + "."));
  const kind = matrix.kind === "rows" ? "row" : "column";
  if (matrix.at) {
    box.append(unitStrip(kind, matrix[kind + "s"], matrix.at, matrix.scores), unitList(kind, matrix));
    return box;
  }
  for (const [name, bins, length] of [["row", matrix.per_row, matrix.rows], ["column", matrix.per_column, matrix.columns]]) {
    if (bins) box.append(countStrip(name, bins, length));
  }
  return box;
}

const kStripWidth = 480;
const kStripHeight = 72;

/** A line as long as the matrix has rows or columns, with a stroke for each chosen one, as high as its score. */
function unitStrip(kind, length, at, scores) {
  const top = Math.max(...scores, 0) || 1;
  const strokes = at.map((unit, i) => {
    const x = ((unit + 0.5) / length) * kStripWidth;
    const height = scores.length ? Math.max(4, ((kStripHeight - 4) * scores[i]) / top) : kStripHeight - 4;
    return svg("line", { x1: x, x2: x, y1: kStripHeight, y2: kStripHeight - height, class: "stroke" });
  });
  return strip(`Chosen ${kind}s of ${count(length)}, as high as their score`, length, strokes);
}

/** How many chosen elements lie in each row or column, or in each few of them. */
function countStrip(kind, bins, length) {
  const top = Math.max(...bins.counts, 1);
  const width = kStripWidth / bins.counts.length;
  const columns = bins.counts.map((n, i) => {
    const height = ((kStripHeight - 4) * n) / top;
    return svg("rect", { x: i * width, y: kStripHeight - height, width: Math.max(width - 0.25, 0.5), height, class: "column" });
  });
  const each = bins.size === 1 ? kind : `${bins.size} ${kind}s`;
  return strip(`Chosen values of each ${each}, at most ${count(top)}`, length, columns);
}

function strip(title, length, marks) {
  const base = svg("line", { x1: 0, x2: kStripWidth, y1: kStripHeight, y2: kStripHeight, class: "base" });
  const drawing = svg("svg", { viewBox: `0 0 ${kStripWidth} ${kStripHeight + 1}`, preserveAspectRatio: "none", role: "img", "aria-label": title, class: "strip" }, base, marks);
  return el("figure", { class: "chart" }, el("figcaption", {}, title), drawing, el("div", { class: "strip-axis" }, el("span", {}, "0"), el("span", {}, count(length - 1))));
}

/** The chosen rows or columns by index, the highest score first. */
function unitList(kind, matrix) {
  const kShown = 24;
  const units = matrix.at.map((unit, i) => ({ unit, score: matrix.scores[i] }));
  units.sort((a, b) => (b.score || 0) - (a.score || 0) || a.unit - b.unit);
  const list = el("ul", { class: "unit-list" }, units.slice(0, kShown).map(({ unit, score }) =>
    el("li", {}, el("b", {}, `${kind} ${unit}`), isNumber(score) ? ` score ${short(score)}` : null)));
  if (units.length > kShown) list.append(el("li", {}, `and ${count(units.length - kShown)} more`));
  return list;
}
