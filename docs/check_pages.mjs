// Opens built pages in headless Chromium, wide and narrow: screenshots, accessibility, focus.
//
//     npm install --prefix /tmp/axe axe-core playwright-core
//     NODE_PATH=/tmp/axe/node_modules node docs/check_pages.mjs docs/_build/html /tmp/shots
//
// CHROMIUM names the browser (default /usr/bin/chromium). Prints what axe finds, whether the page
// scrolls sideways, requests that leave the machine, and whether the focus is seen; exits 1 if any
// finding is serious.
import { createRequire } from "node:module";
import { mkdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";

const require = createRequire(process.env.NODE_PATH + "/");
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const [site, shots] = process.argv.slice(2).map((path) => resolve(path));
const pages = ["index", "guide/tables", "guide/index", "methods/dann", "methods/index",
  "api/skda.DANNClassifier", "auto_examples/plot_moons", "benchmarks/digits/digits"];
mkdirSync(shots, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"],
});
let serious = 0;
for (const width of [1280, 390]) {
  for (const name of pages) {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    const outside = [];
    page.on("request", (r) => r.url().startsWith("http") && outside.push(r.url()));
    await page.goto(`file://${site}/${name}.html`);
    await page.waitForTimeout(1500); // MathJax
    await page.screenshot({ path: `${shots}/${name.replaceAll("/", "_")}_${width}.png` });
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => axe.run());
    const sideways = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(() => {
      const style = getComputedStyle(document.activeElement);
      return style.outlineStyle !== "none" || style.boxShadow !== "none";
    });
    const bad = violations.filter((v) => ["serious", "critical"].includes(v.impact));
    serious += bad.length;
    console.log(`${name} at ${width}: ${bad.length} serious of ${violations.length} findings, ` +
      `${sideways} px sideways, ${outside.length} requests outside, focus ${focus ? "seen" : "NOT seen"}`);
    for (const v of violations) {
      console.log(`  ${v.impact} ${v.id}: ${v.nodes.length} x ${v.nodes[0].target} ${v.nodes[0].failureSummary?.slice(0, 160).replaceAll("\n", " ")}`);
    }
    await page.close();
  }
}
await browser.close();
process.exit(serious ? 1 : 0);
