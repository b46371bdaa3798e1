// Reports in a browser: they draw, say nothing in the console, ask for nothing, fit a phone, and names stay names.
//   node report_test.mjs path/to/espalier
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { kHostile, makeReports } from "./fixtures.mjs";
import { kLooks, launch, withPage } from "./browser.mjs";

/** Fails unless nothing of the page is wider than the window, but what scrolls by itself. */
async function checkWidth(page, width) {
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, "the page scrolls sideways");
}

/** Fails when a chart is missing or was left blank. Returns how many there are. */
async function checkCanvases(page) {
  const blank = await page.$$eval("canvas", (all) => all.map((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const paints = new Set();
    for (let i = 0; i < data.length; i += 4) paints.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
    return paints.size < 3;
  }));
  assert.ok(!blank.includes(true), "a canvas is blank");
  return blank.length;
}

/** Fails unless every control is reached by the tabulator, or by the arrow keys from one that is. */
async function checkKeyboard(page) {
  const wanted = await page.$$eval("select, button:not(.heat button), input:checked, .heat button[tabindex='0'], canvas.matrix, .plot", (all) => {
    all.forEach((control, i) => (control.dataset.control = i));
    return all.length;
  });
  const reached = new Set();
  for (let i = 0; i < 4 * wanted + 40 && reached.size < wanted; i++) {
    await page.keyboard.press("Tab");
    const id = await page.evaluate(() => document.activeElement.dataset.control);
    if (id !== undefined) reached.add(id);
  }
  assert.equal(reached.size, wanted, "some controls are not reached by the keyboard");
  return wanted;
}

