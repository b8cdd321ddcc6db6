// Hold: the streaming server forwards nothing either way, both pages say so, one press brings it back.

import { startCounting, waitForFrames } from '../lib/counter.mjs';
import { openHouse } from './people.mjs';
import { noFramesFor } from './pause.mjs';

export default {
  name: 'hold: nobody sees or hears anybody until it is resumed',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit } = await house.live();
    await startCounting(anna.page);
    await waitForFrames(anna.page, 10);
    await anna.press('button', 'Hold');
    await margit.reads('Anna will be right back');
    await margit.reads('Nobody can see or hear you now.');
    await margit.watched.checkAccessibility('on hold');
    await anna.reads('On hold');
    await anna.watched.checkAccessibility('on hold');
    await noFramesFor(anna, 1_000);
    await anna.press('button', 'Resume');
    await waitForFrames(anna.page, 10);
    await margit.isLive();
  },
};
