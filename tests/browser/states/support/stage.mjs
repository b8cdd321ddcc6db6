// Shows the product's pages in one state after the other: a tiny server hands out the pages with the
// product's policy and scripted answers; each state is then looked at in light and dark and in three
// widths, judged by axe, and kept as screenshots under tests/artifacts/states.

import { createServer } from 'node:http';
import { mkdirSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { BROWSER_TESTS, ARTIFACTS, ROOT } from '../../lib/paths.mjs';
import { expect } from '../../lib/scenario.mjs';

const PAGES = join(ROOT, 'website/pages');
const POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const DOCUMENTS = { '/': 'customer.html', '/s': 'customer.html', '/console': 'console.html', '/setup': 'setup.html' };
export const WIDTHS = [
  { width: 320, height: 568 },
  { width: 390, height: 844 },
  { width: 1440, height: 900 },
];

/** The pages' server. `answers` maps `METHOD /path` to `[status, body]` or a function of the body. */
export class StageServer {
  answers = {};
  bytes = 0;

  async start() {
    this.http = createServer((request, response) => this.#answer(request, response));
    await new Promise((resolve) => {
      this.http.listen(0, '127.0.0.1', () => resolve(null));
    });
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.http.address());
    this.base = `http://127.0.0.1:${port}`;
  }

  stop() {
    this.http.closeAllConnections();
    return new Promise((resolve) => {
      this.http.close(resolve);
    });
  }

  async #answer(request, response) {
    const { pathname } = new URL(request.url, 'http://stage');
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    if (pathname.startsWith('/api/')) return this.#api(request, response, pathname);
    const file = fileOf(pathname);
    try {
      const body = readFileSync(file);
      this.bytes += body.length;
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  }

  async #api(request, response, pathname) {
    let text = '';
    for await (const part of request) text += part;
    const scripted = this.answers[`${request.method} ${pathname}`];
    const body = text === '' ? undefined : JSON.parse(text);
    const answer = typeof scripted === 'function' ? await scripted(body) : scripted;
    const [status, value] = answer ?? [404, { code: 'not_found', title: 'not scripted', status: 404 }];
    response.statusCode = status;
    response.setHeader('content-type', status < 400 ? 'application/json' : 'application/problem+json');
    response.end(value === undefined ? '' : JSON.stringify(value));
  }
}

function fileOf(pathname) {
  if (pathname === '/sdk/index.js') return join(BROWSER_TESTS, 'states/support/sdk.js');
  if (pathname.startsWith('/console/')) return join(PAGES, 'console.html');
  const name = DOCUMENTS[pathname] ?? normalize(pathname).replace(/^(\.\.[/\\])+/, '');
  return join(PAGES, name);
}

/**
 * One page state.
 * @typedef {object} State
 * @property {string} name
 * @property {string} path
 * @property {Record<string, any>} [answers]
 * @property {string} [agent] name of the browser
 * @property {string} [before] script run before the page's own
 * @property {string} until selector that is there once the state is reached
 * @property {(page: any, stage: any) => Promise<void>} [steps]
 * @property {string} [language]
 * @property {number} [weight] most bytes the page may load before the SDK
 */

/** Shows all `states` of one page, and fails with everything that is wrong in any of them. */
export async function showStates(scenario, group, states, common) {
  const server = new StageServer();
  await server.start();
  scenario.afterwards(() => server.stop());
  const only = process.env.LENS_STATE;
  const browser = await scenario.chromium({ flags: ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream'] });
  const folder = join(ARTIFACTS, 'states', group);
  mkdirSync(folder, { recursive: true });
  let shown = 0;
  const wrong = [];
  for (const state of states.filter(({ name }) => !only || name.includes(only))) {
    try {
      await showOne({ server, browser, folder, state, common });
    } catch (error) {
      wrong.push(`${state.name}: ${error.message}`);
    }
    shown += 1;
  }
  scenario.fact('states', shown);
  expect(wrong.length === 0, wrong.join('\n'));
}

async function showOne({ server, browser, folder, state, common }) {
  server.answers = { ...common.answers, ...state.answers };
  server.bytes = 0;
  const watched = await browser.newPage({
    name: state.name,
    size: { ...WIDTHS[1], deviceScaleFactor: 1 },
    language: state.language,
    script: [common.before, state.before].filter(Boolean).join(';\n') || undefined,
  });
  const { page } = watched;
  if (state.agent) await page.setUserAgent({ userAgent: state.agent });
  if (state.width) await page.setViewport({ ...WIDTHS.find(({ width }) => width === state.width), deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await watched.open(server.base + state.path);
  const reach = async (selector, { hidden = false } = {}) => {
    try {
      await page.waitForSelector(selector, { timeout: 8_000, visible: !hidden });
    } catch {
      const text = await page.evaluate(() => document.body.innerText);
      throw new Error(`never shows ${selector}; reads: ${text.slice(0, 400)}`);
    }
  };
  if (state.steps) await state.steps(page, { reach, server });
  await reach(state.until);
  if (state.weight) {
    expect(server.bytes <= state.weight, `the page loads ${server.bytes} bytes, more than ${state.weight}`);
  }
  const problems = [];
  for (const theme of ['light', 'dark']) {
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value: theme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
    ]);
    for (const size of WIDTHS) {
      await page.setViewport({ ...size, deviceScaleFactor: 1 });
      await settled(page);
      const over = await page.evaluate(overflow);
      if (over) problems.push(`at ${size.width}: wider than the window by ${over}`);
      await page.screenshot({ path: join(folder, `${state.name}-${size.width}-${theme}.png`) });
      const judged = (theme === 'light') === (size.width !== 390);
      if (judged) await watched.checkAccessibility(`${state.name} ${size.width} ${theme}`);
    }
  }
  // The runner reports each page's faults; asking now collects what the page itself remembers.
  await watched.faults();
  await watched.close();
  expect(problems.length === 0, problems.join('\n'));
}

// Two frames after a change of size the page has settled: nothing moves with reduced motion.
function settled(page) {
  return page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => resolve(null)));
      }),
  );
}

function overflow() {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return '';
  const widest = [...document.querySelectorAll('body *')]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > root.clientWidth + 0.5)
    .pop();
  return `${root.scrollWidth - root.clientWidth} px (${widest?.outerHTML.slice(0, 140) ?? 'unknown'})`;
}
