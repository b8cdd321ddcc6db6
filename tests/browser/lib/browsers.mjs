// Real browsers for the scenarios: Debian's Chromium over the DevTools protocol and Firefox ESR over
// WebDriver BiDi, and pages that fail their scenario when something goes wrong in them: an uncaught
// error, a violation of the content security policy, a missing file of the product, an axe finding.

import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { cameraFile, toneFile } from './camera.mjs';
import { ARTIFACTS } from './paths.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/**
 * Page states that axe has judged in this run, this process's and earlier ones' (run.mjs hands them on).
 * @type {Set<string>}
 */
export const judged = new Set(JSON.parse(process.env.LENS_JUDGED ?? '[]'));

/** The tone that Chromium's fake microphone plays, in hertz. */
export const MICROPHONE_HERTZ = 660;

/** The tone of Firefox's fake microphone, in hertz. */
export const FIREFOX_HERTZ = 1_000;

const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const DESK = { width: 1440, height: 900, deviceScaleFactor: 1 };

/** Sizes a page can be opened with. */
export const SIZES = { phone: PHONE, desk: DESK };

/**
 * @typedef {object} PageOptions
 * @property {string} [name] stands before its faults and names its artifacts
 * @property {string | { width: number, height: number }} [size]
 * @property {any[]} [permissions] granted before anything loads ('camera', 'microphone', …)
 * @property {string[]} [denied] refused without a question
 * @property {string} [origin] for which the permissions hold
 * @property {string} [language]
 * @property {any} [script] runs in each document first
 */

/**
 * Starts Chromium with the counted camera (or `camera`, another file of motion JPEG) and a tone as
 * microphone. `wrap` is a command put before it, such as `['ip', 'netns', 'exec', NAME]`.
 * @param {{ camera?: string, wrap?: string[], flags?: string[] }} [options]
 */
export async function launchChromium({ camera, wrap = [], flags = [] } = {}) {
  const executable = firstThatExists(
    process.env.LENS_CHROMIUM,
    '/usr/lib/chromium/chromium',
    '/usr/bin/chromium',
  );
  const video = camera ?? cameraFile(join(ARTIFACTS, 'camera.mjpeg'));
  const audio = toneFile(join(ARTIFACTS, 'microphone.wav'), MICROPHONE_HERTZ);
  const wrapped = wrap.length > 0 ? wrapper(wrap, executable) : null;
  const browser = await puppeteer.launch({
    browser: 'chrome',
    executablePath: wrapped ?? executable,
    pipe: true,
    headless: true,
    acceptInsecureCerts: true,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--ignore-certificate-errors',
      '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${video}`,
      `--use-file-for-fake-audio-capture=${audio}`,
      '--autoplay-policy=user-gesture-required',
      '--lang=en-US',
      ...flags,
    ],
  });
  if (wrapped) rmSync(wrapped);
  return new Browser(browser, 'chromium');
}

/** Starts Firefox with its own fake camera and microphone. Its peers need a real address. */
export async function launchFirefox({ language = 'en-US' } = {}) {
  const executable = firstThatExists(
    process.env.LENS_FIREFOX,
    '/usr/bin/firefox-esr',
    '/usr/bin/firefox',
  );
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: executable,
    headless: true,
    acceptInsecureCerts: true,
    extraPrefsFirefox: {
      'media.navigator.streams.fake': true,
      'media.navigator.permission.disabled': true,
      'media.autoplay.default': 0,
      'media.navigator.audio.fake_frequency': FIREFOX_HERTZ,
      'media.peerconnection.ice.obfuscate_host_addresses': false,
      'media.gmp-manager.updateEnabled': false,
      'intl.accept_languages': language,
    },
  });
  return new Browser(browser, 'firefox');
}

/** A running browser; every page is a context of its own, as if on another device. */
export class Browser {
  #browser;
  #pages = [];

  constructor(browser, kind) {
    this.#browser = browser;
    this.kind = kind;
  }

