"""Reports in a browser: they draw, say nothing in the console, ask for nothing, fit a phone, and names stay names.
  report_test.py path/to/espalier
"""
import pathlib
import sys
import tempfile
import unittest

from browser import LOOKS, launched, opened
from fixtures import HOSTILE, make_reports

check = unittest.TestCase()
check.maxDiff = None


def check_width(page, width):
  """Fails unless nothing of the page is wider than the window, but what scrolls by itself."""
  check.assertEqual(page.evaluate("document.documentElement.scrollWidth"), width, "the page scrolls sideways")


def check_canvases(page):
  """Fails when a chart is missing or was left blank. Returns how many there are."""
  blank = page.eval_on_selector_all("canvas", """(all) => all.map((canvas) => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const paints = new Set();
    for (let i = 0; i < data.length; i += 4) paints.add(data[i] * 65536 + data[i + 1] * 256 + data[i + 2]);
    return paints.size < 3;
  })""")
  check.assertNotIn(True, blank, "a canvas is blank")
  return len(blank)


def check_keyboard(page):
  """Fails unless every control is reached by the tabulator, or by the arrow keys from one that is."""
  controls = "select, button:not(.heat button), input:checked, .heat button[tabindex='0'], canvas.matrix, .plot"
  wanted = page.eval_on_selector_all(controls, """(all) => {
    all.forEach((control, i) => (control.dataset.control = i));
    return all.length;
  }""")
  reached = set()
  for _ in range(4 * wanted + 40):
    if len(reached) == wanted:
      break
    page.keyboard.press("Tab")
    control = page.evaluate("document.activeElement.dataset.control")
    if control is not None:
      reached.add(control)
  check.assertEqual(len(reached), wanted, "some controls are not reached by the keyboard")
  return wanted


def check_contrast(page):
  """Fails when the contrast of any text to what is behind it is below 4.5 (WCAG 2, AA)."""
  weak = page.evaluate("""() => {
    const parts = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
    const linear = (v) => (v <= 10 ? v / 3294 : ((v / 255 + 0.055) / 1.055) ** 2.4);
    const light = (c) => c.slice(0, 3).map(linear).reduce((s, v, i) => s + v * [0.2126, 0.7152, 0.0722][i], 0);
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
  }""")
  check.assertEqual(weak, [], "text is hard to read")


def texts(page, selector):
  return page.eval_on_selector_all(selector, "(all) => all.map((e) => e.textContent)")


def headings(page):
  return texts(page, "h2")


def readout_of(page, selector):
  return page.eval_on_selector(
      selector, "(e) => e.closest('figure, div:has(> .readout)').querySelector('.readout').textContent")


# What is special in each report, seen at 1280 pixels.


def grft(page):
  check.assertEqual(headings(page), ["Training", "Confusion", "Classes", "Most wrong", "Where the selection fell",
                                     "Where the squared gradient lies", "Settings and results"])
  check.assertEqual(page.locator(".plot canvas").count(), 5, "loss, accuracy, learning rate, penalty, scoring")
  check.assertNotIn("is an estimate", page.text_content("main"))
  classes = "section:has(h2:text-is('Classes'))"
  f1 = [float(text.split()[0]) for text in texts(page, f"{classes} .figures tbody td:nth-child(4)")]
  check.assertGreater(len(f1), 1)
  check.assertEqual(f1, sorted(f1), "what is found worst stands first")
  check.assertRegex(page.text_content(f"{classes} .facts"), r"each class counts as oneprecision [\d.]+ %, recall [\d.]+ %, F1 [\d.]+ %")
  check.assertGreater(page.locator(".mistake img").count(), 0)
  seen = page.eval_on_selector(".mistake img", "(img) => img.complete && img.naturalWidth === 40")
  check.assertTrue(seen, "the images are seen")

  def picked():
    return page.text_content(".units .note")

  check.assertRegex(picked(), r"^blocks\.0\.attn\.qkv\.weight: 2 columns")
  page.focus(".heat button[aria-pressed='true']")
  page.keyboard.press("ArrowDown")
  page.keyboard.press("Enter")
  check.assertRegex(picked(), r"^blocks\.1\.attn\.qkv\.weight: 2 columns", "the keyboard picks a matrix")
  check.assertEqual(page.locator(".strip .stroke").count(), 2)
  page.select_option("select", label="patch_embed.proj.weight")
  check.assertRegex(picked(), r"^patch_embed\.proj\.weight: 2 rows", "and so does the list")
  page.check("input[type=radio] >> nth=1", force=True)
  check.assertRegex(page.text_content("section:has(.choice) .ramp-key"), r"of the matrix's values\Z")


