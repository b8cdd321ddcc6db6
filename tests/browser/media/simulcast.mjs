// A camera that sends its picture in several sizes, and two viewers: one on a way of 300 kbit/s, one
// near. Each gets a size that its way carries, at the same time, from the same camera.

import { openRoom } from '../harness/room.mjs';
import { readFrames, startCounting, waitForFrames } from '../lib/counter.mjs';
import { eventually, expect } from '../lib/scenario.mjs';

const KBPS = 300;
const FULL_WIDTH = 640;
const WATCHED_MS = 10_000;

/** What came of a viewer's picture in the last while. */
async function lately(peer) {
  const frames = await readFrames(peer.page);
  const since = Date.now() - WATCHED_MS;
  const shown = frames.filter(({ at }) => at >= since);
  return { perSecond: (shown.length * 1000) / WATCHED_MS, width: shown.at(-1)?.width ?? 0 };
}

export default {
  name: 'simulcast: a slow viewer gets a small picture, a near one all of it',
  network: 'address',
  limitSeconds: 150,
  run: async (scenario) => {
    const conference = { media: { simulcast: 'always' } };
    const room = await openRoom(scenario, { conference, far: true });
    const flags = [`--unsafely-treat-insecure-origin-as-secure=${room.origin}`];
    const near = await scenario.chromium({ flags });
    const far = await scenario.chromium({ flags, away: true });
    const camera = await room.join(near, 'camera', { codecs: ['vp8'] });
    const fast = await room.join(near, 'viewer', { name: 'fast', codecs: ['vp8'] });
    const slow = await room.join(far, 'viewer', { name: 'slow', codecs: ['vp8'] });
    await camera.call('publishCamera');
    await Promise.all([fast, slow].map((peer) => startCounting(peer.page)));
    await Promise.all([camera, fast, slow].map((peer) => peer.connect()));
    await Promise.all([fast, slow].map((peer) => waitForFrames(peer.page, 10, 30_000)));
    const layers = await sentLayers(camera.page);
    scenario.fact('layers', layers.map(({ rid, width }) => `${rid} ${width}`).join(', '));
    expect(layers.length >= 2, `the camera sends ${JSON.stringify(layers)}`);

    scenario.network.narrow(KBPS);
    await eventually(
      'the slow viewer has a small picture',
      async () => {
        const { width } = await lately(slow);
        return width > 0 && width < FULL_WIDTH;
      },
      60_000,
    );
    await new Promise((resolve) => {
      setTimeout(resolve, WATCHED_MS);
    });
    const [few, all] = [await lately(slow), await lately(fast)];
    scenario.fact('slow', `${Math.round(few.perSecond)} of ${few.width}`);
    scenario.fact('fast', `${Math.round(all.perSecond)} of ${all.width}`);
    expect(few.width < FULL_WIDTH && few.perSecond >= 10, 'the slow viewer sees a small picture that moves');
    expect(all.width === FULL_WIDTH, `the near viewer's picture is ${all.width} wide`);
    expect(all.perSecond >= 15, `the near viewer sees ${all.perSecond} frames a second`);
  },
};

/** The sizes that a camera sends, by `rid`. */
async function sentLayers(page) {
  return page.evaluate(async () => {
    const connection = globalThis.__connections.at(-1);
    const entries = [...(await connection.getStats()).values()];
    const video = entries.filter((it) => it.type === 'outbound-rtp' && it.kind === 'video');
    return video
      .filter(({ framesSent }) => framesSent > 0)
      .map(({ rid, frameWidth }) => ({ rid, width: frameWidth }));
  });
}
