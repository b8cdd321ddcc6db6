// One scenario's surroundings: what it opens is closed after it, what went wrong in any page or in
// the product fails it, and what it measured is printed.

import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { launchChromium, launchFirefox } from './browsers.mjs';
import { AWAY_ADDRESS, Network } from './namespace.mjs';
import { ARTIFACTS } from './paths.mjs';
import { Server } from './server.mjs';

/** Given to each scenario's `run`. */
export class Scenario {
  #closers = [];
  #servers = [];
  #browsers = [];

  constructor(name, network) {
    this.name = name;
    this.facts = {};
    this.network = network ? new Network(network) : null;
    /** Where the product listens in this scenario. */
    this.address = this.network?.address ?? '127.0.0.1';
  }

  /** Starts the product in one process. */
  async server(extra = []) {
    const server = this.adopt(new Server({ address: this.address }));
    await server.start(extra);
    return server;
  }

  /** Takes responsibility for a server that the scenario starts itself. */
  adopt(server) {
    if (this.network) server.secret('address', AWAY_ADDRESS);
    this.#servers.push(server);
    return server;
  }

  /** Starts Chromium; `away` puts it behind the network that can be cut. */
  async chromium({ away = false, ...options } = {}) {
    const wrap = away ? this.network.inAway : [];
    const browser = await launchChromium({ wrap, ...options });
    this.#browsers.push(browser);
    return browser;
  }

  /** Starts Firefox. */
  async firefox(options) {
    const browser = await launchFirefox(options);
    this.#browsers.push(browser);
    return browser;
  }

  /** Runs `close` after the scenario. */
  afterwards(close) {
    this.#closers.push(close);
  }

  /** Notes something measured; it is printed beside the scenario's name. */
  fact(name, value) {
    this.facts[name] = typeof value === 'number' ? Math.round(value * 100) / 100 : value;
  }

  /** Everything that went wrong beside the scenario's own assertions. */
  async faults() {
    const pages = this.#browsers.flatMap((browser) => browser.pages);
    const found = await Promise.all(pages.map((page) => page.faults().catch(() => [])));
    return [...found.flat(), ...this.#servers.flatMap((server) => server.faults())];
  }

  /** Screenshots, pages and logs, for whoever looks into a failure. */
  async saveArtifacts() {
    const directory = join(ARTIFACTS, 'failures', this.name);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const page of this.#browsers.flatMap((browser) => browser.pages)) {
      await page.saveArtifacts(directory);
    }
    this.#servers.forEach((server, i) => {
      writeFileSync(join(directory, `server-${i + 1}.log`), server.log());
    });
    return directory;
  }

  async close() {
    for (const close of this.#closers.reverse()) await close();
    await Promise.all(this.#browsers.map((browser) => browser.close()));
    for (const server of this.#servers) {
      await server.stop().finally(() => server.remove());
    }
  }
}

/** Fails the scenario with a sentence unless `condition` holds. */
export function expect(condition, sentence) {
  if (!condition) throw new Error(sentence);
}

/** Fails unless both are the same; objects are compared by content. */
export function expectSame(found, wanted, sentence) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${sentence}: found ${a}, wanted ${b}`);
}

/** Calls `check` until it gives something truthy; for facts outside of pages. */
export async function eventually(sentence, check, limitMs = 10_000) {
  const started = Date.now();
  let last;
  while (Date.now() - started < limitMs) {
    try {
      last = await check();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 40);
    });
  }
  throw new Error(`not within ${limitMs} ms: ${sentence} (last: ${String(last?.message ?? last)})`);
}
