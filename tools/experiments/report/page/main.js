// Reads what the page holds and shows it.
"use strict";

{
  const report = JSON.parse(document.getElementById("data").textContent);
  const parts = report.kind === "comparison" ? comparisonReport(report) : runReport(report);
  document.getElementById("report").replaceChildren(...parts.filter((part) => part));
}
