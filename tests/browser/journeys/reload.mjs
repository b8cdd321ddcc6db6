// A reload, on either side, comes back to the same session.

import { startCounting, waitForFrames } from '../lib/counter.mjs';
import { openHouse } from './people.mjs';

export default [
  {
    name: 'reload: the customer comes back with one tap',
    limitSeconds: 90,
    run: async (scenario) => {
      const house = await openHouse(scenario);
      const { anna, margit } = await house.live();
      await anna.writes('Still there?');
      await margit.reads('Still there?');
      await margit.page.reload();
      // No camera comes on by itself after a reload.
      await margit.press('button', /^(Turn on camera|Resume|Try again)$/);
      await margit.isLive();
      await startCounting(anna.page);
      await waitForFrames(anna.page, 30, 20_000);
      await anna.reads('Live');
    },
  },
  {
    name: 'reload: the technician comes back to the picture',
    limitSeconds: 90,
    run: async (scenario) => {
      const house = await openHouse(scenario);
      const { anna, margit } = await house.live();
      await anna.page.reload();
      await startCounting(anna.page);
      await waitForFrames(anna.page, 30, 20_000);
      await anna.reads('Live');
      await margit.isLive();
    },
  },
];
