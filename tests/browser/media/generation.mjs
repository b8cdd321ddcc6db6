// A new generation replaces the connection under a running picture: the same participant, the same
// page, no order lost.

import { openRoom } from '../harness/room.mjs';
import { MODULUS } from '../lib/camera.mjs';
import { facts, startCounting, waitForFrames } from '../lib/counter.mjs';
import { expect, expectSame } from '../lib/scenario.mjs';

function renews(role) {
  return {
    name: `new generation: the ${role}'s connection is replaced while the picture runs`,
    run: async (scenario) => {
      const room = await openRoom(scenario);
      const browser = await scenario.chromium();
      const peers = {
        camera: await room.join(browser, 'camera'),
        viewer: await room.join(browser, 'viewer'),
      };
      await peers.camera.call('publishCamera');
      await startCounting(peers.viewer.page);
      await Promise.all([peers.camera.connect(), peers.viewer.connect()]);
      await waitForFrames(peers.viewer.page, 30);

      const before = peers[role].offer.generation;
      const renewedAt = Date.now();
      await peers[role].renew();
      expectSame(peers[role].offer.generation, before + 1, 'the generation');
      await peers[role].person.until(
        'the newest connection is up',
        () => {
          const open = globalThis.__connections.filter((c) => c.connectionState !== 'closed');
          return globalThis.__connections.length >= 2 && open.at(-1).connectionState === 'connected';
        },
      );
      const frames = await waitForFrames(peers.viewer.page, 60, 20_000);
      const result = facts(frames.filter((f) => f.at >= renewedAt), MODULUS);
      scenario.fact('longest freeze ms', result.longestFreezeMs);
      expect(result.longestFreezeMs < 3_000, `the picture froze for ${result.longestFreezeMs} ms`);
      const kept = await room.api.get(`/v1/conferences/${room.id}`);
      expectSame(kept.participants.length, 2, 'participants');
    },
  };
}

export default [renews('camera'), renews('viewer')];
