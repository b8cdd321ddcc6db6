// Join call to first decoded frame: a page makes the join call of the Session Manager's API, hands
// the offer to the SDK, and a camera that streams already is seen. Each run is a fresh page in a
// fresh context: no connection, no session of TLS and no answer to a CORS question is left over.

import { openRoom } from '../../tests/browser/harness/room.mjs';
import { Person } from '../../tests/browser/lib/steps.mjs';
import { marksUntil, rememberMarks } from './marks.mjs';
import { breath, measure, phasesSince, stepsOf } from './samples.mjs';

await measure('join', async ({ scenario, browser, product, repeat }) => {
  const room = await openRoom(scenario, { product: await product() });
  const camera = await room.join(browser, 'camera');
  await camera.call('publishCamera');
  await camera.connect();
  await camera.person.until('the camera streams', streams);
  await repeat(async (number) => {
    await breath(number);
    return joinOnce(room, browser, number);
  });
});

async function joinOnce(room, browser, number) {
  const name = `viewer-${number}`;
  const watched = await browser.newPage({ name, origin: room.origin, script: rememberMarks });
  try {
    await watched.open(room.origin);
    const person = new Person(watched);
    await person.until('the SDK is loaded', () => 'harness' in globalThis);
    const { origin: base } = room.product;
    const conference = `${base}/v1/conferences/${room.id}`;
    const call = { base, conference, key: room.api.bearer, name };
    const { began, participant, token } = await watched.page.evaluate(joinNow, call);
    room.product.secret('media token', token);
    const marks = await marksUntil(watched.page, 'first frame');
    const path = `/v1/conferences/${room.id}/participants/${participant}`;
    const steps = stepsOf(await room.api.get(`${path}/timeline`));
    await room.api.delete(path);
    return { total_ms: marks['first frame'] - began, phases: phases(began, marks, steps) };
  } finally {
    await watched.close();
  }
}

function phases(began, marks, steps) {
  return phasesSince(began, [
    ['until offer at the node', steps.offer_made],
    ['until join call answered', marks['offer taken']],
    ['until offer applied', marks['offer applied']],
    ['until answer made', marks['answer made']],
    ['until first check at node', steps.first_check],
    ['until answer at the node', steps.answer_applied],
    ['until answer call done', marks['answer taken']],
    ['until ICE up at the node', steps.ice_connected],
    ['until ICE connected', marks['ICE connected']],
    ['until DTLS at the node', steps.dtls_connected],
    ['until DTLS done', marks['DTLS done']],
    ['until packet at the node', steps.first_packet_out],
    ['until keyframe at the node', steps.first_keyframe_out],
    ['until first packet', marks['first packet']],
    ['until frame received', marks['first frame received']],
  ]);
}

// Runs in the page.
async function joinNow({ base, conference, key, name }) {
  const harness = Reflect.get(globalThis, 'harness');
  harness.begin(base);
  const began = performance.timeOrigin + performance.now();
  const response = await fetch(`${conference}/participants`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ role: 'viewer', display_name: name }),
  });
  if (!response.ok) throw new Error(`the join was refused: ${await response.text()}`);
  const offer = await response.json();
  harness.receive(offer);
  return { began, participant: offer.participant, token: offer.media_token };
}

// Runs in the page.
async function streams() {
  for (const connection of globalThis.__connections) {
    for (const entry of (await connection.getStats()).values()) {
      if (entry.type !== 'outbound-rtp' || entry.kind !== 'video') continue;
      // Long enough to have left the start of its bandwidth estimate behind.
      if (entry.framesEncoded > 150 && entry.frameWidth === 640) return true;
    }
  }
  return false;
}
