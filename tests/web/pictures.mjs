// Pictures of every board at every size, light and dark, to be looked at: node tests/web/pictures.mjs BINARY FOLDER [BOARD…]
// BINARY is the test binary `gateway`.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Browser } from './chromium.mjs';
import { serveBoards } from './boards.mjs';

const [binary, folder, ...chosen] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const boards = await serveBoards(binary);
const browser = await Browser.start(process.env.CHROMIUM ?? 'chromium');
for (const [name, url] of Object.entries(boards.urls)) {
  if (chosen.length && !chosen.includes(name)) continue;
  for (const [width, height] of (process.env.SIZES ?? "1280x800 1920x1080 390x844").split(" ").map((size) => size.split("x").map(Number))) {
    for (const dark of [false, true]) {
      const page = await browser.page({ width, height, dark });
      await page.open(url);
      if (width < 640) {
        const tall = await page.run(() => document.documentElement.scrollHeight);
        await page.ask('Emulation.setDeviceMetricsOverride', { width, height: tall, deviceScaleFactor: 1, mobile: false });
      }
      await new Promise((done) => setTimeout(done, 600));
      writeFileSync(join(folder, `${name}-${width}${dark ? '-dark' : ''}.png`), await page.picture());
      if (page.complaints.length) console.log(name, width, page.complaints);
      await page.close();
    }
  }
}
await browser.close();
await boards.close();
