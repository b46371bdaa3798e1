// Horizontal bars with a name in front and a figure behind.
"use strict";

/** `rows`: {label, text, parts: [{value, hue, caption}]}; the longest row fills the width. */
function barChart(title, rows, hint) {
  const total = (row) => row.parts.reduce((sum, part) => sum + part.value, 0);
  const longest = Math.max(...rows.map(total));
  const line = hint ? readout(hint) : null;
  const list = el("div", { class: "bars" });
  for (const row of rows) {
    const bar = el("div", { class: "bar" });
    for (const part of row.parts) {
      if (!(part.value > 0)) continue;
      const piece = el("span", { class: "piece " + part.hue });
      piece.style.width = (100 * part.value) / longest + "%";
      if (line) piece.addEventListener("pointerenter", () => (line.textContent = part.caption));
      bar.append(piece);
    }
    list.append(el("div", { class: "bar-label", title: row.label }, row.label), bar, el("div", { class: "bar-value" }, row.text));
  }
  return el("figure", { class: "chart" }, title ? el("figcaption", {}, title) : null, list, line);
}

/** Bars of one colour: `rows` are {label, value, text}; those without a value are left out. */
function plainBars(title, rows) {
  const some = rows.filter((row) => isNumber(row.value));
  if (some.length === 0) return null;
  return barChart(title, some.map((row) => ({ label: row.label, text: row.text, parts: [{ value: row.value, hue: "blue" }] })));
}

/** The names of colours. */
function hueKey(entries) {
  return el("p", { class: "hue-key" }, entries.map(([name, hueName]) =>
    el("span", {}, el("span", { class: "swatch " + hueName, "aria-hidden": "true" }), name)));
}
