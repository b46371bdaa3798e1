// A table of coloured cells. Each is a button: the pointer, a finger or the arrow keys show its figures.
"use strict";

/**
 * `spec`: label, corner, rows, columns (texts); share(r, c) in [0, 1] or null for no cell; text(r, c) shown in it;
 * caption(r, c) for the readout, which is `line` or one of its own; pick(r, c) when it is chosen. Call paint() when the
 * answers change.
 */
function heatGrid(spec) {
  const line = spec.line || readout(spec.hint);
  const cells = spec.rows.map((_, r) =>
    spec.columns.map((_, c) => (spec.share(r, c) === null ? null : cellButton(spec, r, c, line)))
  );
  const head = el("tr", {}, el("th", { class: "corner" }, spec.corner || ""));
  head.append(...spec.columns.map((name) => el("th", { scope: "col", title: name }, el("span", {}, name))));
  const body = spec.rows.map((name, r) =>
    el("tr", {}, el("th", { scope: "row", title: name }, el("span", {}, name)), cells[r].map((cell) => el("td", {}, cell)))
  );
  const table = el("table", { class: "heat" + (spec.columns.length > 8 ? " dense" : "") }, el("thead", {}, head), el("tbody", {}, body));
  table.addEventListener("keydown", (event) => walk(event, cells));
  cells.flat().find((cell) => cell).tabIndex = 0;

  const box = el("div", {}, el("div", { class: "scroll", role: "region", "aria-label": spec.label }, table), spec.line ? null : line);
  box.paint = () => {
    const paint = ramp();
    cells.forEach((row, r) => row.forEach((cell, c) => cell && paintCell(cell, paint(spec.share(r, c)), spec.text(r, c))));
    line.textContent = spec.hint;
  };
  /** Shows which cell is picked; none where there is no such cell. */
  box.mark = (r, c) => {
    const picked = cells[r] && cells[r][c];
    for (const cell of cells.flat()) if (cell) cell.setAttribute("aria-pressed", cell === picked);
    if (picked) makeCurrent(cells, picked);
  };
  drawn(box.paint);
  return box;
}

function cellButton(spec, r, c, line) {
  const show = () => (line.textContent = spec.caption(r, c));
  return el("button", {
    type: "button", tabindex: -1, "aria-label": spec.caption(r, c), onfocus: show, onpointerenter: show,
    onclick: () => { show(); if (spec.pick) spec.pick(r, c); },
  });
}

function paintCell(cell, look, text) {
  cell.style.background = look.paint;
  cell.style.color = look.ink;
  cell.textContent = text;
}

/** One cell is reached by the tabulator, the others from it. */
function makeCurrent(cells, current) {
  for (const cell of cells.flat()) if (cell) cell.tabIndex = cell === current ? 0 : -1;
}

const kSteps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function walk(event, cells) {
  const step = kSteps[event.key];
  if (!step) return;
  event.preventDefault();
  let r = cells.findIndex((row) => row.includes(event.target));
  let c = cells[r].indexOf(event.target);
  do (r += step[0]), (c += step[1]);
  while (cells[r] && c >= 0 && c < cells[r].length && !cells[r][c]);
  if (!cells[r] || !cells[r][c]) return;
  makeCurrent(cells, cells[r][c]);
  cells[r][c].focus();
}