  /**
   * Opens a page in a fresh context.
   * @param {PageOptions} [options]
   */
  async newPage({ name, size = 'desk', permissions = [], denied = [], origin, ...rest } = {}) {
    const context = await this.#browser.createBrowserContext();
    const page = await context.newPage();
    const watched = new WatchedPage(page, name ?? `page-${this.#pages.length + 1}`, this);
    this.#pages.push(watched);
    await watched.prepare({ size, permissions, denied, origin, ...rest });
    return watched;
  }

  /** Pages opened so far. */
  get pages() {
    return this.#pages;
  }

  /** The browser's version line. */
  version() {
    return this.#browser.version();
  }

  /** The operating system's number of the browser's main process. */
  get pid() {
    return this.#browser.process()?.pid;
  }

  async close() {
    await Promise.race([this.#browser.close().catch(() => {}), within(5_000)]);
    const process = this.#browser.process();
    if (process && process.exitCode === null) process.kill('SIGKILL');
  }
}

/** A page that remembers what went wrong in it. `page` is puppeteer's. */
export class WatchedPage {
  #faults = [];
  #allowed = [];
  #log = [];

  constructor(page, name, browser) {
    this.page = page;
    this.name = name;
    this.browser = browser;
  }

  /** @param {PageOptions} options */
  async prepare({ size, permissions, denied, origin, language, script }) {
    const { page } = this;
    // A number for both times that puppeteer itself waits, well under the scenario's own limit.
    page.setDefaultTimeout(15_000);
    page.setDefaultNavigationTimeout(20_000);
    if (this.browser.kind === 'chromium') {
      await page.setViewport(SIZES[size] ?? size);
      await this.#setPermissions(origin, permissions, denied);
      if (language) await this.#speak(language);
    } else {
      const { width, height } = SIZES[size] ?? size;
      await page.setViewport({ width, height });
    }
    this.#listen();
    await page.evaluateOnNewDocument(rememberViolations);
    if (script) await page.evaluateOnNewDocument(script);
  }

  /** Goes to `url` and waits until its files are there. */
  async open(url) {
    await this.page.goto(url, { waitUntil: 'load' });
    return this;
  }

  /** Faults matching `pattern` are expected in this scenario. */
  allow(pattern) {
    this.#allowed.push(pattern);
    return this;
  }

  /** Everything that went wrong and was not allowed, each as a sentence. */
  async faults() {
    await this.#collectViolations();
    return this.#faults.filter((fault) => !this.#allowed.some((pattern) => pattern.test(fault)));
  }

  /** Console lines and failed requests, for the artifacts. */
  get log() {
    return this.#log;
  }

  /**
   * Runs axe over the page as it stands; findings become faults. `state` names the page state in
   * the fault; it is judged once in a run, whichever scenario comes to it first.
   */
  async checkAccessibility(state) {
    const of = new URL(this.page.url()).pathname.split('/')[1];
    const known = `${of}: ${state}`;
    if (judged.has(known)) return;
    judged.add(known);
    const findings = await axe(this.page);
    for (const { id, help, nodes } of findings) {
      this.#faults.push(`${this.name}: axe ${id} in "${state}": ${help}: ${nodes.join(' | ')}`);
    }
  }

  /** Saves what the page shows. */
  async screenshot(path, options = {}) {
    await this.page.screenshot({ path, ...options });
  }

  async saveArtifacts(directory) {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `${this.name}.log`), `${this.#log.join('\n')}\n`);
    await Promise.race([
      (async () => {
        await this.screenshot(join(directory, `${this.name}.png`));
        writeFileSync(join(directory, `${this.name}.html`), await this.page.content());
      })().catch(() => {}),
      within(5_000),
    ]);
  }

  async close() {
    await this.page.browserContext().close();
  }

