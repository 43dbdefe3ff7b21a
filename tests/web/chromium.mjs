// Drives a headless Chromium over its own pipe. Nothing to install but Chromium and Node.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Browser {
  static async start(program) {
    const browser = new Browser();
    browser.home = mkdtempSync(join(tmpdir(), 'steelyard-web.'));
    const words = ['--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
      '--no-first-run', '--no-default-browser-check', '--disable-extensions', '--disable-component-update',
      '--disable-background-networking', '--hide-scrollbars', '--force-color-profile=srgb', `--user-data-dir=${browser.home}`, 'about:blank'];
    browser.process = spawn(program, words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    browser.gone = new Promise((done) => browser.process.once('exit', done));
    browser.asked = new Map();
    browser.heard = new Set();
    browser.number = 0;
    let rest = Buffer.alloc(0);
    browser.process.stdio[4].on('data', (piece) => {
      rest = Buffer.concat([rest, piece]);
      for (let end; (end = rest.indexOf(0)) >= 0; rest = rest.subarray(end + 1)) browser.#take(JSON.parse(rest.subarray(0, end).toString()));
    });
    browser.gone.then(() => { for (const { no } of browser.asked.values()) no(new Error('the browser has gone')); });
    await browser.ask('Browser.getVersion');
    return browser;
  }

  #take(message) {
    if (message.id) {
      const { yes, no } = this.asked.get(message.id) ?? {};
      this.asked.delete(message.id);
      if (message.error) no?.(new Error(message.error.message)); else yes?.(message.result);
    } else for (const listener of this.heard) listener(message);
  }

  ask(method, params = {}, sessionId) {
    const id = ++this.number;
    return new Promise((yes, no) => {
      this.asked.set(id, { yes, no });
      this.process.stdio[3].write(JSON.stringify({ id, method, params, sessionId }) + '\0');
    });
  }

  async page({ width = 1280, height = 800, dark = false, script = true, slower = 1 } = {}) {
    const { targetId } = await this.ask('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.ask('Target.attachToTarget', { targetId, flatten: true });
    const page = new Page(this, targetId, sessionId);
    await page.ask('Page.enable');
    await page.ask('Runtime.enable');
    await page.ask('Log.enable');
    await page.ask('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: false });
    await page.ask('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    if (!script) await page.ask('Emulation.setScriptExecutionDisabled', { value: true });
    if (slower > 1) await page.ask('Emulation.setCPUThrottlingRate', { rate: slower });
    return page;
  }

  async close() {
    await Promise.race([this.ask('Browser.close').catch(() => {}), new Promise((done) => setTimeout(done, 3000))]);
    this.process.kill('SIGKILL');
    await this.gone;
    // Its helpers write their last while they end.
    for (let tries = 0; tries < 20; tries += 1) {
      try { return rmSync(this.home, { recursive: true, force: true }); } catch { await new Promise((done) => setTimeout(done, 100)); }
    }
  }
}

class Page {
  constructor(browser, target, session) {
    Object.assign(this, { browser, target, session, complaints: [] });
    this.listener = (message) => {
      if (message.sessionId !== session) return;
      if (message.method === 'Log.entryAdded' && message.params.entry.level === 'error') this.complaints.push(message.params.entry.text);
      if (message.method === 'Runtime.exceptionThrown') this.complaints.push(message.params.exceptionDetails.text);
    };
    browser.heard.add(this.listener);
  }

  ask(method, params) {
    return this.browser.ask(method, params, this.session);
  }

  // Goes to an address and waits until it is loaded and its letters are there.
  async open(url) {
    const loaded = this.once('Page.loadEventFired');
    await this.ask('Page.navigate', { url });
    await loaded;
  }

  once(method) {
    return new Promise((done) => {
      const listener = (message) => {
        if (message.sessionId === this.session && message.method === method) {
          this.browser.heard.delete(listener);
          done(message.params);
        }
      };
      this.browser.heard.add(listener);
    });
  }

  // Runs a function inside the page and brings its value back.
  async run(what, ...words) {
    const expression = `(${what})(${words.map((word) => JSON.stringify(word)).join(',')})`;
    const { result, exceptionDetails } = await this.ask('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async picture() {
    const { data } = await this.ask('Page.captureScreenshot', { format: 'png' });
    return Buffer.from(data, 'base64');
  }

  async close() {
    this.browser.heard.delete(this.listener);
    await this.browser.ask('Target.closeTarget', { targetId: this.target });
  }
}
