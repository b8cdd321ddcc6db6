// Two technicians press Start at the same moment: one leads, the other is told and may join.

import { expectSame } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'race: two technicians start at once, one leads',
  limitSeconds: 120,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const ben = await house.technician('ben');
    const { anna, margit } = await house.met();
    await margit.agrees();
    await Promise.all([anna.sees('button', /^Start/), ben.sees('button', /^Start/)]);
    await Promise.all([anna.press('button', /^Start/), ben.press('button', /^Start/)]);
    const outcome = await Promise.race([
      anna.reads('started this').then(() => ({ lost: anna, won: ben, first: 'Ben' })),
      ben.reads('started this').then(() => ({ lost: ben, won: anna, first: 'Anna' })),
    ]);
    await outcome.won.seesVideo();
    await margit.sees('button', new RegExp(`^${outcome.first} can see this`));
    await outcome.lost.press('button', /^Join/);
    await outcome.lost.seesVideo();
    const page = await margit.text();
    expectSame(/Anna and Ben|Ben and Anna/.test(page), true, 'both are named');
  },
};
