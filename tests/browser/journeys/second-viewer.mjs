// A second technician watches: named to the customer at once, and gone when they leave.

import { startCounting, waitForFrames } from '../lib/counter.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'second viewer: sees the picture, and everybody sees their name',
  limitSeconds: 120,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit } = await house.live();
    const ben = await house.technician('ben');
    await ben.press('button', /^(Join|Watch)/);
    await startCounting(ben.page);
    await waitForFrames(ben.page, 20, 20_000);
    await ben.reads('You are watching. Anna leads this session.');
    await ben.watched.checkAccessibility('watching');
    await margit.sees('button', /Anna and Ben can see this/);
    await anna.reads('Ben');
    await ben.press('button', 'Leave');
    await margit.sees('button', /^Anna can see this/);
    await startCounting(anna.page);
    await waitForFrames(anna.page, 10);
  },
};
