// The settings of a run and what came of it, in figures.
"use strict";

function factsSection(report) {
  const results = el("div", {}, factTable("Results", resultFacts(report)), trainedTable(report));
  return section("Settings and results", null, el("div", { class: "fact-tables" }, results, factTable("Settings", settingFacts(report.config))));
}

function resultFacts({ result, config }) {
  if (!result) return [["result", "the run has not ended"]];
  const facts = [];
  for (const split of ["test", "val"]) {
    const figures = result[split];
    if (!figures) continue;
    facts.push([`${split} top-1`, percentOf(figures.top1)], [`${split} top-5`, percentOf(figures.top5)], [`${split} loss`, fixed(figures.loss, 4)],
      [`${split} calibration error`, fixed(figures.ece, 4)], [`${split} images`, count(figures.images)]);
  }
  facts.push(["trainable parameters", `${count(result.trainable)} of ${count(result.total)}`], ["share of all parameters", percent((100 * result.trainable) / result.total)],
    ["delta", bytes(result.delta_bytes)], ["peak memory", bytes(1e6 * result.peak_mb)], ["time in all", duration(result.seconds)]);
  for (const [phase, seconds] of Object.entries(result.phases || {})) facts.push([phaseName(phase), duration(seconds)]);
  facts.push(["threads", String(config.threads)], ["images skipped", count(result.skipped)]);
  return facts;
}

function phaseName(phase) {
  return "– " + (phase === "data" ? "waiting for images" : phase);
}

function percentOf(x) {
  return fixed(x, 2) + (isNumber(x) ? " %" : "");
}

/** The trained parameters, those of all blocks together. */
function trainedTable(report) {
  const trained = report.trained || [];
  if (trained.length === 0) return null;
  return factTable("Trained parameters", trained.map((group) => [group.name, count(group.values) + (group.parameters > 1 ? ` in ${group.parameters} tensors` : "")]));
}

/** Every option that has a value; those of the method under its name. */
function settingFacts(config) {
  const facts = [];
  for (const [name, value] of Object.entries(config)) {
    if (name === "method_options" || name === "preprocessing") {
      for (const [inner, text] of Object.entries(value || {})) facts.push([`${name === "preprocessing" ? name : config.method} ${inner}`, settingText(text)]);
    } else if (settingText(value) !== "") {
      facts.push([name, settingText(value)]);
    }
  }
  return facts;
}

function settingText(value) {
  if (Array.isArray(value)) return value.map(settingText).join(", ");
  if (typeof value === "object" && value !== null) return JSON.stringify(value);
  return value === null || value === undefined ? "" : String(value);
}
