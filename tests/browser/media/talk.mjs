// Chat, commands and annotations between browsers of two makes, through the streaming server.

import { openRoom } from '../harness/room.mjs';
import { expectSame } from '../lib/scenario.mjs';

const ARROW = { id: 1, shape: 'arrow', points: [[0.25, 0.5], [0.75, 0.5]], color: '#ff8800', width: 0.01 };

/** What a participant was told, of one type, once it is as much as that. */
async function heard(peer, type, count) {
  const all = await peer.person.until(
    `${count} of ${type} came`,
    ([kind, most]) => {
      const some = globalThis.harness.heard().filter((it) => it.type === kind);
      return some.length >= most ? some : false;
    },
    [type, count],
  );
  return all.map(({ type: _, ...detail }) => detail);
}

export default {
  name: 'talk: chat, commands and annotations, between makes',
  network: 'address',
  run: async (scenario) => {
    const room = await openRoom(scenario);
    const flags = [`--unsafely-treat-insecure-origin-as-secure=${room.origin}`];
    const camera = await room.join(await scenario.firefox(), 'camera');
    const viewer = await room.join(await scenario.chromium({ flags }), 'viewer');
    await camera.connect();
    await camera.person.until('it can be spoken to', () =>
      globalThis.__channels.some(({ readyState }) => readyState === 'open'),
    );
    // Said before there is a connection: it waits.
    const lines = Array.from({ length: 50 }, (_, i) => `line ${i} 🙂`);
    for (const line of lines) await viewer.call('chat', line);
    await viewer.connect();

    const outcomes = [
      await viewer.call('ask', { command: 'torch', on: true }),
      await viewer.call('ask', { command: 'zoom', factor: 2.5 }),
      await viewer.call('ask', { command: 'snapshot' }),
    ];
    expectSame(outcomes, ['done', 'refused', 'unsupported'], 'how commands were answered');
    await viewer.call('annotate', ARROW);
    await viewer.call('clear', 1);
    await camera.call('chat', 'understood');

    const chat = await heard(camera, 'chat', lines.length);
    expectSame(chat.map(({ text }) => text), lines, 'lines, in order');
    const drawn = await heard(camera, 'annotation', 1);
    expectSame(drawn, [{ from: viewer.id, annotation: ARROW }], 'the drawing');
    expectSame(await heard(camera, 'annotationclear', 1), [{ from: viewer.id, id: 1 }], 'its end');
    const [answer] = await heard(viewer, 'chat', 1);
    expectSame([answer.from, answer.text], [camera.id, 'understood'], 'what the camera said');
  },
};
