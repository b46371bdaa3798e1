// Which classes are taken for which: the confusion matrix, as a table of few classes and as an image of many.
"use strict";

const kMostCellsWithText = 16;

function confusionSection(report) {
  if (!report.confusion) return null;
  const { split, cells } = report.confusion;
  const classes = report.classes;
  const totals = classes.map(() => 0);
  for (const [truth, , n] of cells) totals[truth] += n;
  const counts = new Map(cells.map(([truth, predicted, n]) => [truth * classes.length + predicted, n]));
  const matrix = {
    classes,
    count: (t, p) => counts.get(t * classes.length + p) || 0,
    share: (t, p) => (totals[t] > 0 ? matrix.count(t, p) / totals[t] : 0),
    caption: (t, p) => `${classes[t]} taken for ${classes[p]}: ${matrix.count(t, p)} of ${totals[t]} (${percent(100 * matrix.share(t, p))})`,
  };
  const figure = classes.length <= kMostCellsWithText ? confusionTable(matrix) : confusionImage(matrix);
  const note = `Of the ${split} split. A row is a true class, a column what was predicted; the colour is the share of the row.`;
  return section("Confusion", note, el("div", { class: "split" },
    el("div", {}, figure, rampKey("0 %", "100 % of the true class")), commonConfusions(matrix, cells)));
}

function confusionTable(matrix) {
  return heatGrid({
    label: "Confusion matrix", corner: "true \\ predicted", rows: matrix.classes, columns: matrix.classes,
    share: matrix.share, text: (t, p) => String(matrix.count(t, p)),
    caption: (t, p) => (t === p ? matrix.caption(t, p).replace(" taken for " + matrix.classes[p], " recognised") : matrix.caption(t, p)),
    hint: "Point at a cell, or go to it with the arrow keys.",
  });
}

/** Every class a line of pixels; figures for the cell under the pointer, or moved to with the arrow keys. */
function confusionImage(matrix) {
  const n = matrix.classes.length;
  const canvas = el("canvas", { class: "matrix", tabindex: 0, role: "img", "aria-label": `Confusion matrix of ${n} classes` });
  const line = readout("Point at a cell, or go to it with the arrow keys.");
  const box = el("div", {}, canvas, line);
  let side = 0;
  let at = [0, 0];
  const draw = () => {
    if (side === 0) return;
    const scale = devicePixelRatio || 1;
    canvas.width = canvas.height = Math.round(side * scale);
    const cell = canvas.width / n;
    const context = canvas.getContext("2d");
    const paint = ramp();
    for (let t = 0; t < n; t++)
      for (let p = 0; p < n; p++) {
        context.fillStyle = paint(matrix.share(t, p)).paint;
        context.fillRect(Math.floor(p * cell), Math.floor(t * cell), Math.ceil(cell), Math.ceil(cell));
      }
    context.strokeStyle = colour("orange");
    context.lineWidth = 2 * scale;
    if (document.activeElement === canvas) context.strokeRect(at[1] * cell, at[0] * cell, cell, cell);
  };
  const show = (t, p) => {
    at = [Math.min(n - 1, Math.max(0, t)), Math.min(n - 1, Math.max(0, p))];
    line.textContent = matrix.caption(...at);
  };
  const point = (event) => show(Math.floor((event.offsetY / canvas.clientHeight) * n), Math.floor((event.offsetX / canvas.clientWidth) * n));
  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerdown", point);
  for (const kind of ["focus", "blur"]) canvas.addEventListener(kind, draw);
  canvas.addEventListener("keydown", (event) => {
    const step = kSteps[event.key];
    if (!step) return;
    event.preventDefault();
    show(at[0] + step[0], at[1] + step[1]);
    draw();
  });
  new ResizeObserver(() => {
    if (canvas.clientWidth === side) return;
    side = canvas.clientWidth;
    draw();
  }).observe(canvas);
  drawn(draw);
  return box;
}

/** The pairs that were mixed up most. */
function commonConfusions(matrix, cells) {
  const kShown = 10;
  const wrong = cells.filter(([t, p]) => t !== p).slice(0, kShown);
  if (wrong.length === 0) return el("p", {}, "No image was taken for another class.");
  const columns = [
    { title: "true class", left: true, value: ([t]) => matrix.classes[t], text: ([t]) => matrix.classes[t] },
    { title: "taken for", left: true, value: ([, p]) => matrix.classes[p], text: ([, p]) => matrix.classes[p] },
    { title: "images", value: ([, , n]) => n, text: ([, , n]) => count(n) },
    { title: "of the class", value: ([t, p]) => matrix.share(t, p), text: ([t, p]) => percent(100 * matrix.share(t, p)) },
  ];
  return el("div", {}, el("h3", {}, "Most frequent"), sortableTable("Most frequent confusions", columns, wrong, 2));
}
