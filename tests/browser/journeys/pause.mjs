// The customer pauses and mutes: nothing leaves the phone, and both pages say so.

import { connectionFacts } from '../lib/connections.mjs';
import { readFrames, startCounting, waitForFrames } from '../lib/counter.mjs';
import { eventually, expect } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default [
  {
    name: 'pause: the picture stops at its source and comes back',
    limitSeconds: 90,
    run: async (scenario) => {
      const house = await openHouse(scenario);
      const { anna, margit } = await house.live();
      await startCounting(anna.page);
      await waitForFrames(anna.page, 10);
      await margit.press('button', 'Pause');
      await margit.reads('Camera paused');
      await margit.watched.checkAccessibility('paused');
      await anna.reads('paused the camera');
      await anna.watched.checkAccessibility('paused');
      await noFramesFor(anna, 1_000);
      await margit.press('button', 'Resume');
      await waitForFrames(anna.page, 10);
      await margit.isLive();
      await anna.reads('Live');
    },
  },
  {
    name: 'mute: no voice leaves the phone until unmuted',
    limitSeconds: 90,
    run: async (scenario) => {
      const house = await openHouse(scenario);
      const { anna, margit } = await house.live();
      await rises('the voice', () => energy(anna));
      await margit.press('button', 'Mute');
      await margit.sees('button', 'Unmute');
      await eventually('silence', async () => {
        const before = await energy(anna);
        await margit.page.evaluate(() => new Promise((r) => setTimeout(r, 700)));
        return (await energy(anna)) - before < 0.0001;
      });
      await margit.press('button', 'Unmute');
      await rises('the voice after unmuting', () => energy(anna));
    },
  },
];

async function energy(person) {
  const { audioIn } = await connectionFacts(person.page);
  return audioIn?.totalAudioEnergy ?? 0;
}

async function rises(what, read) {
  const start = await read();
  await eventually(`${what} is heard`, async () => (await read()) > start + 0.001, 15_000);
}

/** No frame for a while, within a limit: what was on its way may still come. */
export async function noFramesFor(person, quietMs) {
  const last = await eventually(`no frame for ${quietMs} ms`, async () => {
    const frames = await readFrames(person.page);
    const at = frames.at(-1)?.at ?? 0;
    return Date.now() - at > quietMs && at;
  });
  expect(last > 0, 'frames had come before');
}
