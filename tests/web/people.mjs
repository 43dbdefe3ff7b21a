// Signing in and the dialog of a signature, in a browser, before a real gateway: node tests/web/people.mjs BINARY [PICTURES]
// BINARY is the test binary `gateway`, which starts one with everybody of tests/gateway/people/site.rs.

import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Browser } from './chromium.mjs';
import * as look from './look.mjs';

const sizes = [[1280, 800], [1920, 1080], [390, 844]];
let failed = 0;

function report(what, wrong, measured = '') {
  if (wrong.length) failed += 1;
  console.log(`${wrong.length ? 'FAILED' : 'ok    '} ${what}${measured && `: ${measured}`}`);
  for (const one of wrong.slice(0, 12)) console.log(`         ${one}`);
}

const site = await serve(process.argv[2]);
const browser = await Browser.start(process.env.CHROMIUM ?? 'chromium');
try {
  await signIn();
  await everySize();
  await panel();
  await dialog();
} finally {
  await browser.close();
  await site.close();
}
console.log(failed ? `${failed} checks failed` : 'every check passed');
process.exit(failed ? 1 : 0);

async function serve(binary) {
  const words = ['serves_its_people', '--nocapture', '--test-threads=1'];
  const server = spawn(binary, words, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, STEELYARD_SERVE_FIXTURES: '1' } });
  const gone = new Promise((done) => server.once('exit', done));
  let text = '';
  const told = await new Promise((yes, no) => {
    server.stdout.on('data', (piece) => {
      text += piece;
      const line = text.split('\n').find((line) => line.startsWith('{') && line.endsWith('}'));
      if (line) yes(JSON.parse(line));
    });
    gone.then(() => no(new Error(`the gateway could not be served:\n${text}`)));
  });
  return { ...told, close: () => { server.stdin.end('end\n'); return gone; } };
}

async function picture(page, name) {
  if (process.argv[3]) writeFileSync(join(process.argv[3], `${name}.png`), await page.picture());
}

// Types into a field and sends its form, as a person does.
async function send(page, fields) {
  const loaded = page.once('Page.loadEventFired');
  await page.run((fields) => {
    for (const [name, value] of Object.entries(fields)) {
      const at = document.querySelector(`form.dlg [name="${name}"]:not([type=radio])`);
      if (at) at.value = value; else document.querySelector(`form.dlg [name="${name}"][value="${value}"]`).checked = true;
    }
    document.querySelector('form.dlg button.go').click();
  }, fields);
  await loaded;
}

async function signIn() {
  const page = await browser.page(), wrong = [];
  await page.open(`${site.url}/sign-in`);
  await picture(page, 'sign-in');
  await send(page, { name: 'rev', secret: 'wrong horse' });
  if (!await page.run(() => document.querySelector('.wrong')?.textContent.includes('do not belong together'))) wrong.push('a wrong password is not said in words');
  await send(page, { name: 'rev', secret: site.password });
  if (await page.run(() => location.pathname) !== '/') wrong.push('signed in, and not sent on');
  if (await page.run(() => document.querySelector('.user')?.textContent.includes('Rita Vogel')) !== true) wrong.push('nobody says who is signed in');
  if (await page.run(() => document.cookie) !== '') wrong.push('a script reads a cookie');
  report('      name and password open a session that no script can read', wrong);
  await page.close();
}

async function everySize() {
  const found = { leaving: [], contrast: [], targets: [], foreign: [], scrolling: [], complaints: [] };
  let pages = 0;
  for (const path of ['/sign-in', '/password', '/enrol', '/people', '/sign?batch=B-2611-042&to=/']) {
    for (const [width, height] of sizes) for (const dark of [false, true]) {
      const page = await browser.page({ width, height, dark });
      const put = (kind, list) => found[kind].push(...list.map((one) => `${path} ${width}${dark ? ' dark' : ''}: ${one}`));
      await page.open(site.url + path);
      await page.run(() => document.fonts.ready.then(() => true));
      put('leaving', await page.run(look.leaving));
      put('contrast', (await page.run(look.contrast)).wrong);
      put('targets', await page.run(look.targets));
      put('foreign', await page.run(look.foreign));
      if (width > 640) put('scrolling', await page.run(look.scrolling));
      put('complaints', page.complaints.filter((text) => !text.includes('403') && !text.includes('401')));
      if (width === 1280) await picture(page, `${path.split('?')[0].slice(1)}${dark ? '-dark' : ''}`);
      pages += 1;
      await page.close();
    }
  }
  report('1, 4  nothing scrolls sideways, no text leaves its panel', found.leaving, `${pages} pages`);
  report('2     everything fits 1280×800 and 1920×1080', found.scrolling);
  report('3     letters stand out 4.5 to 1, large ones 3 to 1', found.contrast);
  report('5     targets are 44 px at least', found.targets);
  report('15    nothing inline, nothing from elsewhere', found.foreign);
  report('      the browser has nothing to complain about', found.complaints);
}

