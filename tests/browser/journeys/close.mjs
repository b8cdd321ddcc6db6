// The technician closes with a reason; the customer's page says so and its camera is off.

import { expectSame } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'close: with a reason, and the case stays readable',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit } = await house.live();
    await anna.closes('Solved', 'Cable in the wrong socket.');
    await margit.reads('Anna ended the session. Nobody can see or hear you now.');
    await margit.watched.checkAccessibility('ended by the technician');
    expectSame((await margit.capture()).running, [], 'what is captured after the end');
    await anna.reads(/Closed: solved/i);
    await anna.watched.checkAccessibility('closed');
  },
};
