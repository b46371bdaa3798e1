// A table that is sorted by a click on the head of a column.
"use strict";

/**
 * `columns`: {title, value(row), text(row), left (for words), low (true where less is better)}; a value is what is
 * sorted by. `sorted` is the column it begins with.
 */
function sortableTable(label, columns, rows, sorted) {
  const body = el("tbody", {});
  const heads = columns.map((column, i) =>
    el("th", { scope: "col", class: column.left ? "left" : null }, el("button", { type: "button", onclick: () => sort(i) }, column.title))
  );
  let by = -1;
  let descending = false;
  const sort = (i) => {
    descending = i === by ? !descending : !columns[i].left && !columns[i].low;
    by = i;
    heads.forEach((head, j) => {
      if (j === i) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    body.replaceChildren(...[...rows].sort((a, b) => order(columns[i].value(a), columns[i].value(b), descending)).map((row) => tableRow(columns, row)));
  };
  sort(sorted);
  return scroller(label, el("table", { class: "figures" }, el("thead", {}, el("tr", {}, heads)), body));
}

function tableRow(columns, row) {
  return el("tr", {}, columns.map((column, i) =>
    el(i === 0 ? "th" : "td", { scope: i === 0 ? "row" : null, class: column.left ? "left" : null }, column.text(row))));
}

/** What is missing stands last either way. */
function order(a, b, descending) {
  const missing = (x) => x === null || x === undefined || Number.isNaN(x);
  if (missing(a) || missing(b)) return missing(a) - missing(b);
  const rising = typeof a === "string" ? a.localeCompare(b) : a - b;
  return descending ? -rising : rising;
}

/** A plain table of names and values. */
function factTable(caption, facts) {
  return el("table", { class: "facts" }, el("caption", {}, caption),
    el("tbody", {}, facts.map(([name, value]) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value)))));
}
