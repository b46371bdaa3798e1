// How the learning rate was chosen: accuracy on val over the rates that were tried, one method at a time.
"use strict";

function ratesSection(report) {
  const methods = report.table.map((row) => row.method).filter((method) => report.search.some((run) => run[1] === method));
  if (methods.length === 0) return null;
  const place = el("div", {});
  const show = (i) => place.replaceChildren(...rateFigure(report, methods[i]));
  show(0);
  return section("The choice of the learning rate",
    "Each rate was trained on train and evaluated on val. The best one was then trained on train and val, and tested.",
    picker("Method", methods, 0, show), place);
}

function rateFigure(report, method) {
  const row = report.table.find((r) => r.method === method);
  const chosen = report.tasks.map((task, t) => [task.name, row.lr[t]]).filter(([, lr]) => isNumber(lr));
  const lines = report.tasks.map((task, t) => {
    const tried = new Map();  // the mean over seeds, where there are several
    for (const [name, label, lr, top1, stopped] of report.search) {
      if (name === task.name && label === method && !stopped) tried.set(lr, [...(tried.get(lr) || []), top1]);
    }
    const xs = [...tried.keys()].sort((a, b) => a - b);
    return { label: task.name, hue: hue(t), xs, ys: xs.map((lr) => meanOf(tried.get(lr))), points: true };
  });
  const chart = lineChart({ title: "Top-1 on val in %", x: "learning rate", log: true, digits: (v) => fixed(v, 1), lines });
  const stopped = report.search.filter((run) => run[1] === method && run[4])
    .map(([name, , lr, top1, epochs]) => `${name} ${short(lr)} after epoch ${epochs} (${fixed(top1, 1)} %)`);
  const notes = ["Chosen: " + (chosen.map(([name, lr]) => `${name} ${short(lr)}`).join(", ") || "none yet") + "."];
  if (stopped.length) notes.push("Stopped on the way, and not among the points: " + stopped.join(", ") + ".");
  return [chart, ...notes.map((text) => el("p", { class: "note" }, text))].filter((x) => x);
}
