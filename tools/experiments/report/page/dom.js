// Elements. Text goes in as text nodes alone: nothing of a run or its files is ever read as HTML.
"use strict";

/** An element with attributes and children; a function under "on..." becomes a listener. */
function el(tag, attributes, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** The same for a drawing. */
function svg(tag, attributes, ...children) {
  return furnish(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null) element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** A section of the page under a heading, with a sentence on how to read it. */
function section(title, note, ...children) {
  return el("section", {}, el("h2", {}, title), note ? el("p", { class: "note" }, note) : null, ...children);
}

/** A part that may be wider than a phone and then scrolls by itself. */
function scroller(label, ...children) {
  return el("div", { class: "scroll", role: "region", "aria-label": label, tabindex: 0 }, ...children);
}

/** A line on what the pointer, a finger or the keyboard is on. */
function readout(text) {
  return el("p", { class: "readout", "aria-live": "polite" }, text);
}

let lastId = 0;
function freshId() {
  return "n" + ++lastId;
}

/** A labelled list to pick from: `options` are texts, `pick` gets the position. */
function picker(label, options, chosen, pick) {
  const id = freshId();
  const select = el("select", { id, onchange: () => pick(select.selectedIndex) });
  options.forEach((option, i) => select.append(el("option", { value: i }, option)));
  select.selectedIndex = chosen;
  const box = el("div", { class: "picker" }, el("label", { for: id }, label), select);
  box.choose = (i) => (select.selectedIndex = i);
  return box;
}

/** A choice between a few things, side by side. */
function choice(label, options, pick) {
  const name = freshId();
  const group = el("div", { class: "choice", role: "radiogroup", "aria-label": label });
  options.forEach((option, i) => {
    const id = freshId();
    const input = el("input", { type: "radio", name, id, onchange: () => pick(i) });
    input.checked = i === 0;
    group.append(input, el("label", { for: id }, option));
  });
  return group;
}
