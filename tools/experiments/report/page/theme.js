// The colours of style.css for what is drawn, and a call to draw again when they change.
"use strict";

const redraws = [];
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => redraws.forEach((draw) => draw()));

/** Draws now, and again whenever light turns dark. */
function drawn(draw) {
  redraws.push(draw);
  draw();
}

/** The colour called --name. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

/** Colours that tell lines and bars apart, for colour-blind readers too (Okabe and Ito 2008). */
const kHues = ["blue", "orange", "green", "purple", "yellow", "sky"];
function hue(i) {
  return kHues[i % kHues.length];
}
