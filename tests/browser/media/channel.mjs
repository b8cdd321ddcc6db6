// The data channel: what one participant says reaches the other, through the streaming server.

import { openRoom } from '../harness/room.mjs';
import { expectSame } from '../lib/scenario.mjs';

async function open(peer) {
  await peer.person.until('the data channel is open', () => {
    const channel = globalThis.__channels.find((c) => c.readyState === 'open');
    if (!channel) return false;
    if (!globalThis.__heard) {
      globalThis.__heard = [];
      channel.addEventListener('message', (event) => globalThis.__heard.push(event.data));
    }
    return true;
  });
}

function say(peer, text) {
  return peer.page.evaluate(
    (t) => globalThis.__channels.find((c) => c.readyState === 'open').send(t),
    text,
  );
}

export default {
  name: 'data channel: relayed both ways, in order',
  run: async (scenario) => {
    const room = await openRoom(scenario);
    const browser = await scenario.chromium();
    const camera = await room.join(browser, 'camera');
    const viewer = await room.join(browser, 'viewer');
    await Promise.all([camera.connect(), viewer.connect()]);
    await Promise.all([open(camera), open(viewer)]);
    const words = Array.from({ length: 50 }, (_, i) => `word ${i}`);
    for (const word of words) await say(camera, word);
    await say(viewer, 'understood');
    const heard = await viewer.person.until('all words came', () =>
      globalThis.__heard.length >= 50 ? globalThis.__heard : false,
    );
    expectSame(heard, words, 'what the viewer heard');
    await camera.person.until('the answer came', () => globalThis.__heard.includes('understood'));
  },
};
