// Numbers as people read them.
"use strict";

const isNumber = (x) => typeof x === "number" && Number.isFinite(x);

/** 57,797 */
function count(x) {
  return isNumber(x) ? Math.round(x).toLocaleString("en-US") : "–";
}

/** With this many digits behind the point. */
function fixed(x, digits) {
  return isNumber(x) ? x.toFixed(digits).replace(/^-(?=0(\.0*)?$)/, "") : "–";
}

/** With three significant digits, in the shortest form: 0.00123, 4.5e-7. */
function short(x) {
  if (!isNumber(x)) return "–";
  if (x === 0) return "0";
  return Math.abs(x) >= 1e-4 && Math.abs(x) < 1e6 ? String(Number(x.toPrecision(3))) : x.toExponential(2).replace("e+", "e");
}

/** A percentage that keeps its first digits when it is small. */
function percent(x) {
  if (!isNumber(x)) return "–";
  return (x === 0 ? "0" : Math.abs(x) >= 10 ? x.toFixed(1) : x.toPrecision(2)) + " %";
}

/** 242 kB, in powers of 1000. */
function bytes(x) {
  return inThousands(x, [" B", " kB", " MB", " GB", " TB"]);
}

/** 57.8 k, for an axis. */
function brief(x) {
  return inThousands(x, ["", " k", " M", " G", " T"]);
}

function inThousands(x, units) {
  if (!isNumber(x)) return "–";
  let i = 0;
  while (Math.abs(x) >= 999.5 && i < units.length - 1) (x /= 1000), i++;
  return Number(x.toPrecision(3)) + units[i];
}

/** 48.2 s, 12 min 5 s, 3 h 20 min */
function duration(seconds) {
  if (!isNumber(seconds)) return "–";
  if (seconds < 100) return short(seconds) + " s";
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes + " min " + Math.round(seconds - 60 * minutes) + " s";
  return Math.floor(minutes / 60) + " h " + (minutes % 60) + " min";
}

/** The mean of the finite values in a list; NaN when there is none. */
function meanOf(list) {
  const values = list.filter(isNumber);
  return values.length ? values.reduce((a, b) => a + b, 0) / values.length : NaN;
}
