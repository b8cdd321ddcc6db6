// The browser face: a page with the HTML5 SDK in headless Chromium, spoken to over standard input and
// output as every other testee.

import { createInterface } from 'node:readline';
import { launchChromium } from '../../browser/lib/browsers.mjs';
import { readFrames, startCounting } from '../../browser/lib/counter.mjs';
import { serveFiles } from '../lib/files.mjs';

const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

const files = await serveFiles();
const browser = await launchChromium({ flags: ['--js-flags=--expose-gc'] });
let watched = null;

for await (const line of createInterface({ input: process.stdin })) void answer(JSON.parse(line));
await browser.close();
files.close();

async function answer({ id, do: verb, ...words }) {
  try {
    say({ id, ...(await act(verb, words)) });
  } catch (error) {
    say({ id, error: 'internal', detail: error.message });
  }
}

async function act(verb, words) {
  if (verb === 'begin') watched = await newPage();
  if (verb === 'frames') return frames();
  const said = await watched.page.evaluate((v, w) => globalThis.testee(v, w), verb, words);
  if (verb === 'finish') await watched.page.close();
  return said;
}

/** Each scenario has a page of its own. */
async function newPage() {
  const page = await browser.newPage({ origin: files.origin, permissions: ['camera', 'microphone'] });
  await page.page.exposeFunction('say', say);
  // A browser breaks off what it loads when an address has just come or gone.
  const open = () => page.open(`${files.origin}/browser.html`);
  await open().catch(open);
  await page.page.waitForFunction(() => 'testee' in globalThis);
  await startCounting(page.page);
  return page;
}

async function frames() {
  const counters = (await readFrames(watched.page)).map(({ number }) => number);
  return { ok: { count: counters.length, counters } };
}
