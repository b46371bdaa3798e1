// One colour that grows stronger: shares from 0 to 1 as lightness, which every eye can order.
"use strict";

const kEvenLuminance = 0.179;  // black and white are read on it equally well

/** The paint of a share and an ink that can be read on it. */
function ramp() {
  const stops = ["ramp-0", "ramp-1", "ramp-2", "ramp-3"].map((name) => rgb(colour(name)));
  return (share) => {
    const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
    const i = Math.min(stops.length - 2, Math.floor(at));
    const mixed = stops[i].map((low, c) => Math.round(low + (stops[i + 1][c] - low) * (at - i)));
    return { paint: `rgb(${mixed})`, ink: luminance(mixed) > kEvenLuminance ? "#000000" : "#ffffff" };
  };
}

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}

/** Relative luminance, by WCAG 2. */
function luminance(parts) {
  const [r, g, b] = parts.map((v) => (v <= 10 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** The scale of a ramp from `low` to `high`. */
function rampKey(low, high) {
  const bar = el("span", { class: "ramp-bar" });
  drawn(() => {
    const paint = ramp();
    const stops = [0, 0.25, 0.5, 0.75, 1].map((t) => paint(t).paint);
    bar.style.background = `linear-gradient(to right, ${stops.join(", ")})`;
  });
  const upper = el("span", {}, high);
  const key = el("p", { class: "ramp-key" }, el("span", {}, low), bar, upper);
  key.relabel = (text) => (upper.textContent = text);
  return key;
}
