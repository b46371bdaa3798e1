// The report of a run.
"use strict";

function runReport(report) {
  const { config, result } = report;
  const data = String(config.data || config.data_root || "").replace(/\/+$/, "").split("/").pop() || "data";
  const arch = String(config.arch_found || config.arch || "");
  document.title = `${data}, ${config.method}: espalier report`;
  return [
    el("header", {}, el("p", { class: "kicker" }, "Fine-tuning run"), el("h1", {}, `${config.method} on ${data}`),
      el("p", { class: "lead" }, [arch, report.name].filter((word) => word).join(" · "))),
    headline(result),
    curvesSection(report), confusionSection(report), classesSection(report), mistakesSection(report), selectionSection(report), energySection(report), factsSection(report),
    footer(config.version),
  ];
}

/** The figures that are looked for first. */
function headline(result) {
  if (!result) return el("p", { class: "lead" }, "The run has not ended. This is what there is so far.");
  const split = result.test ? "test" : "val";
  const figures = [
    result[split] ? [percentOf(result[split].top1), `${split} accuracy, ${count(result[split].images)} images`] : null,
    [percent((100 * result.trainable) / result.total), `of the parameters trained: ${count(result.trainable)}`],
    [bytes(result.delta_bytes), "delta"],
    [duration(result.seconds), "in all"],
    [bytes(1e6 * result.peak_mb), "peak memory"],
  ];
  return el("dl", { class: "headline" }, figures.filter((f) => f).map(([value, name]) => el("div", {}, el("dd", {}, value), el("dt", {}, name))));
}

function footer(version) {
  return el("footer", {}, `Made by espalier ${version || ""}. Charts: uPlot, MIT licence. Nothing in this page is loaded from elsewhere.`);
}
