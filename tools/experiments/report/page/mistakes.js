// The images whose true class got the lowest probability.
"use strict";

function mistakesSection(report) {
  const mistakes = report.mistakes || [];
  if (mistakes.length === 0) return null;
  const note = `Of the ${report.evaluated} split, those whose true class got the lowest probability.`;
  return section("Most wrong", note, el("div", { class: "mistakes" }, mistakes.map(mistakeCard)));
}

function mistakeCard(mistake) {
  const safe = typeof mistake.image === "string" && mistake.image.startsWith("data:image/jpeg;base64,");
  const image = safe ? el("img", { src: mistake.image, alt: "an image of class " + mistake.class }) : el("span", { class: "no-image" }, "no image");
  return el("figure", { class: "mistake", title: mistake.file }, el("div", { class: "frame" }, image), el("figcaption", {},
    chance(mistake.predicted, mistake.p_predicted, "orange", "predicted"), chance(mistake.class, mistake.p_class, "blue", "true")));
}

/** A class with its probability as a bar. */
function chance(name, probability, hueName, role) {
  const piece = el("span", { class: "piece " + hueName });
  piece.style.width = 100 * probability + "%";
  return el("div", { class: "chance" },
    el("div", { class: "chance-name" }, el("span", { class: "role" }, role + " "), name),
    el("div", { class: "chance-bar" }, el("div", { class: "bar" }, piece), el("span", {}, percent(100 * probability))));
}
