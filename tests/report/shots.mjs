// Screenshots of reports in all looks, for the eye: node shots.mjs FOLDER report.html...
import { basename, dirname, join } from "node:path";
import { kLooks, launch, withPage } from "./browser.mjs";

const [folder, ...files] = process.argv.slice(2);
const browser = await launch();
for (const file of files) {
  for (const look of kLooks) {
    await withPage(browser, file, look, async (page, complaints) => {
      const shot = join(folder, `${basename(dirname(file))}-${look.colorScheme}-${look.width}.png`);
      await page.screenshot({ path: shot, fullPage: true });
      console.log(shot, complaints.join(" | "));
    });
  }
}
await browser.close();
