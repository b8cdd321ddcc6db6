// The customer's network goes away and comes back. The technician's browser and the server are in one
// network namespace, the phone in another, and the way between them is cut.

import { startCounting, waitForFrames } from '../lib/counter.mjs';
import { expect, expectSame } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'network lost: both pages say so, and the picture comes back by itself',
  network: 'address',
  limitSeconds: 150,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const phone = await scenario.chromium({ away: true });
    const { anna, margit } = await house.live({ browser: phone });
    // Requests and sockets that fail while the network is cut are the scenario's subject.
    margit.watched.allow(/file failed|ERR_|net::/);
    await startCounting(anna.page);
    await waitForFrames(anna.page, 10);

    const cutAt = Date.now();
    scenario.network.cut();
    const margitKnows = await margit.reads('Reconnecting', { limit: 20_000 });
    const annaKnows = await anna.reads('Reconnecting', { limit: 20_000 });
    scenario.fact('customer told after ms', margitKnows - cutAt);
    scenario.fact('technician told after ms', annaKnows - cutAt);
    await margit.watched.checkAccessibility('reconnecting');
    await anna.watched.checkAccessibility('reconnecting');

    const healedAt = Date.now();
    scenario.network.heal();
    const frames = await waitForFrames(anna.page, 20, 40_000);
    const back = frames.find((frame) => frame.at > healedAt && frame.number !== null);
    scenario.fact('picture back after ms', back.at - healedAt);
    await margit.isLive();
    await anna.reads('Live');
    expect(back.at > healedAt, 'the picture is back');
    expectSame((await margit.capture()).running.includes('video'), true, 'the camera runs');
  },
};
