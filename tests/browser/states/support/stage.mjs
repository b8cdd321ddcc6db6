// Shows the product's pages in one state after the other and looks at each in light and dark, in three
// widths, with text twice as large, zoomed to 400 %, with forced colours, and from right to left. Each
// look is judged, some by axe, and kept as a screenshot under tests/artifacts/states.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ARTIFACTS } from '../../lib/paths.mjs';
import { expect } from '../../lib/scenario.mjs';
import { borderless, clipped, moving, overflow, small, unreachable } from './looks.mjs';
import { StageServer } from './server.mjs';

/** States shown at the same time, each in a context of its own. More than cores: many steps wait for the pages' own clocks. */
const LANES = 4;
const TEXT = 16;

const SMALL = { width: 320, height: 568 };
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1440, height: 900 };
/** A window of 1280 × 1024 at 400 %. */
const ZOOMED = { width: 320, height: 256 };

/**
 * One look at a state.
 * @typedef {object} Look
 * @property {string} name
 * @property {{ width: number, height: number }} size
 * @property {'light' | 'dark'} [theme]
 * @property {number} [text] size of the browser's own text in pixels
 * @property {boolean} [forced] with forced colours
 * @property {'ltr' | 'rtl'} [direction]
 * @property {boolean} [axe]
 * @property {(() => string[])[]} judges
 */
/** @type {Look[]} */
const LOOKS = [
  { name: '320-light', size: SMALL, axe: true, judges: [overflow, clipped, unreachable] },
  { name: '390-light', size: PHONE, judges: [overflow, clipped, small, moving] },
  { name: '1440-light', size: DESK, axe: true, judges: [overflow, clipped, small, unreachable] },
  { name: '320-dark', size: SMALL, theme: 'dark', judges: [overflow] },
  { name: '390-dark', size: PHONE, theme: 'dark', axe: true, judges: [overflow] },
  { name: '1440-dark', size: DESK, theme: 'dark', judges: [overflow] },
  { name: '320-zoomed', size: ZOOMED, judges: [overflow, clipped, unreachable] },
  { name: '390-large', size: PHONE, text: 2 * TEXT, judges: [overflow, clipped, unreachable] },
  { name: '1440-large', size: DESK, text: 2 * TEXT, judges: [overflow, clipped, unreachable] },
  { name: '390-forced', size: PHONE, forced: true, judges: [borderless] },
  { name: '320-rtl', size: SMALL, direction: 'rtl', judges: [overflow, clipped] },
  { name: '1440-rtl', size: DESK, direction: 'rtl', judges: [overflow, clipped, unreachable] },
];

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
 * @property {number} [width] the window's, while the state is reached
 * @property {number} [weight] most bytes the page may load before the SDK
 */

/** Shows all `states` of one page, and fails with everything that is wrong in any of them. */
export async function showStates(scenario, group, states, common) {
  const only = process.env.LENS_STATE;
  const browser = await scenario.chromium({ flags: ['--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--use-fake-ui-for-media-stream'] });
  const folder = join(ARTIFACTS, 'states', group);
  mkdirSync(folder, { recursive: true });
  const waiting = states.filter(({ name }) => !only || name.includes(only));
  scenario.fact('states', waiting.length);
  scenario.fact('looks', waiting.length * LOOKS.length);
  const wrong = [];
  const lane = async () => {
    const server = new StageServer();
    await server.start();
    scenario.afterwards(() => server.stop());
    for (let state = waiting.shift(); state; state = waiting.shift()) {
      const { name } = state;
      await showOne({ server, browser, folder, state, common }).catch((error) => wrong.push(`${name}: ${error.message}`));
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  expect(wrong.length === 0, wrong.join('\n'));
}

async function showOne({ server, browser, folder, state, common }) {
  server.answers = { ...common.answers, ...state.answers };
  server.bytes = 0;
  const size = state.width ? [SMALL, PHONE, DESK].find(({ width }) => width === state.width) : PHONE;
  const watched = await browser.newPage({
    name: state.name,
    size: { ...size, deviceScaleFactor: 1 },
    language: state.language,
    script: [common.before, state.before].filter(Boolean).join(';\n') || undefined,
  });
  const { page } = watched;
  if (state.agent) await page.setUserAgent({ userAgent: state.agent });
  const eyes = await page.createCDPSession();
  await see(eyes, {});
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
  for (const look of LOOKS) problems.push(...(await lookAt({ watched, eyes, folder, state, look })));
  // The runner reports each page's faults; asking now collects what the page itself remembers.
  await watched.faults();
  await watched.close();
  expect(problems.length === 0, problems.join('\n'));
}

async function lookAt({ watched, eyes, folder, state, look }) {
  const { page } = watched;
  await see(eyes, look);
  await page.setViewport({ ...look.size, deviceScaleFactor: 1 });
  await eyes.send('Page.setFontSizes', { fontSizes: { standard: look.text ?? TEXT, fixed: look.text ?? TEXT } });
  await page.evaluate((direction) => {
    document.documentElement.dir = direction;
  }, look.direction ?? 'ltr');
  await settled(page);
  await page.screenshot({ path: join(folder, `${state.name}-${look.name}.png`), optimizeForSpeed: true });
  const problems = [];
  for (const judge of look.judges) {
    for (const sentence of await page.evaluate(judge)) problems.push(`${look.name}: ${sentence}`);
  }
  if (look.axe) await watched.checkAccessibility(`${state.name} ${look.name}`);
  return problems;
}

/** What the person in front of the page has asked of the system. */
function see(eyes, { theme = 'light', forced = false }) {
  return eyes.send('Emulation.setEmulatedMedia', {
    features: [
      { name: 'prefers-color-scheme', value: theme },
      { name: 'prefers-reduced-motion', value: 'reduce' },
      { name: 'forced-colors', value: forced ? 'active' : 'none' },
    ],
  });
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
