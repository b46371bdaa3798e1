// Where the squared gradient lies, whether it was chosen or not.
"use strict";

function energySection(report) {
  const matrices = report.selection || [];
  const total = matrices.reduce((sum, m) => sum + m.squares, 0);
  if (!(total > 0)) return null;
  const grid = matrixGrid(matrices);
  const part = (matrix, hueName) => ({ value: matrix.squares / total, hue: hueName, caption: `${matrix.name}: ${percent((100 * matrix.squares) / total)} of all` });
  const row = (label, parts) => ({ label, parts, text: percent(100 * parts.reduce((sum, p) => sum + p.value, 0)) });
  const rows = grid.outside.map((m) => row(m.name.replace(/\.weight$/, ""), [part(m, "plain")]));
  grid.blocks.forEach((block, b) => {
    const parts = grid.kinds.map((_, k) => [grid.of(b, k), hue(k)]).filter(([m]) => m);
    rows.push(row("block " + block, parts.map(([m, hueName]) => part(m, hueName))));
  });
  return section("Where the squared gradient lies",
    "The share of every matrix in the sum of squares of the gradient that was scored, chosen or not." + ofEstimates(report.config),
    hueKey(grid.kinds.map((kind, k) => [kind, hue(k)])), barChart(null, rows, "Point at a part of a bar."));
}