/** Fails when the contrast of any text to what is behind it is below 4.5 (WCAG 2, AA). */
async function checkContrast(page) {
  const weak = await page.evaluate(() => {
    const parts = (text) => (text.match(/[\d.]+/g) || []).map(Number);
    const light = (c) => c.slice(0, 3).map((v) => (v <= 10 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4)).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (e) => {
      for (; e; e = e.parentElement) {
        const paint = parts(getComputedStyle(e).backgroundColor);
        if (paint.length === 3 || paint[3] === 1) return paint;
      }
      return [255, 255, 255];
    };
    const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    return [...document.querySelectorAll("main *")].filter((e) => own(e) && e.offsetWidth).filter((e) => {
      const [a, b] = [light(parts(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5;
    }).map((e) => e.outerHTML.slice(0, 120));
  });
  assert.deepEqual(weak, [], "text is hard to read");
}

const headings = (page) => page.$$eval("h2", (all) => all.map((h) => h.textContent));
const readoutOf = (page, selector) => page.$eval(selector, (e) => e.closest("figure, div:has(> .readout)").querySelector(".readout").textContent);

/** What is special in each report, seen at 1280 pixels. */
const kTests = {
  async grft(page) {
    assert.deepEqual(await headings(page), ["Training", "Confusion", "Most wrong", "Where the selection fell", "Where the squared gradient lies", "Settings and results"]);
    assert.equal(await page.locator(".plot canvas").count(), 5, "loss, accuracy, learning rate, penalty, scoring");
    assert.doesNotMatch(await page.textContent("main"), /is an estimate/);
    assert.ok((await page.locator(".mistake img").count()) > 0);
    assert.ok(await page.$eval(".mistake img", (img) => img.complete && img.naturalWidth === 40), "the pictures are seen");
    const picked = () => page.$eval(".units .note", (p) => p.textContent);
    assert.match(await picked(), /^blocks\.0\.attn\.qkv\.weight: 2 columns/);
    await page.focus(".heat button[aria-pressed='true']");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    assert.match(await picked(), /^blocks\.1\.attn\.qkv\.weight: 2 columns/, "the keyboard picks a matrix");
    assert.equal(await page.locator(".strip .stroke").count(), 2);
    await page.selectOption("select", { label: "patch_embed.proj.weight" });
    assert.match(await picked(), /^patch_embed\.proj\.weight: 2 rows/, "and so does the list");
    await page.check("input[type=radio] >> nth=1", { force: true });
    assert.match(await page.textContent("section:has(.choice) .ramp-key"), /of the matrix's numbers$/);
  },
  async sift(page) {
    assert.equal(await page.locator(".plot canvas").count(), 5, "loss, accuracy, learning rate, scoring, choice");
    assert.equal(await page.locator(".strip").count(), 2, "elements by row and by column");
    assert.ok((await page.locator(".strip .column").count()) > 256);
  },
  async linear(page) {
    assert.deepEqual(await headings(page), ["Training", "Confusion", "Most wrong", "Settings and results"]);
  },
  async "many-classes"(page) {
    await page.hover("canvas.matrix", { position: { x: 2, y: 2 } });
    assert.equal(await readoutOf(page, "canvas.matrix"), "class 0 taken for class 0: 20 of 29 (69.0 %)");
    await page.focus("canvas.matrix");
    await page.keyboard.press("ArrowRight");
    assert.match(await readoutOf(page, "canvas.matrix"), /^class 0 taken for class 1:/);
  },
  async unfinished(page) {
    assert.match(await page.textContent("main"), /has not ended/);
    assert.equal((await page.textContent("main")).split("With score-sketch the squared gradient of a matrix is an estimate.").length, 3, "told in both sections");
    assert.deepEqual(await headings(page), ["Training", "Where the selection fell", "Where the squared gradient lies", "Settings and results"]);
  },
  async comparison(page) {
    assert.deepEqual(await headings(page), ["Results", "Accuracy against numbers trained", "Ranks", "Pairs", "The choice of the learning rate", "Time and memory", "Settings"]);
    const column = (n) => page.$$eval(".figures >> nth=0 >> tbody tr", (rows, i) => rows.map((row) => row.children[i].textContent), n);
    const means = (await column(1)).map(Number);
    assert.deepEqual(means, [...means].sort((a, b) => b - a), "the best mean first");
    await page.click(".figures thead button >> text=method");
    const names = await column(0);
    assert.deepEqual(names, [...names].sort((a, b) => a.localeCompare(b)), "sorted by a click");
    await page.click(".figures thead button >> text=method");
    assert.deepEqual(await column(0), names.reverse(), "and the other way by a second");
    assert.equal(await page.locator(".scatter .point").count(), 8);
    assert.equal(await page.locator(".scatter .name").count(), 8, "every name finds a place");
    const before = await page.getAttribute(".scatter", "aria-label");
    await page.selectOption("select >> nth=0", { label: "signs" });
    assert.notEqual(await page.getAttribute(".scatter", "aria-label"), before);
  },
  async "hostile-run"(page) {
    const text = await page.textContent("main");
    assert.ok(text.split(kHostile).length > 10, "the names are shown as they are");
  },
  async "hostile-comparison"(page) {
    assert.ok((await page.textContent("main")).split(kHostile).length > 5);
    assert.equal(await page.locator(".scatter .point").count(), 3);
  },
  async "begun-comparison"(page) {
    assert.match(await page.textContent("main"), /No results yet/);
  },
};

const root = mkdtempSync(join(tmpdir(), "espalier-report-"));
const browser = await launch();
try {
  const reports = makeReports(process.argv[2], root);
  assert.deepEqual(Object.keys(kTests).sort(), Object.keys(reports).sort());
  for (const [name, file] of Object.entries(reports)) {
    assert.ok(statSync(file).size < 2e6, "a report is under 2 MB");
    let drawn = 0;
    let controls = 0;
    for (const look of kLooks) {
      await withPage(browser, file, look, async (page, complaints) => {
        try {
          await checkWidth(page, look.width);
          await checkContrast(page);
          drawn = await checkCanvases(page);
          if (look.width === 1280) await kTests[name](page);
          if (look.colorScheme === "light") controls = await checkKeyboard(page);
          await page.emulateMedia({ colorScheme: look.colorScheme === "light" ? "dark" : "light" });
          await checkCanvases(page);
          assert.equal(await page.locator("img[src='x'], script:not([type]) ~ img").count(), 0, "a name became an element");
          assert.deepEqual(complaints, []);
        } catch (error) {
          console.error(`${name}, ${look.colorScheme}, ${look.width} px:`);
          throw error;
        }
      });
    }
    console.log(`${name}: ${drawn} canvases, ${controls} controls, ${statSync(file).size} bytes`);
  }
} finally {
  await browser.close();
  rmSync(root, { recursive: true, force: true });
}
