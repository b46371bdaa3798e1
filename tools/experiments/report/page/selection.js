// Where the selection fell: blocks x matrices, and what lies inside the one that the reader picks.
"use strict";

/** The matrices of a selection by block and kind; what is in no block has its own row. */
function matrixGrid(matrices) {
  const placed = matrices.map((matrix) => {
    const match = /^(.*?)(\d+)\.(.+?)(\.weight)?$/.exec(matrix.name);
    return match ? { matrix, block: match[2], kind: match[3] } : { matrix, block: "", kind: matrix.name.replace(/\.weight$/, "") };
  });
  const inBlocks = placed.filter((p) => p.block !== "");
  const outside = placed.filter((p) => p.block === "");
  const blocks = [...new Set(inBlocks.map((p) => p.block))];
  const order = ["attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"];
  const rank = (kind) => (order.includes(kind) ? order.indexOf(kind) : order.length);
  const kinds = [...new Set(inBlocks.map((p) => p.kind))].sort((a, b) => rank(a) - rank(b));
  const at = new Map(inBlocks.map((p) => [p.block + " " + p.kind, p.matrix]));
  return { blocks, kinds, outside: outside.map((p) => p.matrix), of: (b, k) => at.get(blocks[b] + " " + kinds[k]) };
}

function selectionSection(report) {
  const matrices = report.selection;
  if (!matrices || matrices.length === 0) return null;
  const grid = matrixGrid(matrices);
  const squares = matrices.reduce((sum, m) => sum + m.squares, 0);
  const modes = selectionModes(matrices, squares);
  let mode = modes[0];
  const largest = () => Math.max(...matrices.map(mode.value)) || 1;
  const detail = el("div", {});
  const show = (i) => {
    detail.replaceChildren(unitsOf(matrices[i]));
    list.choose(i);
    for (const place of places) place.sync(matrices[i]);
  };
  const list = picker("Matrix", matrices.map((m) => m.name), 0, show);
  const key = rampKey("0", "");
  const hint = "Cells hold percent. Point at one, or go to it with the arrow keys.";
  const line = readout(hint);
  const places = selectionGrids(grid, { hint, line, share: (m) => mode.value(m) / largest(), text: (m) => mode.text(m), caption, pick: (m) => show(matrices.indexOf(m)) });
  const repaint = () => {
    places.forEach((place) => place.paint());
    key.relabel(mode.key(largest()));
  };
  const modePicker = choice("What the colour shows", modes.map((m) => m.title), (i) => {
    mode = modes[i];
    repaint();
  });
  repaint();
  show(matrices.findIndex((m) => grid.blocks.length === 0 || m === grid.of(0, 0)));
  return section("Where the selection fell", "What was chosen of every matrix, by blocks from input to output. Choose a cell to see inside the matrix." + ofEstimates(report.config),
    el("div", { class: "split" }, el("div", {}, modePicker, ...places, line, key), el("div", {}, list, detail)));
}

/** That a matrix's squared gradient is an estimate, where no whole gradient was summed up. */
function ofEstimates(config) {
  const options = config.method_options || {};
  const scored = ["score-sketch", "score-candidates"].filter((name) => Number(options[name]) > 0 && !(name === "score-candidates" && options["score-batches"] === "1"));
  return scored.length > 0 ? ` With ${scored[0]} the squared gradient of a matrix is an estimate.` : "";
}

function selectionModes(matrices, squares) {
  const share = (m) => m.values / (m.rows * m.columns);
  const modes = [{ title: "share of the values", value: share, text: (m) => brisk(100 * share(m)), key: (t) => percent(100 * t) + " of the matrix's values" }];
  if (squares > 0) {
    modes.unshift({ title: "share of the squared gradient", value: (m) => m.energy, text: (m) => brisk(100 * m.energy), key: (t) => percent(100 * t) + " of the matrix's squared gradient" });
  }
  return modes;
}

/** A percentage for a small cell, without its sign. */
function brisk(x) {
  return x >= 10 ? x.toFixed(0) : String(Number(x.toPrecision(2)));
}

function caption(matrix) {
  const share = percent((100 * matrix.values) / (matrix.rows * matrix.columns));
  const parts = [`${matrix.name}: ${count(matrix.units)} ${matrix.kind}, ${count(matrix.values)} values, ${share} of the matrix`];
  if (matrix.squares > 0) parts.push(`${percent(100 * matrix.energy)} of its squared gradient`);
  return parts.join(", ");
}

/** Heat maps of the matrices in blocks and of those outside. */
function selectionGrids(grid, look) {
  const places = [];
  const add = (label, corner, rows, columns, of) => {
    const box = heatGrid({
      label, corner, rows, columns, hint: look.hint, line: look.line,
      share: (r, c) => (of(r, c) ? look.share(of(r, c)) : null), text: (r, c) => look.text(of(r, c)),
      caption: (r, c) => look.caption(of(r, c)), pick: (r, c) => look.pick(of(r, c)),
    });
    box.sync = (matrix) => {
      const at = rows.flatMap((_, r) => columns.map((_, c) => [r, c])).find(([r, c]) => of(r, c) === matrix);
      box.mark(...(at || [-1, -1]));
    };
    places.push(box);
  };
  if (grid.blocks.length > 0) add("Selection by block and matrix", "block", grid.blocks, grid.kinds, grid.of);
  if (grid.outside.length > 0) add("Selection outside the blocks", "", [""], grid.outside.map((m) => m.name.replace(/\.weight$/, "")), (_, c) => grid.outside[c]);
  return places;
}
