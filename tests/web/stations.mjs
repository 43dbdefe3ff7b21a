// The acceptance checks of the dispensing station, in a browser: node tests/web/stations.mjs BINARY
// BINARY is the test binary `gateway`, which serves the states of tests/gateway/web/stations.rs.

import { connect, createServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { serveBoards } from './boards.mjs';
import { Browser } from './chromium.mjs';
import * as look from './look.mjs';
import * as panel from './panel.mjs';

const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
const languages = ['en', 'de', 'es', 'fr'];
let failed = 0;

function report(what, wrong, measured = '') {
  if (wrong.length) failed += 1;
  console.log(`${wrong.length ? 'FAILED' : 'ok    '} ${what}${measured && `: ${measured}`}`);
  for (const one of wrong.slice(0, 12)) console.log(`         ${one}`);
  if (wrong.length > 12) console.log(`         … and ${wrong.length - 12} more`);
}

const boards = await serveBoards(process.argv[2]);
const stations = Object.fromEntries(Object.entries(boards.urls).filter(([name]) => name.startsWith('station-')).map(([name, url]) => [name.slice(8), url]));
const browser = await Browser.start(process.env.CHROMIUM ?? 'chromium');
try {
  await everyStateAtEverySize();
  await everyLanguage();
  await weight();
  await paint();
  await heartbeats();
  await pouring();
  await arming();
  await cut();
  await scriptDies();
  await withoutScript();
  await scanner();
  await tabs();
  await grey();
  await othersLook();
  await scannerSetUp();
  await cards();
} finally {
  await browser.close();
  await boards.close();
}
console.log(failed ? `${failed} checks failed` : 'every check passed');
process.exit(failed ? 1 : 0);

async function everyStateAtEverySize() {
  const found = { leaving: [], scrolling: [], contrast: [], targets: [], colourAlone: [], foreign: [], count: [], complaints: [] };
  let least = 99, most = 0, pages = 0;
  const looks = Object.entries(stations).flatMap(([name, url]) => name === 'over' ? [[name, url], ['keep', `${url}?show=keep`]]
    : name === 'filling' ? [[name, url], ['problem', `${url}?show=problem`], ['type', `${url}?show=type`], ['tell', `${url}?show=tell`], ['scales', `${url}?show=scales`], ['wall', `${url}?wall=1`]]
      : name === 'captured' ? [[name, url], ['reprint', `${url}?show=reprint`]] : [[name, url]]);
  for (const [width, height] of [[1280, 800], [1920, 1080], [390, 844]]) for (const dark of [false, true]) {
    const page = await browser.page({ width, height, dark });
    for (const [name, url] of looks) {
      const put = (kind, list) => found[kind].push(...list.map((one) => `${name} ${width}${dark ? ' dark' : ''}: ${one}`));
      await page.open(url);
      await page.run(() => document.fonts.ready.then(() => true));
      put('leaving', await page.run(panel.leaving));
      if (width > 640) put('scrolling', await page.run(look.scrolling));
      const contrast = await page.run(look.contrast);
      put('contrast', contrast.wrong);
      least = Math.min(least, contrast.least);
      if (width > 640) put('targets', await page.run(panel.targets));
      put('colourAlone', await page.run(panel.colourAlone));
      put('foreign', await page.run(look.foreign));
      const count = await page.run(() => document.querySelectorAll('*').length);
      if (count > 600) put('count', [`${count} elements`]);
      most = Math.max(most, count);
      pages += 1;
    }
    found.complaints.push(...page.complaints);
    await page.close();
  }
  report('1, 4  nothing scrolls sideways, no text leaves its panel', found.leaving, `${pages} pages`);
  report('2     a panel of 1280×800 or 1920×1080 shows everything at once', found.scrolling);
  report('3     letters stand out 4.5 to 1, large ones 3 to 1', found.contrast, `least ${least.toFixed(2)}`);
  report('5     targets are 72 px at least, the main action 96', found.targets);
  report('14    no state is told by colour alone', found.colourAlone);
  report('15    nothing inline, nothing from elsewhere', found.foreign);
  report('18    600 elements a page at most', found.count, `most ${most}`);
  report('      the browser has nothing to complain about', found.complaints);
}

// Every state in every language: nothing leaves its panel, the language is what the page says it is, decimals as written there.
async function everyLanguage() {
  const wrong = [];
  let pages = 0;
  for (const code of languages) {
    const page = await browser.page();
    await page.open(`${new URL(stations.ready).origin}/language?to=/dispense/ready&code=${code}`);
    const [lang, net, capture] = await page.run(() => [document.documentElement.lang, document.getElementById('net').textContent, document.getElementById('capture').firstChild.textContent]);
    if (lang !== code) wrong.push(`${code}: the page says ${lang}`);
    if (net !== (code === 'en' ? '3.604' : '3,604')) wrong.push(`${code}: the weight stands as ${net}`);
    if (code !== 'en' && capture === 'Capture') wrong.push(`${code}: Capture is said in English`);
    for (const [name, url] of Object.entries(stations)) {
      if (new URL(url).origin !== new URL(stations.ready).origin) continue;
      for (const show of name === 'filling' ? ['', '?show=problem', '?show=tell'] : name === 'over' ? ['', '?show=keep'] : ['']) {
        await page.open(url + show);
        await page.run(() => document.fonts.ready.then(() => true));
        wrong.push(...(await page.run(panel.leaving)).concat(await page.run(look.scrolling)).map((one) => `${code} ${name}${show}: ${one}`));
        pages += 1;
      }
    }
    await page.close();
  }
  const back = await browser.page();
  await back.open(`${new URL(stations.ready).origin}/language?to=/cards&code=en`);
  await back.close();
  report('      every state fits in English, German, Spanish and French', wrong, `${pages} pages`);
}

async function weight() {
  const wrong = [];
  let most = 0, packed = 0;
  for (const [name, url] of Object.entries(stations)) {
    const parts = [];
    for (const path of [url, '/static/steelyard.css', '/static/station.css', '/static/steelyard.js', '/static/station.js']) {
      parts.push(Buffer.from(await (await fetch(new URL(path, url))).arrayBuffer()));
    }
    const raw = parts.reduce((sum, part) => sum + part.length, 0), small = parts.reduce((sum, part) => sum + gzipSync(part).length, 0);
    if (raw > 100_000 || small > 30_000) wrong.push(`${name}: ${raw} bytes, ${small} packed`);
    most = Math.max(most, raw);
    packed = Math.max(packed, small);
  }
  report('16    weight with style and script', wrong, `${(most / 1000).toFixed(0)} kB raw, ${(packed / 1000).toFixed(0)} kB packed`);
}

async function paint() {
  const times = [];
  for (let at = 0; at < 5; at += 1) {
    const page = await browser.page({ slower: 4 });
    await page.open(stations.ready);
    await rest(300);
    times.push(await page.run(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 9999));
    await page.close();
  }
  const middle = median(times);
  report('17    first paint at a quarter of the speed, median of 5', middle <= 1000 ? [] : ['1 s at most'], `${(middle / 1000).toFixed(2)} s`);
}

async function heartbeats() {
  const page = await browser.page(), wrong = [];
  await page.open(stations.ready);
  for (let at = 0; at < 70; at += 1) {
    await rest(100);
    if (await page.run(look.lost)) wrong.push(`shown after ${at / 10} s`);
  }
  report('9     7 s of heartbeats: never "Live view lost"', wrong);
  await page.close();
}

// The number moves with the scale; page, button and focus stay what they are from the first gram to Capture.
async function pouring() {
  const page = await browser.page(), seen = new Set();
  await page.open(stations.arming);
  await page.run(() => { window.same = document.getElementById('capture'); window.same.focus(); });
  for (let at = 0; at < 40; at += 1) {
    await rest(100);
    seen.add(await page.run(() => document.getElementById('capture').className));
  }
  const same = await page.run(() => window.same === document.getElementById('capture') && document.activeElement === window.same);
  report('      Capture opens and closes under the finger, and stays the same button', same && seen.size === 2 ? [] : [`same: ${same}, seen: ${[...seen].join(' | ')}`]);
  await page.open(stations.pouring);
  const numbers = new Set();
  for (let at = 0; at < 30; at += 1) {
    await rest(100);
    numbers.add(await page.run(() => document.getElementById('net').textContent));
  }
  report('      a weight that moves is seen moving', numbers.size >= 8 ? [] : [`only ${numbers.size} numbers in 3 s`], `${numbers.size} numbers in 3 s`);
  await page.close();
}

// From the gateway's "open" to the armed button.
async function arming() {
  const page = await browser.page();
  await page.open(stations.arming);
  const late = await page.run(() => new Promise((done) => {
    const told = [], shown = [], live = new EventSource(document.getElementById('main').dataset.live);
    const button = document.getElementById('capture');
    live.addEventListener('v', (e) => {
      const v = JSON.parse(e.data);
      if (v.id === 'capture' && v.set && 'class' in v.set && v.set.class.endsWith('armed')) told.push(performance.now());
    });
    new MutationObserver(() => {
      if (button.className.endsWith('armed')) requestAnimationFrame(() => shown.push(performance.now()));
    }).observe(button, { attributes: true, attributeFilter: ['class'] });
    // Two streams of the same gateway: what one is told, the other shows at the same moment.
    setTimeout(() => { live.close(); done(shown.map((at) => Math.min(...told.map((then) => Math.abs(at - then))))); }, 10000);
  }));
  const most = Math.max(...late);
  report('      an opened Capture is armed on the screen at once', late.length >= 2 && most <= 150 ? [] : [`${late.length} times, ${most} ms`], `${most.toFixed(0)} ms at most of ${late.length}`);
  await page.close();
}

async function cut() {
  const target = new URL(stations.ready), open = new Set();
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
  await page.open(`http://127.0.0.1:${port}${target.pathname}`);
  await rest(1500);
  await page.run(panel.countActs);
  await panel.press(page, '#capture');
  const before = await page.run(() => window.acts.length);
  await rest(500);
  const begun = performance.now();
  proxy.close();
  for (const socket of open) socket.destroy();
  const after = await until(page, true, 5000, begun);
  report('6     the line is cut: "Live view lost" within 3 s', after <= 3000 ? [] : ['too late'], `${(after / 1000).toFixed(2)} s`);
  await page.run(() => { window.acts.length = 0; document.getElementById('capture').focus(); });
  await panel.press(page, '#capture');
  await panel.type(page, ['Enter'], 0);
  await panel.type(page, [...'STEELYARD:CAPTURE', 'Enter'], 5);
  await rest(300);
  const taken = await page.run(() => window.acts.length);
  const claims = await page.run(() => ['.kw .st', '.kw .tol', '.kact .say'].filter((at) => getComputedStyle(document.querySelector(at)).visibility !== 'hidden'));
  report('10    Capture takes no finger, no Enter and no card then; its claims are gone', [...(before === 1 ? [] : [`before: ${before} captures`]), ...(taken ? [`after: ${taken} captures`] : []), ...claims], `${before} before, ${taken} after`);
  proxy = createServer(pipe);
  await listen(port);
  const back = await until(page, false, 10000, performance.now());
  await rest(300);
  const again = await page.run(() => getComputedStyle(document.querySelector('.kw .st')).visibility === 'visible' && getComputedStyle(document.getElementById('capture')).pointerEvents !== 'none');
  report('10    the line is back: so are they', back <= 5000 && again ? [] : [`after ${back} ms, open: ${again}`], `${(back / 1000).toFixed(2)} s with finding it again`);
  await page.close();
  proxy.close();
  for (const socket of open) socket.destroy();
}

async function scriptDies() {
  const page = await browser.page();
  await page.open(stations.ready);
  await rest(1500);
  const begun = performance.now();
  await page.run(() => { JSON.parse = () => { throw new Error('the script has died'); }; });
  const after = await until(page, true, 5000, begun);
  report('7     the script dies: "Live view lost" all the same', after <= 3000 ? [] : ['too late'], `${(after / 1000).toFixed(2)} s`);
  await page.close();
}

async function withoutScript() {
  const page = await browser.page({ script: false }), wrong = [];
  await page.open(stations.ready);
  const text = await page.run(() => document.body.innerText);
  for (const part of ['Cetearyl alcohol', '3.604', 'In tolerance', 'Stable', 'L-88213', 'P-0417', 'Capture', 'all sealed']) if (!text.includes(part)) wrong.push(`missing: ${part}`);
  const begun = performance.now(), again = page.once('Page.loadEventFired');
  await Promise.race([again, rest(13000).then(() => wrong.push('is not loaded anew'))]);
  report('8     without script: complete, and loaded anew every 10 s', wrong, `${((performance.now() - begun) / 1000).toFixed(1)} s`);
  await page.close();
}

// A scanner types fast and ends with Enter, wherever the focus is. A person doesn't.
async function scanner() {
  const page = await browser.page(), wrong = [];
  for (const focus of ['#capture', '#zero', '#problem', 'body']) {
    await page.open(stations.ready);
    await page.run(panel.countActs);
    await page.run((at) => document.querySelector(at).focus?.(), focus);
    await panel.type(page, [...'L-88213 B', 'Enter'], 8);
    await rest(200);
    const [scans, acts, clicks] = await page.run(() => [window.scans, window.acts, window.clicks]);
    if (scans.length !== 1 || scans[0] !== 'L-88213 B') wrong.push(`${focus}: scans ${JSON.stringify(scans)}`);
    if (acts.length !== 1 || !acts[0].includes('act=scan')) wrong.push(`${focus}: asked ${JSON.stringify(acts)}`);
    if (clicks) wrong.push(`${focus}: ${clicks} clicks`);
  }
  report('11    a burst is one scan and presses nothing, whatever has the focus', wrong);
  await page.open(stations.ready);
  await page.run(panel.countActs);
  await panel.type(page, [...'L-88213'], 120);
  const slow = await page.run(() => [window.scans.length, window.clicks]);
  report('11    typing at 120 ms is no scan', slow[0] || slow[1] ? [`${slow}`] : []);
  await page.run(() => document.getElementById('capture').focus());
  await panel.type(page, [' '], 120);
  await rest(200);
  const pressed = await page.run(() => window.acts.filter((act) => act.includes('act=capture')).length);
  report('      a person’s space bar still presses what has the focus', pressed === 1 ? [] : [`${pressed} captures`]);
  await page.open(`${stations.filling}?show=type`);
  await page.run(panel.countActs);
  await page.run(() => document.getElementById('typed').focus());
  await panel.type(page, [...'P-0417'], 60);
  await rest(80);
  await panel.type(page, [...'STEELYARD:NEXT', 'Enter'], 6);
  await rest(200);
  const [typed, scans] = await page.run(() => [document.getElementById('typed').value, window.scans]);
  report('      a scan into a field leaves what was typed there', typed === 'P-0417' && scans.length === 1 ? [] : [`field: ${typed}, scans: ${scans}`]);
  await page.open(stations.ready);
  await page.run(panel.countActs);
  await panel.gs1(page);
  await rest(200);
  const parts = await page.run(() => window.scans);
  report('      Ctrl+] of a scanner is the group separator', parts[0] === '10L-1\u001d17280331' ? [] : [JSON.stringify(parts)]);
  await page.close();
}

async function tabs() {
  const page = await browser.page(), order = [];
  let ring = [];
  await page.open(stations.ready);
  for (let at = 0; at < 4; at += 1) {
    await panel.type(page, ['Tab'], 0);
    const [id, outline] = await page.run(() => [document.activeElement.id, getComputedStyle(document.activeElement).outline]);
    order.push(id);
    if (!/(^|\s)3px/.test(outline) || !/solid/.test(outline)) ring.push(`${id}: ${outline}`);
  }
  const wanted = 'zero tare problem capture';
  report('12    the order of Tab is Zero, Tare, Problem, Capture, with a ring of 3 px', order.join(' ') === wanted ? ring : [order.join(' ')]);
  await page.close();
}

// Without colours every word is still there: the picture is taken, the words are compared by what the page says.
async function grey() {
  const wrong = [];
  for (const [name, words] of Object.entries({ ready: ['In tolerance', 'Stable'], over: ['Too much'], offline: ['No weight', 'No answer'], wrong: ['Wrong material'], overdue: ['check overdue'], held: ['safe here'], failed: ['has failed'] })) {
    const page = await browser.page();
    await page.ask('Emulation.setEmulatedVisionDeficiency', { type: 'achromatopsia' });
    await page.open(stations[name]);
    const text = await page.run(() => document.body.innerText);
    for (const word of words) if (!text.includes(word)) wrong.push(`${name}: ${word} is not said`);
    const shapes = await page.run(() => document.querySelectorAll('.kw svg, .kbar svg, .kside svg').length);
    if (!shapes) wrong.push(`${name}: no shape`);
    await page.close();
  }
  report('14    without colour every state has its words and a shape', wrong);
}

// A wall display only looks.
async function othersLook() {
  const page = await browser.page(), wrong = [];
  await page.open(`${stations.ready}?wall=1`);
  const [buttons, why, closed] = await page.run(() => [[...document.querySelectorAll('button')].filter((at) => at.checkVisibility({ visibilityProperty: true })).length, document.getElementById('why').textContent, document.getElementById('capture').getAttribute('aria-disabled')]);
  if (buttons > 1 || closed !== 'true') wrong.push(`${buttons} buttons, closed: ${closed}`);
  if (!/looks only/.test(why)) wrong.push(`says: ${why}`);
  report('      a wall display looks only, and says so', wrong);
  await page.close();
}

async function scannerSetUp() {
  const wrong = [], page = await browser.page(), origin = new URL(stations.ready).origin;
  const scan = async (keys, ms) => {
    await page.open(`${origin}/scanner`);
    const loaded = page.once('Page.loadEventFired');
    await page.run(() => document.getElementById('code').focus());
    await panel.type(page, keys, ms);
    await Promise.race([loaded, rest(4000)]);
    return page.run(() => document.getElementById('verdict').innerText);
  };
  const good = 'STEELYARD:TEST-azqwmyz/AZQWMYZ=0123456789+()';
  for (const [keys, words] of [
    [[...good, 'Enter'], 'set up well'],
    [[...good], 'No Enter came'],
    [[...good.replace(/y/g, '\0').replace(/z/g, 'y').replace(/\0/g, 'z').replace(/Y/g, '\0').replace(/Z/g, 'Y').replace(/\0/g, 'Z').replace(/-/g, 'ß').replace('/', '-').replace('=', '´').replace('+', '`').replace(':', 'Ö').replace('()', ')='), 'Enter'], 'German'],
    [[...'010401234567890110L-88213y17280331', 'Enter'], 'separator of the GS1 code was swallowed'],
  ]) {
    const said = await scan(keys, 6);
    if (!said.includes(words)) wrong.push(`${words}: ${said.replace(/\s+/g, ' ').slice(0, 160)}`);
  }
  report('      the set-up page finds a missing Enter, a wrong keyboard, a swallowed separator', wrong);
  await page.close();
}

async function cards() {
  const page = await browser.page(), wrong = [];
  await page.open(`${new URL(stations.ready).origin}/cards`);
  const [codes, words] = await page.run(() => [document.querySelectorAll('.cards svg path').length, document.querySelector('.cards').innerText]);
  for (const word of ['CAPTURE', 'TARE', 'ZERO', 'PRINT', 'NEXT', 'PROBLEM', 'SIGN-OUT']) if (!words.includes(`STEELYARD:${word}`)) wrong.push(`no card ${word}`);
  if (codes < 7) wrong.push(`${codes} codes`);
  await page.ask('Emulation.setEmulatedMedia', { media: 'print' });
  if (await page.run(() => getComputedStyle(document.querySelector('.bar')).display !== 'none')) wrong.push('the bar is printed too');
  report('      command cards are printed from here', wrong);
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
