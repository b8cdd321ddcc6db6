// The wrong person has come: the technician puts them out and gives the right one a new invitation.

import { openHouse } from './people.mjs';

export default {
  name: 'put out: the wrong person leaves, the right one comes by a new PIN',
  limitSeconds: 120,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit: stranger } = await house.met({ name: 'stranger' });
    await stranger.agrees();
    await anna.sees('button', /^Start/);
    await anna.opensSession();
    await anna.press('button', 'Put out');
    await anna.watched.checkAccessibility('putting out');
    await anna.press('button', 'Put out and get a new PIN');
    await stranger.reads('You were taken out of this session. Nobody can see or hear you now.');
    await stranger.watched.checkAccessibility('put out');
    const pin = await anna.until('a new PIN is shown', () => {
      const found = document.body.innerText.match(/\b\d{3} \d{3}\b/);
      return found && found[0];
    });
    house.product.secret('PIN', pin.replace(/ /g, ''));
    const margit = await house.customer({ name: 'margit' });
    await margit.entersPin(pin);
    await margit.agrees();
    await anna.starts();
    await anna.seesVideo();
    await margit.isLive();
  },
};
