// The people of the journeys: Anna leads, Ben is her colleague, Margit shows her camera. Everything
// goes through the real pages.

import { rememberConnections } from '../lib/connections.mjs';
import { Person } from '../lib/steps.mjs';

export const ORGANISATION = 'Halden Fibre';

/**
 * Starts the product with Anna and Ben as technicians, and a browser for everybody.
 * @param {import('../lib/scenario.mjs').Scenario} scenario
 * @param {{ server?: import('../lib/server.mjs').Server, chromium?: object }} [options]
 */
export async function openHouse(scenario, { server, chromium } = {}) {
  const product =
    server ?? (await scenario.server(['--organisation', ORGANISATION]));
  const anna = product.technician('anna.berg@example.com', 'Anna Berg');
  const ben = product.technician('ben.okafor@example.com', 'Ben Okafor');
  const browser = await scenario.chromium(chromium);
  return new House(scenario, product, browser, { anna, ben });
}

/** A running product and the people who use it. */
export class House {
  constructor(scenario, product, browser, accounts) {
    this.scenario = scenario;
    this.product = product;
    this.browser = browser;
    this.accounts = accounts;
  }

  /** A technician at the console, signed in. */
  async technician(who, { browser = this.browser } = {}) {
    const account = this.accounts[who];
    const watched = await browser.newPage({
      name: who,
      size: 'desk',
      origin: this.product.origin,
      permissions: ['microphone', 'clipboard-read', 'clipboard-sanitized-write', 'notifications'],
      script: rememberConnections,
    });
    await watched.open(`${this.product.origin}/console`);
    const person = new Technician(watched, this);
    await person.sees('button', 'Sign in');
    await watched.checkAccessibility('sign in');
    await person.type('E-mail', account.email);
    await person.type('Password', account.password);
    await person.press('button', 'Sign in');
    await person.sees('heading', 'Sessions', { limit: 20_000 });
    await watched.checkAccessibility('sessions, empty');
    return person;
  }

  /**
   * A customer with a phone; `path` is what the address bar holds.
   * @param {{ name?: string, browser?: any, permissions?: string[], denied?: string[],
   *   size?: string, path?: string, language?: string, voice?: boolean }} [options]
   */
  async customer({
    name = 'margit',
    browser = this.browser,
    permissions = ['camera', 'microphone'],
    denied = [],
    size = 'phone',
    path = '/',
    language,
  } = {}) {
    const watched = await browser.newPage({
      name,
      size,
      origin: this.product.origin,
      permissions: browser.kind === 'chromium' ? permissions : [],
      denied,
      language,
      script: rememberAll,
    });
    await watched.open(new URL(path, this.product.origin).href);
    return new Customer(watched, this);
  }

  /** Anna has made a session and Margit has come to it by PIN, up to the consent sheet. */
  async met(options = {}) {
    const anna = await this.technician('anna');
    const { pin, link } = await anna.makesSession();
    const margit = await this.customer(options);
    await margit.entersPin(pin);
    return { anna, margit, pin, link };
  }

  /** Anna sees Margit's camera. */
  async live(options = {}) {
    const people = await this.met(options);
    await people.margit.agrees(options);
    await people.anna.starts();
    await Promise.all([people.anna.seesVideo(), people.margit.isLive()]);
    return people;
  }
}

/** Somebody at the console. */
export class Technician extends Person {
  constructor(watched, house) {
    super(watched);
    this.house = house;
  }

  /** Makes a session with the button; returns its PIN and link as shown and copied. */
  async makesSession() {
    await this.press('button', 'New session');
    await this.sees('heading', 'New session');
    const pin = await this.until('a PIN is shown', () => {
      const found = document.body.innerText.match(/\b\d{3} \d{3}\b/);
      return found && found[0];
    });
    await this.page.bringToFront();
    await this.press('button', 'Copy link');
    const link = await this.until('the link is in the clipboard', async () => {
      const text = await navigator.clipboard.readText();
      return text.includes('/s#') && text;
    });
    this.house.product.secret('PIN', pin.replace(/ /g, ''));
    this.house.product.secret('PIN', pin);
    this.house.product.secret('link', link.split('#')[1]);
    return { pin, link };
  }

  /** Presses Start as soon as the customer has agreed. */
  async starts() {
    await this.press('button', /^Start/, { limit: 20_000 });
  }

  /** Opens the one session of the list. */
  async opensSession() {
    await this.page.evaluate(() => {
      const row = document.querySelector('tr[data-session]');
      if (row instanceof HTMLElement) row.click();
    });
    await this.sees('toolbar', 'Session tools');
  }

  /** Closes the session with a reason. */
  async closes(reason = 'Solved', note) {
    await this.press('button', 'Close');
    await this.sees('heading', /^Close the session with/);
    await this.watched.checkAccessibility('closing');
    await this.press('radio', reason);
    if (note) await this.type(/^Note for the log/, note);
    await this.press('button', 'Close session');
  }

  /** Writes a chat line. */
  async writes(text) {
    this.house.product.secret('chat line', text);
    await this.type(/^Message to/, text, { enter: true });
  }
}

/** Somebody with a camera. */
export class Customer extends Person {
  constructor(watched, house) {
    super(watched);
    this.house = house;
  }

  /** Types a PIN and goes on, up to the consent sheet. */
  async entersPin(pin) {
    await this.sees('heading', 'Enter your PIN');
    await this.watched.checkAccessibility('PIN');
    await this.type('PIN', pin);
    await this.press('button', 'Continue');
    await this.sees('button', 'Turn on camera');
    await this.watched.checkAccessibility('consent');
  }

  /** Taps Continue on the page that a link opens. */
  async followsLink() {
    await this.sees('heading', 'Show what you see');
    await this.watched.checkAccessibility('link');
    await this.press('button', 'Continue');
    await this.sees('button', 'Turn on camera');
  }

  /** Agrees, to camera and voice or to the camera only, and waits for the own preview. */
  async agrees({ voice = true } = {}) {
    await this.press('radio', voice ? /^Camera and voice/ : /^Camera only/);
    await this.press('button', 'Turn on camera');
    await this.seesVideo();
  }

  /** Waits until the page says that the camera is seen. */
  async isLive() {
    await this.sees('button', /can see this/, { limit: 20_000 });
    await this.watched.checkAccessibility('live');
  }

  async writes(text) {
    this.house.product.secret('chat line', text);
    await this.press('button', /^Chat/);
    await this.type(/^Message to/, text, { enter: true });
  }

  /** What getUserMedia was asked for, and the tracks it gave that still run. */
  async capture() {
    return this.page.evaluate(() => ({
      asked: globalThis.__asked,
      running: globalThis.__captured.filter((t) => t.readyState === 'live').map((t) => t.kind),
    }));
  }
}

// Runs first in each document: keeps connections, and what the camera was asked for.
const rememberAll = `(${rememberConnections})();
(${function rememberCapture() {
  globalThis.__asked = [];
  globalThis.__captured = [];
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const original = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    globalThis.__asked.push({ video: Boolean(wanted.video), audio: Boolean(wanted.audio) });
    const stream = await original(wanted);
    globalThis.__captured.push(...stream.getTracks());
    return stream;
  };
}})();`;
