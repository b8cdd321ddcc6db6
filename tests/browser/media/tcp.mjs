// Networks without UDP: the picture goes by ICE-TCP, on the port that also serves the pages.

import { expect, expectSame } from '../lib/scenario.mjs';
import { cameraIsSeen } from './camera.mjs';

function withoutUdp(from, to) {
  return {
    name: `no UDP: ${from} to ${to}`,
    network: 'address',
    limitSeconds: 90,
    run: async (scenario) => {
      scenario.network.dropUdp();
      const { out, into } = await cameraIsSeen(scenario, { from, to, codec: 'vp8' });
      expectSame([out.transport, into.transport], ['tcp', 'tcp'], 'selected pairs');
      expect(scenario.network.droppedUdp() > 0, 'no UDP was tried, so nothing was shown');
    },
  };
}

export default [withoutUdp('chromium', 'chromium'), withoutUdp('firefox', 'chromium'), withoutUdp('chromium', 'firefox')];
