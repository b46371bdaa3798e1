// Lines over a common axis, by uPlot.
"use strict";

const kChartHeight = 220;

/**
 * `spec`: title, x (name of the axis), log (of the axis), digits(value) for the figures, and lines: {label, hue,
 * xs, ys, points}. Lines without a value are left out; null when none is left.
 */
function lineChart(spec) {
  const lines = spec.lines.filter((line) => line.ys.some(isNumber));
  if (lines.length === 0) return null;
  const data = uPlot.join(lines.map((line) => [line.xs, line.ys]));
  const plot = el("div", { class: "plot", tabindex: 0, role: "img", "aria-label": describe(spec, lines) });
  const box = el("figure", { class: "chart" }, el("figcaption", {}, spec.title), plot);
  let chart = null;
  const draw = () => {
    if (chart) chart.destroy();
    chart = new uPlot(chartOptions(spec, lines, plot.clientWidth || 320), data, plot);
  };
  new ResizeObserver(() => {
    if (!chart) drawn(draw);
    else if (chart.width !== plot.clientWidth) chart.setSize({ width: plot.clientWidth, height: kChartHeight });
  }).observe(plot);
  plot.addEventListener("keydown", (event) => moveCursor(event, chart));
  return box;
}

/** The chart in words. */
function describe(spec, lines) {
  const last = (line) => line.ys.filter(isNumber).at(-1);
  return spec.title + " over " + spec.x + "; at the end " + lines.map((l) => l.label + " " + spec.digits(last(l))).join(", ");
}

function chartOptions(spec, lines, width) {
  const axis = { stroke: colour("muted"), grid: { stroke: colour("rule"), width: 1 }, ticks: { stroke: colour("rule"), width: 1, size: 4 } };
  axis.font = "12px system-ui, sans-serif";
  return {
    width, height: kChartHeight,
    padding: [8, 12, 0, 0],
    scales: { x: { time: false, distr: spec.log ? 3 : 1, range: spec.log ? widened : fromZero } },
    axes: [
      { ...axis, grid: { ...axis.grid, show: !spec.log }, space: 60, size: 34, values: (_, ticks) => ticks.map((v) => (v === null ? "" : spec.log ? short(v) : brief(v))) },
      { ...axis, size: 52, values: (_, ticks) => ticks.map((v) => (v === null ? "" : short(v))) },
    ],
    series: [
      { label: spec.x, value: (chart, v) => (spec.log ? short : count)(v ?? chart.data[0].at(-1)) },
      ...lines.map((line) => ({
        label: line.label, stroke: colour(line.hue), width: line.thin ? 1 : 2, spanGaps: true,
        points: { show: Boolean(line.points), size: 6, fill: colour("ground") },
        value: (chart, v, i, at) => figureAt(chart.data[i], v, at, spec.digits),
      })),
    ],
    cursor: { points: { size: 7 }, drag: { x: false, y: false } },
    legend: { live: true },
  };
}

/** The figure under the cursor; without a cursor the last there is. */
function figureAt(ys, value, at, digits) {
  const shown = at === null || at === undefined ? ys.filter(isNumber).at(-1) : value;
  return isNumber(shown) ? digits(shown) : "–";
}

function fromZero(_, low, high) {
  return [0, high > 0 ? high : 1];
}

/** A logarithmic axis with some room at both ends, so that the outer points are whole. */
function widened(_, low, high) {
  return [low / 1.6, high * 1.6];
}

/** The arrow keys move the cursor from point to point. */
function moveCursor(event, chart) {
  if (!chart || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
  event.preventDefault();
  const xs = chart.data[0];
  const from = chart.cursor.idx === null || chart.cursor.idx === undefined ? -1 : chart.cursor.idx;
  const to = Math.min(xs.length - 1, Math.max(0, from + (event.key === "ArrowRight" ? 1 : -1)));
  chart.setCursor({ left: chart.valToPos(xs[to], "x"), top: chart.over.clientHeight / 2 });
}
