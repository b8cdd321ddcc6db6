// The pictures of the README, taken from a real session: console and phone, live. Made by hand after a
// change of the pages, with LENS_README_IMAGES=1 node run.mjs --only readme: a run must not change files of
// the repository, and what it would check is checked by the other journeys.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARTIFACTS, BROWSER_TESTS } from '../lib/paths.mjs';
import { openHouse } from './people.mjs';

const IMAGES = join(BROWSER_TESTS, '../../docs/images');
const SCENE = join(BROWSER_TESTS, '../../website/pages/assets/scene.svg');

const pictures = {
  name: 'readme: pictures of a live session',
  limitSeconds: 120,
  run: async (scenario) => {
    const house = await openHouse(scenario, { chromium: { camera: await filmed(scenario) } });
    const anna = await house.technician('anna');
    const { pin } = await anna.makesSession();
    await anna.type(/^Customer or ticket/, 'Ticket 20418', { enter: true });
    const margit = await house.customer();
    await margit.entersPin(pin);
    await margit.agrees();
    await anna.starts();
    await Promise.all([anna.seesVideo(), margit.isLive()]);
    await anna.writes('Please move the grey cable to the blue socket.');
    await margit.reads('Please move the grey cable to the blue socket.');
    mkdirSync(IMAGES, { recursive: true });
    await margit.watched.screenshot(join(IMAGES, 'customer-live.png'));
    await margit.writes('Like this?');
    await anna.reads('Like this?');
    await anna.until('the picture is wide', () => document.querySelector('video').videoWidth >= 640);
    await anna.sees('button', 'Quality: Good', { limit: 30_000 });
    await anna.watched.screenshot(join(IMAGES, 'console-live.png'));
  },
};

export default process.env.LENS_README_IMAGES ? pictures : [];

/** A film for Chromium's fake camera: the drawn scene, as motion JPEG. */
async function filmed(scenario) {
  const browser = await scenario.chromium();
  const watched = await browser.newPage({ name: 'film' });
  const svg = readFileSync(SCENE, 'utf8');
  await watched.page.setContent(`<style>body{margin:0}svg{display:block}</style>${svg}`);
  const clip = { x: 0, y: 0, width: 1280, height: 720 };
  await watched.page.setViewport({ width: 1280, height: 720 });
  await watched.page.evaluate(() => {
    const drawing = document.querySelector('svg');
    drawing.setAttribute('width', '1280');
    drawing.setAttribute('height', '720');
    drawing.setAttribute('preserveAspectRatio', 'xMidYMid slice');
  });
  const frame = await watched.page.screenshot({ type: 'jpeg', quality: 90, clip });
  const file = join(ARTIFACTS, 'scene.mjpeg');
  writeFileSync(file, Buffer.concat(Array(10).fill(frame)));
  return file;
}
