// Screenshots of reports in all looks, for the eye: node shots.mjs FOLDER report.html...
// A wide page is taken in pieces of a window's height.
import { basename, dirname, join } from "node:path";
import { kLooks, launch, withPage } from "./browser.mjs";

const kPiece = 1500;
const [folder, ...files] = process.argv.slice(2);
const browser = await launch();
for (const file of files) {
  for (const look of kLooks) {
    await withPage(browser, file, look, async (page) => {
      const height = await page.evaluate(() => document.documentElement.scrollHeight);
      for (let top = 0; top < height; top += kPiece) {
        const shot = join(folder, `${basename(dirname(file))}-${look.colorScheme}-${look.width}-${top / kPiece}.png`);
        await page.screenshot({ path: shot, fullPage: true, clip: { x: 0, y: top, width: look.width, height: Math.min(kPiece, height - top) } });
      }
    });
  }
}
await browser.close();
