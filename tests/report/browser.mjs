// A headless Chromium that opens reports from disk and notes whatever a report must not do.
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

/** Debian's Chromium, or the one that ESPALIER_CHROMIUM names. */
export function launch() {
  return chromium.launch({ executablePath: process.env.ESPALIER_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox"] });
}

export const kLooks = ["light", "dark"].flatMap((colorScheme) => [1280, 390].map((width) => ({ colorScheme, width })));

/** Opens the file at `path` and gives `look` the page and a list of complaints that grows while it is open. */
export async function withPage(browser, path, { colorScheme, width }, look) {
  const context = await browser.newContext({ colorScheme, viewport: { width, height: 900 }, hasTouch: width < 600 });
  const page = await context.newPage();
  const complaints = [];
  const url = pathToFileURL(path).href;
  page.on("console", (message) => complaints.push("console: " + message.text()));
  page.on("pageerror", (error) => complaints.push("error: " + error.message));
  page.on("dialog", (dialog) => {
    complaints.push("dialog: " + dialog.message());
    dialog.dismiss();
  });
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) complaints.push("request: " + request.url());
  });
  await page.goto(url, { waitUntil: "load" });
  await page.waitForTimeout(300);  // charts are drawn once their width is known
  await look(page, complaints);
  await context.close();
}
