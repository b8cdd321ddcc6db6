// The media node dies under a live picture (roles split over processes). Both pages say so within two
// seconds, and one press brings the picture back, from the other node, in the same session.

import { startCounting, waitForFrames } from '../lib/counter.mjs';
import { expect } from '../lib/scenario.mjs';
import { Server } from '../lib/server.mjs';
import { ORGANISATION, openHouse } from './people.mjs';

export default {
  name: 'media node killed: both pages say so in 2 s, one press brings the picture back',
  limitSeconds: 120,
  run: async (scenario) => {
    const server = scenario.adopt(new Server());
    await server.startSplit(['--organisation', ORGANISATION]);
    const house = await openHouse(scenario, { server });
    const { anna, margit } = await house.live();
    await startCounting(anna.page);
    await waitForFrames(anna.page, 10);
    const node = await nodeOf(server);

    const killedAt = Date.now();
    await server.roles[node].kill();
    const [told, seen] = await Promise.all([
      margit.reads('Reconnecting'),
      anna.reads('The media server stopped answering'),
    ]);
    scenario.fact('customer told after ms', told - killedAt);
    scenario.fact('technician told after ms', seen - killedAt);
    expect(told - killedAt < 2_000, `the customer was told after ${told - killedAt} ms`);
    expect(seen - killedAt < 2_000, `the technician was told after ${seen - killedAt} ms`);
    await anna.watched.checkAccessibility('media node lost');

    const pressed = Date.now();
    await anna.press('button', 'Restart');
    const frames = await waitForFrames(anna.page, 20, 20_000);
    const first = frames.find((frame) => frame.at > pressed && frame.number !== null);
    scenario.fact('picture back after ms', first.at - pressed);
    await margit.isLive();
    await anna.reads('Live');
  },
};

// Two nodes; the one whose figures say that it carries the session is the one to kill.
async function nodeOf(server) {
  for (const name of ['sfu-1', 'sfu-2']) {
    const text = await (await fetch(`${server.operators[name]}/metrics`)).text();
    if (/lens_sfu_participants [1-9]/.test(text)) return name;
  }
  throw new Error('no node says that it carries the session');
}
