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

/** Whether the browser's answer has its half of the handshake. */
function skips(peer) {
  return peer.page.evaluate(() => globalThis.__connections.at(-1).localDescription.sdp.includes('a=sctp-init:'));
}

function say(peer, text) {
  return peer.page.evaluate(
    (t) => globalThis.__channels.find((c) => c.readyState === 'open').send(t),
    text,
  );
}

/** Chromium with SCTP's handshake in the SDP (SNAP), which it knows but does not do by itself yet. */
const EARLY = ['--enable-features=WebRtcSctpSnap'];

const relayed = (name, flags) => ({
  name: `data channel: ${name}`,
  run: async (scenario) => {
    const room = await openRoom(scenario);
    const browser = await scenario.chromium({ flags });
    const camera = await room.join(browser, 'camera');
    const viewer = await room.join(browser, 'viewer');
    await Promise.all([camera.connect(), viewer.connect()]);
    await Promise.all([open(camera), open(viewer)]);
    for (const peer of [camera, viewer]) {
      expectSame(await skips(peer), flags === EARLY, `whether the ${peer.role} skips the handshake`);
    }
    const words = Array.from({ length: 50 }, (_, i) => `word ${i}`);
    for (const word of words) await say(camera, word);
    await say(viewer, 'understood');
    const heard = await viewer.person.until('all words came', () =>
      globalThis.__heard.length >= 50 ? globalThis.__heard : false,
    );
    expectSame(heard, words, 'what the viewer heard');
    await camera.person.until('the answer came', () => globalThis.__heard.includes('understood'));
  },
});

export default [relayed('relayed both ways, in order', []), relayed('with no handshake before it', EARLY)];
