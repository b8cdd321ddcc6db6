// Click on Start to first frame on the console's screen, through the real pages: a technician and a
// customer whose camera shows its own preview already. Each run is a session of its own, and a
// customer in a fresh context.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ORGANISATION, openHouse } from '../../tests/browser/journeys/people.mjs';
import { ARTIFACTS } from '../../tests/browser/lib/paths.mjs';
import { marksUntil, rememberMarks } from './marks.mjs';
import { breath, measure, phasesSince, stepsOf } from './samples.mjs';

await measure('start', async ({ scenario, product: start, repeat }) => {
  const product = await start(['--organisation', ORGANISATION, '--config', settings()]);
  const house = await openHouse(scenario, { server: product });
  const anna = await house.technician('anna');
  await anna.page.evaluateOnNewDocument(rememberMarks);
  await anna.page.evaluate(rememberMarks);
  await repeat(async (number) => {
    try {
      return await startOnce(house, anna, number);
    } catch (error) {
      // Wherever it ended, the next run begins at the list of sessions.
      await anna.watched.open(`${product.origin}/console`);
      throw error;
    }
  });
});

// Every run is a redemption from the same address.
function settings() {
  mkdirSync(ARTIFACTS, { recursive: true });
  const path = join(ARTIFACTS, 'bench-start.toml');
  writeFileSync(path, '[sessions]\nredeems_per_minute = 1000\n');
  return path;
}

async function startOnce(house, anna, number) {
  const { pin } = await anna.makesSession();
  const margit = await house.customer({ name: `margit-${number}` });
  // Judged by the tests; here it would only take time.
  margit.watched.checkAccessibility = async () => {};
  await margit.page.evaluate(rememberMarks);
  try {
    await margit.entersPin(pin);
    await margit.agrees();
    await margit.sees('heading', /^Waiting for/);
    await anna.sees('button', /^Start/);
    await breath(number);
    await anna.page.evaluate(() => globalThis.__forgetMarks());
    await anna.starts();
    const console = await marksUntil(anna.page, 'first frame shown', 15_000);
    const customer = await margit.page.evaluate(() => globalThis.__marks);
    const [up, down] = await anna.page.evaluate(readTimelines);
    await anna.closes();
    await anna.seesNo('button', 'Close session');
    await anna.press('link', /^Sessions/);
    const began = console['pressed Start'];
    const reached = phases(began, { console, customer, up: stepsOf(up), down: stepsOf(down) });
    return { total_ms: console['first frame shown'] - began, phases: reached };
  } finally {
    await margit.watched.close();
  }
}

function phases(began, { console, customer, up, down }) {
  return phasesSince(began, [
    ['until offers at the node', Math.max(up.offer_made, down.offer_made)],
    ['until console has its offer', console['offer taken']],
    ['until customer has theirs', customer['offer taken']],
    ['until console applied its offer', console['offer applied']],
    ['until customer applied theirs', customer['offer applied']],
    ['until console answered', console['answer made']],
    ['until customer answered', customer['answer made']],
    ['until both answers at node', Math.max(up.answer_applied, down.answer_applied)],
    ['until console ICE connected', console['ICE connected']],
    ['until customer ICE connected', customer['ICE connected']],
    ['until console DTLS at node', down.dtls_connected],
    ['until customer DTLS at node', up.dtls_connected],
    ['until packet from customer', up.first_packet_in],
    ['until keyframe from customer', up.first_keyframe_in],
    ['until keyframe to console', down.first_keyframe_out],
    ['until first packet', console['first packet']],
    ['until frame received', console['first frame received']],
    ['until first frame', console['first frame']],
  ]);
}

// Runs in the console's page.
async function readTimelines() {
  const main = document.querySelector('main[data-session]');
  const session = main instanceof HTMLElement ? main.dataset.session : '';
  const read = async (side) => {
    const response = await fetch(`/api/sessions/${session}/timeline?side=${side}`);
    return response.json();
  };
  return Promise.all([read('customer'), read('own')]);
}
