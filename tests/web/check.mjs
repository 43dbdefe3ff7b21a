// The acceptance checks of the line overview, in a browser: node tests/web/check.mjs BINARY
// BINARY is the test binary `gateway`, which serves the boards of tests/gateway/web/boards.rs.

import { connect, createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { serveBoards } from './boards.mjs';
import { Browser } from './chromium.mjs';
import * as look from './look.mjs';

const sizes = [[1280, 800], [1920, 1080], [390, 844]];
const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
let failed = 0;

function report(what, wrong, measured = '') {
  if (wrong.length) failed += 1;
  console.log(`${wrong.length ? 'FAILED' : 'ok    '} ${what}${measured && `: ${measured}`}`);
  for (const one of wrong.slice(0, 12)) console.log(`         ${one}`);
  if (wrong.length > 12) console.log(`         … and ${wrong.length - 12} more`);
}

const boards = await serveBoards(process.argv[2]);
const browser = await Browser.start(process.env.CHROMIUM ?? 'chromium');
try {
  await everyBoardAtEverySize();
  await weight();
  await paint();
  await live();
  await change();
  await cut();
  await scriptDies();
  await daemonHangs();
  await withoutScript();
} finally {
  await browser.close();
  await boards.close();
}
console.log(failed ? `${failed} checks failed` : 'every check passed');
process.exit(failed ? 1 : 0);

async function everyBoardAtEverySize() {
  const found = { leaving: [], scrolling: [], contrast: [], targets: [], colourAlone: [], foreign: [], count: [], complaints: [] };
  let least = 99, most = 0, pages = 0;
  for (const [name, url] of Object.entries(boards.urls).filter(([name]) => !name.startsWith('station-'))) {
    for (const [width, height] of sizes) for (const dark of [false, true]) {
      const page = await browser.page({ width, height, dark });
      const put = (kind, list) => found[kind].push(...list.map((one) => `${name} ${width}${dark ? ' dark' : ''}: ${one}`));
      await page.open(url);
      await page.run(() => document.fonts.ready.then(() => true));
      put('leaving', await page.run(look.leaving));
      // A line on which everything is wrong at once may scroll; nothing less may.
      if (width > 640 && name !== 'worst') put('scrolling', await page.run(look.scrolling));
      const contrast = await page.run(look.contrast);
      put('contrast', contrast.wrong);
      least = Math.min(least, contrast.least);
      put('targets', await page.run(look.targets));
      put('colourAlone', await page.run(look.colourAlone));
      put('foreign', await page.run(look.foreign));
      const count = await page.run(() => document.querySelectorAll('*').length);
      if (count > 600) put('count', [`${count} elements`]);
      most = Math.max(most, count);
      put('complaints', page.complaints);
      pages += 1;
      await page.close();
    }
  }
  report('1, 4  nothing scrolls sideways, no text leaves its panel', found.leaving, `${pages} pages`);
  report('2     the line fits 1280×800 and 1920×1080', found.scrolling);
  report('3     letters stand out 4.5 to 1, large ones 3 to 1', found.contrast, `least ${least.toFixed(2)}`);
  report('5     targets are 44 px at least', found.targets);
  report('14    no state is told by colour alone', found.colourAlone);
  report('15    nothing inline, nothing from elsewhere', found.foreign);
  report('18    600 elements a page at most', found.count, `most ${most}`);
  report('      the browser has nothing to complain about', found.complaints);
}

async function weight() {
  const wrong = [], read = async (path) => Buffer.from(await (await fetch(boards.urls.worst + path)).arrayBuffer());
  const parts = [await read('/'), await read('/static/steelyard.css'), await read('/static/steelyard.js')];
  const raw = parts.reduce((sum, part) => sum + part.length, 0);
  const packed = parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
  if (raw > 100_000 || packed > 30_000) wrong.push('100 kB raw and 30 kB packed are the most');
  report('16    weight with style and script', wrong, `${(raw / 1000).toFixed(0)} kB raw, ${(packed / 1000).toFixed(0)} kB packed`);
}

async function paint() {
  const times = [];
  for (let at = 0; at < 5; at += 1) {
    const page = await browser.page({ slower: 4 });
    await page.open(boards.urls.excursion);
    await rest(300);
    times.push(await page.run(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 9999));
    await page.close();
  }
  const middle = median(times);
  report('17    first paint at a quarter of the speed, median of 5', middle <= 1000 ? [] : ['1 s at most'], `${(middle / 1000).toFixed(2)} s`);
}

async function live() {
  const page = await browser.page(), wrong = [];
  await page.open(boards.urls.calm);
  const read = () => ['now', 'captured', 'u0p0-trend'].map((id) => {
    const at = document.getElementById(id);
    return at.getAttribute('d') ?? at.textContent;
  });
  const before = await page.run(read);
  for (let at = 0; at < 70; at += 1) {
    await rest(100);
    if (await page.run(look.lost)) wrong.push(`shown after ${at / 10} s`);
  }
  const after = await page.run(read);
  report('9     7 s of heartbeats: never "Live view lost"', wrong);
  report('      time, counts and trends move', before.filter((text, at) => text === after[at]), `${before.slice(0, 2).join(', ')} → ${after.slice(0, 2).join(', ')}`);
  await page.close();
}

// What changes its shape is fetched anew, into the same page.
async function change() {
  const page = await browser.page(), seen = new Set();
  await page.open(boards.urls.turning);
  await page.run(() => { window.same = true; });
  for (let at = 0; at < 90 && seen.size < 2; at += 1) {
    await rest(100);
    seen.add(await page.run(() => document.querySelector('.calm') ? 'calm' : document.querySelector('[data-call]').dataset.call));
  }
  const same = await page.run(() => window.same === true);
  const both = seen.has('calm') && seen.has('excursion-117');
  report('      a call appears and goes without loading the page anew', both && same ? [] : [`seen: ${[...seen]}, same page: ${same}`]);
  await page.close();
}

async function cut() {
  const target = new URL(boards.urls.calm), open = new Set();
  const pipe = (from) => {
    const to = connect(target.port, target.hostname);
    for (const [one, other] of [[from, to], [to, from]]) {
      open.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => { open.delete(one); other.destroy(); });
    }
  };
  let proxy = createServer(pipe);
  const listen = (port) => new Promise((done) => proxy.listen(port, '127.0.0.1', done));
  await listen(0);
  const { port } = proxy.address(), page = await browser.page();
  await page.open(`http://127.0.0.1:${port}`);
  await rest(2000);
  const begun = performance.now();
  proxy.close();
  for (const socket of open) socket.destroy();
  const after = await until(page, true, 5000, begun);
  report('6     the line is cut: "Live view lost" within 3 s', after <= 3000 ? [] : ['too late'], `${(after / 1000).toFixed(2)} s`);
  const hatched = await page.run(() => getComputedStyle(document.getElementById('u0p0')).backgroundImage.includes('gradient'));
  report('6     and every live value is hatched', hatched ? [] : ['it is not']);
  proxy = createServer(pipe);
  await listen(port);
  const back = await until(page, false, 10000, performance.now());
  report('6     the line is back: gone at the next heartbeat', back <= 5000 ? [] : ['too late'], `${(back / 1000).toFixed(2)} s with finding it again`);
  await page.close();
  proxy.close();
  for (const socket of open) socket.destroy();
}