  #listen() {
    const { page } = this;
    page.on('pageerror', (error) => {
      this.#fault(`uncaught error: ${error?.stack ?? error}`);
    });
    page.on('console', (message) => {
      const text = message.text();
      this.#log.push(`console ${message.type()}: ${text}`);
      if (/Content Security Policy|Content-Security-Policy/.test(text)) {
        this.#fault(`policy violation: ${text}`);
      }
    });
    page.on('requestfailed', (request) => {
      const reason = request.failure()?.errorText ?? 'no reason given';
      this.#log.push(`request failed: ${request.method()} ${withoutSecrets(request.url())}: ${reason}`);
      if (isPart(request.url()) && !/ABORTED/i.test(reason)) {
        this.#fault(`file failed: ${withoutSecrets(request.url())}: ${reason}`);
      }
    });
    page.on('response', (response) => {
      if (response.status() < 400) return;
      const line = `${response.status()} ${withoutSecrets(response.url())}`;
      this.#log.push(`response: ${line}`);
      if (isPart(response.url())) this.#fault(`file missing: ${line}`);
    });
  }

  #fault(sentence) {
    this.#log.push(`fault: ${sentence}`);
    this.#faults.push(`${this.name}: ${sentence}`);
  }

  async #collectViolations() {
    const seen = await this.page
      .evaluate(() => (globalThis.__violations ?? []).splice(0))
      .catch(() => []);
    for (const violation of seen) this.#fault(`policy violation: ${violation}`);
  }

  async #setPermissions(origin, permissions, denied) {
    if (permissions.length === 0 && denied.length === 0) return;
    const context = this.page.browserContext();
    await context.overridePermissions(origin, permissions);
    // The session stays open: detaching it would take the permissions back.
    const client = await this.page.createCDPSession();
    for (const name of denied) {
      await client.send('Browser.setPermission', {
        permission: { name },
        setting: 'denied',
        origin,
        browserContextId: context.id,
      });
    }
  }

  async #speak(language) {
    const client = await this.page.createCDPSession();
    const userAgent = await this.page.evaluate(() => navigator.userAgent);
    await client.send('Emulation.setUserAgentOverride', { userAgent, acceptLanguage: language });
    await client.send('Emulation.setLocaleOverride', { locale: language });
  }
}

/** Axe's findings on a page at rest, each with the elements concerned. */
export async function axe(page) {
  await page.evaluate(`if (!globalThis.axe) { ${AXE} }`);
  await page.evaluate(comeToRest);
  return page.evaluate(async (tags) => {
    const { violations } = await globalThis.axe.run(document, {
      runOnly: { type: 'tag', values: tags },
      resultTypes: ['violations'],
    });
    return violations.map(({ id, help, nodes }) => ({
      id,
      help,
      nodes: nodes.slice(0, 5).map((node) => `${node.target.join(' ')} (${node.html.slice(0, 120)})`),
    }));
  }, AXE_TAGS);
}

// Runs in the page: puts every movement that ends at its end. A sheet that still fades in has colours
// that nobody reads.
function comeToRest() {
  for (const animation of document.getAnimations()) {
    if (Number.isFinite(animation.effect?.getComputedTiming().endTime)) animation.finish();
  }
}

// Runs first in each document.
function rememberViolations() {
  globalThis.__violations = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    globalThis.__violations.push(
      `${event.effectiveDirective} refused ${event.blockedURI} at ${event.sourceFile}:${event.lineNumber}`,
    );
  });
}

// A file of the product: not an API call, which may rightly answer 4xx.
function isPart(url) {
  return !/\/(api|v1|ws|sse)\//.test(new URL(url).pathname) && !url.endsWith('/favicon.ico');
}

function withoutSecrets(url) {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

function wrapper(wrap, executable) {
  mkdirSync(ARTIFACTS, { recursive: true });
  const path = join(ARTIFACTS, `wrapped-${wrap.join('-').replace(/[^a-z0-9-]/gi, '')}.sh`);
  const quoted = [...wrap, executable].map((part) => `'${part}'`).join(' ');
  writeFileSync(path, `#!/bin/sh\nexec ${quoted} "$@"\n`, { mode: 0o755 });
  return path;
}

function firstThatExists(...paths) {
  const found = paths.find((path) => path && existsSync(path));
  if (!found) throw new Error(`none of these browsers is installed: ${paths.join(', ')}`);
  return found;
}

function within(milliseconds) {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds).unref();
  });
}
