// A console that is opened when the customer is there already finds them waiting, and starts. (In the
// other journeys the console is open first.)

import { openHouse } from './people.mjs';

export default {
  name: 'late console: opened after the customer, starts their session',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { margit } = await house.met();
    await margit.agrees();
    const ben = await house.technician('ben');
    await ben.reads('Waiting');
    await ben.starts();
    await ben.seesVideo();
    await margit.sees('button', /^Ben can see this/);
  },
};
