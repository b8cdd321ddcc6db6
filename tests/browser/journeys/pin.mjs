// The shortest way through the product: a PIN on a piece of paper becomes a moving picture.

import { MODULUS } from '../lib/camera.mjs';
import { facts, startCounting, waitForFrames } from '../lib/counter.mjs';
import { expect, expectSame } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'PIN: from the number to the moving picture',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit } = await house.met();
    await anna.seesNo('button', /^Start/);
    expectSame((await margit.capture()).asked, [], 'cameras asked for before the consent');

    await margit.agrees();
    await margit.sees('heading', 'Waiting for Anna');
    await margit.watched.checkAccessibility('waiting');
    await anna.sees('button', /^Start/);
    await anna.watched.checkAccessibility('somebody waits');
    const sent = await bytesSent(margit);
    expectSame(sent, 0, 'bytes of video sent while waiting');

    await startCounting(anna.page);
    const pressed = Date.now();
    await anna.starts();
    const frames = await waitForFrames(anna.page, 60, 20_000);
    scenario.fact('Start to first frame ms', frames.find((f) => f.number !== null).at - pressed);
    const result = facts(frames.filter((f) => f.number !== null), MODULUS);
    expectSame(result.backwards, 0, 'frames out of order');
    expect(result.longestFreezeMs < 1_500, `the picture froze for ${result.longestFreezeMs} ms`);
    await margit.isLive();
    await anna.reads('Live');
    await anna.watched.checkAccessibility('live');
    await anna.keys('3');
    await anna.reads(/Media server\s+sfu-1\b/);
  },
};

async function bytesSent(person) {
  return person.page.evaluate(async () => {
    let bytes = 0;
    for (const connection of globalThis.__connections) {
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === 'outbound-rtp' && entry.kind === 'video') bytes += entry.bytesSent;
      }
    }
    return bytes;
  });
}
