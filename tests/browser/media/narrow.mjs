// A way that carries 150 kbit/s, in front of the camera or in front of the viewer: the picture gets
// smaller and goes on. The server is in one network namespace, the slow browser in another, and the
// kernel holds the way between them to the rate, both ways.

import { openRoom } from '../harness/room.mjs';
import { MODULUS } from '../lib/camera.mjs';
import { facts, readFrames, startCounting, waitForFrames } from '../lib/counter.mjs';
import { expect } from '../lib/scenario.mjs';

const KBPS = 150;
/** Until the rate has been found. */
const SETTLE_MS = 15_000;
const WATCHED_MS = 60_000;
/** A picture that stands longer is frozen. */
const FROZEN_MS = 500;

/** @param {'camera' | 'viewer'} slow */
function narrow(slow) {
  return {
    name: `narrow: the ${slow}'s way carries ${KBPS} kbit/s`,
    network: 'address',
    limitSeconds: 150,
    run: async (scenario) => {
      const room = await openRoom(scenario, { far: true });
      // Cameras are for secure origins; this one is in a namespace of the test's own.
      const flags = [`--unsafely-treat-insecure-origin-as-secure=${room.origin}`];
      const near = await scenario.chromium({ flags });
      const far = await scenario.chromium({ flags, away: true });
      const camera = await room.join(slow === 'camera' ? far : near, 'camera', { codecs: ['vp8'] });
      const viewer = await room.join(slow === 'viewer' ? far : near, 'viewer', { codecs: ['vp8'] });
      await camera.call('publishCamera');
      await startCounting(viewer.page);
      await Promise.all([camera.connect(), viewer.connect()]);
      await waitForFrames(viewer.page, 10, 30_000);
      scenario.network.narrow(KBPS);
      await new Promise((resolve) => {
        setTimeout(resolve, SETTLE_MS);
      });
      const before = (await readFrames(viewer.page)).length;
      await new Promise((resolve) => {
        setTimeout(resolve, WATCHED_MS);
      });
      judge(scenario, (await readFrames(viewer.page)).slice(before));
    },
  };
}

function judge(scenario, frames) {
  const seen = facts(frames, MODULUS);
  const { width, height } = frames.at(-1);
  const frozen = seen.gaps.filter((gap) => gap.ms > FROZEN_MS).reduce((sum, gap) => sum + gap.ms, 0);
  scenario.fact('frames/s', frames.length / (WATCHED_MS / 1000));
  scenario.fact('size', `${width}×${height}`);
  scenario.fact('frozen %', (frozen / WATCHED_MS) * 100);
  expect(frames.length >= (10 * WATCHED_MS) / 1000, `${frames.length} frames came in a minute`);
  expect(width >= 320 && height >= 180, `the picture has ${width}×${height}`);
  expect(frozen < 0.05 * WATCHED_MS, `the picture stood for ${frozen} ms`);
}

export default [narrow('camera'), narrow('viewer')];