async function scriptDies() {
  const page = await browser.page();
  await page.open(boards.urls.calm);
  await rest(1500);
  const begun = performance.now();
  await page.run(() => { JSON.parse = () => { throw new Error('the script has died'); }; });
  const after = await until(page, true, 5000, begun);
  // The last heartbeat may have come just before: 2.5 s from there, never more than 3 s from here.
  report('7     the script dies: the same', after <= 3000 ? [] : ['too late'], `${(after / 1000).toFixed(2)} s`);
  await page.close();
}

async function daemonHangs() {
  const page = await browser.page();
  await page.open(boards.urls.calm);
  await rest(2000);
  const begun = performance.now();
  boards.stop();
  const after = await until(page, true, 5000, begun);
  report('      the gateway hangs: the same', after <= 3000 ? [] : ['too late'], `${(after / 1000).toFixed(2)} s`);
  boards.go();
  const back = await until(page, false, 5000, performance.now());
  report('      the gateway goes on: gone at the next heartbeat', back <= 1500 ? [] : ['too late'], `${(back / 1000).toFixed(2)} s`);
  await page.close();
}

async function withoutScript() {
  const page = await browser.page({ script: false }), wrong = [];
  await page.open(boards.urls.excursion);
  const text = await page.run(() => document.body.innerText);
  for (const part of ['Emulsifier', '72.4', 'Out of limits', 'Stored as excursion E-017.', 'Captured', 'Receipted', 'anew every 10 s']) if (!text.includes(part)) wrong.push(`missing: ${part}`);
  const begun = performance.now(), again = page.once('Page.loadEventFired');
  await rest(4000);
  if (await page.run(look.lost)) wrong.push('says "Live view lost", though nothing was live');
  await Promise.race([again, rest(9000).then(() => wrong.push('is not loaded anew'))]);
  report('8     without script: complete, and loaded anew every 10 s', wrong, `${((performance.now() - begun) / 1000).toFixed(1)} s`);
  await page.close();
}

// Milliseconds from `begun` until the page says so, or no more.
async function until(page, shown, most, begun) {
  while (performance.now() - begun < most) {
    if (await page.run(look.lost) === shown) return performance.now() - begun;
    await rest(20);
  }
  return Infinity;
}
