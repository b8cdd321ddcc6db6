// The link: nothing is told and nothing is taken before a tap; the secret leaves the address bar; a
// second browser with the same link is refused.

import { expect, expectSame } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'link: a tap, a name, a picture; and only for the first browser',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const anna = await house.technician('anna');
    const { link } = await anna.makesSession();
    const path = new URL(link).pathname + new URL(link).hash;
    const margit = await house.customer({ path });
    await margit.sees('button', 'Continue');
    expect(!(await margit.text()).includes('Anna'), 'a name was shown before the tap');
    await margit.followsLink();
    await margit.reads('Anna Berg');
    expectSame(await margit.page.evaluate(() => location.hash), '', 'the fragment after use');
    await margit.agrees();

    const stranger = await house.customer({ name: 'stranger', path });
    await stranger.press('button', 'Continue');
    await stranger.reads('This link does not work any more.');
    expect(!(await stranger.text()).includes('Anna'), 'the stranger read a name');
    await stranger.watched.checkAccessibility('bad link');

    await anna.starts();
    await anna.seesVideo();
    await margit.isLive();
  },
};