async function panel() {
  const page = await browser.page(), wrong = [];
  await page.open(`${site.url}/enrol`);
  await send(page, { code: site.code });
  if (!await page.run(() => document.body.textContent.includes('This is panel left of Booth 2'))) wrong.push('the code did not make this browser a panel');
  // the scanner types the badge into the first field and presses Enter
  await send(page, { name: site.badge });
  if (!await page.run(() => !!document.getElementById('pin'))) wrong.push('no PIN is asked for after a badge');
  const small = await page.run(() => Array.from(document.querySelectorAll('.keys .kbtn, .pinned .btn, #pin'), (at) => at.getBoundingClientRect())
    .filter((box) => box.height < 64 || box.width < 72).length);
  if (small) wrong.push(`${small} targets are too small for a glove`);
  if ((await page.run(look.scrolling)).length) wrong.push('the PIN pad scrolls');
  await picture(page, 'pin');
  const typed = await page.run((pin) => {
    for (const digit of pin) document.querySelector(`[data-digit="${digit}"]`).click();
    document.querySelector('[data-digit="1"]').click();
    document.querySelector('[data-digit=""]').click();
    return document.getElementById('pin').value;
  }, site.pin);
  if (typed !== site.pin) wrong.push(`the keys typed ${typed.length} digits`);
  await send(page, {});
  if (await page.run(() => location.pathname) !== '/') wrong.push('badge and PIN did not open the panel');
  report('      a badge, then a PIN by keys for gloves', wrong);
  await page.close();
}

async function dialog() {
  const page = await browser.page(), wrong = [];
  await page.open(`${site.url}/sign-in`);
  await send(page, { name: 'rev', secret: site.password });
  const at = `${site.url}/sign?entries=${site.entry}&title=comment&to=/`;
  await page.open(at);
  const state = await page.run(() => ({
    inert: document.querySelector('.behind').inert,
    inside: document.querySelector('[role=dialog]').contains(document.activeElement),
    modal: document.querySelector('[role=dialog]').getAttribute('aria-modal'),
    says: document.querySelector('[role=dialog]').textContent,
    open: Array.from(document.querySelectorAll('[name=meaning]:not(:disabled)'), (one) => one.value),
  }));
  if (!state.inert) wrong.push('the page behind can be used');
  if (!state.inside || state.modal !== 'true') wrong.push('the focus is not in the dialog');
  for (const part of ['Rita Vogel (rev)', 'Recorded as “Reviewed”', 'can’t be taken back']) if (!state.says.includes(part)) wrong.push(`it does not say ${part}`);
  if (state.open.includes('performed')) wrong.push('a reviewer may say "I did it myself"');
  await picture(page, 'dialog');
  // neither without a meaning nor without a password: not by the button, not by a request
  for (const fields of [{ secret: 'x' }, { meaning: 'reviewed' }]) {
    const valid = await page.run((fields) => {
      const form = document.querySelector('form.dlg');
      form.reset();
      if (fields.secret) form.elements.secret.value = fields.secret;
      if (fields.meaning) form.querySelector('[value=reviewed]').checked = true;
      return form.checkValidity();
    }, fields);
    if (valid) wrong.push(`the form goes off with ${JSON.stringify(fields)} alone`);
    const status = await page.run((fields) => {
      const form = document.querySelector('form.dlg'), body = new URLSearchParams({ entries: form.elements.entries.value, form: form.elements.form.value, ...fields });
      return fetch('/sign', { method: 'POST', body }).then((answer) => answer.status);
    }, fields);
    if (status < 400) wrong.push(`the gateway signs with ${JSON.stringify(fields)} alone`);
  }
  const left = page.once('Page.loadEventFired');
  await page.ask('Input.dispatchKeyEvent', { type: 'keyDown', key: 'Escape', code: 'Escape', windowsVirtualKeyCode: 27 });
  await left;
  if (await page.run(() => location.pathname) !== '/') wrong.push('Escape does not cancel');
  await page.open(at);
  await send(page, { meaning: 'reviewed', secret: site.password, text: 'as it should be' });
  const after = await page.run(() => [location.pathname, document.querySelector('.wrong')?.textContent ?? '']);
  if (after[0] !== '/') wrong.push(`signed, and not sent on: ${after.join(' ')}`);
  report('19    the dialog: inert behind, focus inside, Escape cancels, no signature without meaning or password', wrong);
  await page.close();
}
