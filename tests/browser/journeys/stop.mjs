// Stop: capture ends at once, before the server knows, and the session is over for everybody.

import { expect, expectSame } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'stop: the customer ends it, the camera first',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit } = await house.live();
    await margit.page.evaluate(() => {
      const button = [...document.querySelectorAll('button')].find((b) =>
        b.innerText.includes('Stop and leave'),
      );
      button.addEventListener('click', () => {
        globalThis.__pressedAt = performance.now();
        const look = () => {
          if (globalThis.__captured.every((track) => track.readyState === 'ended')) {
            globalThis.__darkAt = performance.now();
          } else setTimeout(look, 1);
        };
        look();
      });
    });
    await margit.press('button', 'Stop and leave');
    const dark = await margit.until('the camera is dark', () =>
      globalThis.__darkAt === undefined ? false : [globalThis.__darkAt - globalThis.__pressedAt],
    );
    scenario.fact('press to dark ms', dark[0]);
    expect(dark[0] < 100, `the camera ran on for ${dark[0]} ms`);
    await margit.reads('You ended the session. Nobody can see or hear you now.');
    await margit.watched.checkAccessibility('ended');
    expectSame((await margit.capture()).running, [], 'what is captured after Stop');
    await anna.reads('left the session');
    await anna.watched.checkAccessibility('customer left');
  },
};
