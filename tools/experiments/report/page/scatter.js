// Accuracy against trainable parameters, on a logarithmic axis, with a bar for the deviation over seeds.
"use strict";

/** `points`: {label, x, y, sd}; x above 0. A name stands beside its point, where it meets no other. */
function scatterPlot(title, points) {
  const drawing = svg("svg", { role: "img", class: "scatter" });
  const line = readout("");
  const box = el("figure", { class: "chart" }, el("figcaption", {}, title), drawing, line);
  let shown = points;
  let width = 0;
  const draw = () => {
    drawing.replaceChildren();
    if (width > 0 && shown.length > 0) drawScatter(drawing, shown, width, (text) => (line.textContent = text));
    const words = shown.map((p) => `${p.label} ${fixed(p.y, 1)} % with ${count(p.x)} parameters`);
    drawing.setAttribute("aria-label", title + ": " + words.join("; "));
    line.textContent = shown.length > 0 ? "Point at a method." : "No results yet.";
  };
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    draw();
  }).observe(box);
  box.show = (others) => {
    shown = others;
    draw();
  };
  return box;
}

const kPlot = { height: 380, left: 46, right: 14, top: 12, bottom: 44 };

function drawScatter(drawing, points, width, say) {
  drawing.setAttribute("viewBox", `0 0 ${width} ${kPlot.height}`);
  drawing.style.height = kPlot.height + "px";
  const xs = points.map((p) => Math.log10(p.x));
  const lows = points.map((p) => p.y - (p.sd || 0));
  const highs = points.map((p) => p.y + (p.sd || 0));
  const x = axisOf(Math.min(...xs) - 0.25, Math.max(...xs) + 0.25, kPlot.left, width - kPlot.right);
  const pad = Math.max(0.5, 0.08 * (Math.max(...highs) - Math.min(...lows)));
  const y = axisOf(Math.min(...lows) - pad, Math.max(...highs) + pad, kPlot.height - kPlot.bottom, kPlot.top);
  drawAxes(drawing, x, y, width);
  const taken = points.map((p) => around(x.at(Math.log10(p.x)), y.at(p.y), 7));
  points.forEach((p) => drawPoint(drawing, p, x.at(Math.log10(p.x)), y, say));
  points.forEach((p) => drawName(drawing, p.label, x.at(Math.log10(p.x)), y.at(p.y), taken, width));
}

/** Places between two ends, the values `low` to `high`. */
function axisOf(low, high, from, to) {
  return { low, high, from, to, at: (value) => from + ((value - low) / (high - low || 1)) * (to - from) };
}

function drawAxes(drawing, x, y, width) {
  const text = (at, down, anchor, words) => svg("text", { x: at, y: down, "text-anchor": anchor, class: "tick" }, words);
  for (const tick of roundTicks(y.low, y.high, 6)) {
    drawing.append(svg("line", { x1: kPlot.left, x2: width - kPlot.right, y1: y.at(tick), y2: y.at(tick), class: "gridline" }), text(kPlot.left - 8, y.at(tick) + 4, "end", String(Number(tick.toFixed(6)))));
  }
  for (let power = Math.ceil(x.low); power <= x.high; power++) {
    drawing.append(svg("line", { x1: x.at(power), x2: x.at(power), y1: kPlot.top, y2: kPlot.height - kPlot.bottom, class: "gridline" }), text(x.at(power), kPlot.height - kPlot.bottom + 18, "middle", brief(10 ** power)));
  }
  drawing.append(text((kPlot.left + width) / 2, kPlot.height - 6, "middle", "trainable parameters"));
}

/** About `most` round numbers between two ends. */
function roundTicks(low, high, most) {
  const rough = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return ticks;
}

function drawPoint(drawing, p, left, y, say) {
  const group = svg("g", { class: "point" });
  if (p.sd > 0) group.append(svg("line", { x1: left, x2: left, y1: y.at(p.y - p.sd), y2: y.at(p.y + p.sd) }));
  group.append(svg("circle", { cx: left, cy: y.at(p.y), r: 5 }));
  const deviation = p.sd > 0 ? ` ± ${fixed(p.sd, 1)}` : "";
  const words = `${p.label}: ${fixed(p.y, 1)}${deviation} %, ${count(p.x)} parameters`;
  const show = () => say(words);
  for (const kind of ["pointerenter", "pointerdown"]) group.addEventListener(kind, show);
  drawing.append(group);
}

const around = (x, y, r) => ({ left: x - r, right: x + r, top: y - r, bottom: y + r });
const meets = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** Tries places around the point, and takes the first that is free; none is better than one over another. */
function drawName(drawing, label, x, y, taken, width) {
  const kLetter = 6.6;
  const long = label.length > 22 ? label.slice(0, 21) + "…" : label;
  const wide = long.length * kLetter;
  const places = [[10, 4, "start"], [-10, 4, "end"], [0, -11, "middle"], [0, 20, "middle"], [9, -9, "start"], [9, 17, "start"], [-9, -9, "end"], [-9, 17, "end"],
    [10, 26, "start"], [10, -20, "start"], [-10, 26, "end"], [-10, -20, "end"]];
  for (const [dx, dy, anchor] of places) {
    const left = x + dx - (anchor === "end" ? wide : anchor === "middle" ? wide / 2 : 0);
    const frame = { left, right: left + wide, top: y + dy - 11, bottom: y + dy + 3 };
    const inside = frame.left >= kPlot.left && frame.right <= width && frame.top >= 0 && frame.bottom <= kPlot.height - kPlot.bottom;
    if (!inside || taken.some((other) => meets(frame, other))) continue;
    taken.push(frame);
    drawing.append(svg("text", { x: x + dx, y: y + dy, "text-anchor": anchor, class: "name" }, long));
    return;
  }
}