def sift(page):
  check.assertEqual(page.locator(".plot canvas").count(), 5, "loss, accuracy, learning rate, scoring, choice")
  check.assertEqual(page.locator(".strip").count(), 2, "elements by row and by column")
  check.assertGreater(page.locator(".strip .column").count(), 256)


def linear(page):
  check.assertEqual(headings(page), ["Training", "Confusion", "Classes", "Most wrong", "Settings and results"])


def many_classes(page):
  page.hover("canvas.matrix", position={"x": 2, "y": 2})
  check.assertEqual(readout_of(page, "canvas.matrix"), "class 0 taken for class 0: 20 of 29 (69.0 %)")
  page.focus("canvas.matrix")
  page.keyboard.press("ArrowRight")
  check.assertRegex(readout_of(page, "canvas.matrix"), "^class 0 taken for class 1:")


def unfinished(page):
  text = page.text_content("main")
  check.assertIn("has not ended", text)
  estimate = "With score-sketch the squared gradient of a matrix is an estimate."
  check.assertEqual(text.count(estimate), 2, "said in both sections")
  check.assertEqual(headings(page), ["Training", "Where the selection fell", "Where the squared gradient lies",
                                     "Settings and results"])


def comparison(page):
  check.assertEqual(headings(page), ["Results", "Accuracy against trainable parameters", "Ranks", "Pairs",
                                     "The choice of the learning rate", "Time and memory", "Settings"])

  def column(n):
    return page.eval_on_selector_all(
        ".figures >> nth=0 >> tbody tr", "(rows, i) => rows.map((row) => row.children[i].textContent)", n)

  means = [float(mean) for mean in column(1)]
  check.assertEqual(means, sorted(means, reverse=True), "the best mean first")
  page.click(".figures thead button >> text=method")
  names = column(0)
  check.assertEqual(names, sorted(names), "sorted by a click")
  page.click(".figures thead button >> text=method")
  check.assertEqual(column(0), names[::-1], "and the other way by a second")
  check.assertEqual(page.locator(".scatter .point").count(), 8)
  check.assertEqual(page.locator(".scatter .name").count(), 8, "every name finds a place")
  before = page.get_attribute(".scatter", "aria-label")
  page.select_option("select >> nth=0", label="signs")
  check.assertNotEqual(page.get_attribute(".scatter", "aria-label"), before)


def hostile_run(page):
  check.assertGreater(page.text_content("main").count(HOSTILE), 9, "the names are shown as they are")


def hostile_comparison(page):
  check.assertGreater(page.text_content("main").count(HOSTILE), 4)
  check.assertEqual(page.locator(".scatter .point").count(), 3)


def begun_comparison(page):
  check.assertIn("No results yet", page.text_content("main"))


SPECIAL = {
    "grft": grft, "sift": sift, "linear": linear, "many-classes": many_classes, "unfinished": unfinished,
    "comparison": comparison, "hostile-run": hostile_run, "hostile-comparison": hostile_comparison,
    "begun-comparison": begun_comparison,
}


def check_report(browser, name, file):
  """Looks at a report in all looks. Returns how many charts and controls it has."""
  drawn = controls = 0
  for scheme, width in LOOKS:
    with opened(browser, file, (scheme, width)) as (page, errors):
      try:
        check_width(page, width)
        check_contrast(page)
        drawn = check_canvases(page)
        if width == 1280:
          SPECIAL[name](page)
        if scheme == "light":
          controls = check_keyboard(page)
        page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
        check_canvases(page)
        elements = page.locator("img[src='x'], script:not([type]) ~ img").count()
        check.assertEqual(elements, 0, "a name became an element")
        check.assertEqual(errors, [])
      except Exception:
        print(f"{name}, {scheme}, {width} px:", file=sys.stderr)
        raise
  return drawn, controls


def main(espalier):
  with tempfile.TemporaryDirectory(prefix="espalier-report-") as root, launched() as browser:
    reports = make_reports(espalier, pathlib.Path(root))
    check.assertEqual(sorted(SPECIAL), sorted(reports))
    for name, file in reports.items():
      size = file.stat().st_size
      check.assertLess(size, 2e6, "a report is under 2 MB")
      drawn, controls = check_report(browser, name, file)
      print(f"{name}: {drawn} canvases, {controls} controls, {size} bytes", flush=True)


if __name__ == "__main__":
  main(sys.argv[1])
