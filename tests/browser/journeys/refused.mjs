// The browser refuses the camera: the page says so, says what to do, and the technician knows.

import { openHouse } from './people.mjs';

export default {
  name: 'camera refused: a sentence, a way on, and chat',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit } = await house.met({ permissions: [], denied: ['camera', 'microphone'] });
    await margit.press('radio', /^Camera and voice/);
    await margit.press('button', 'Turn on camera');
    await margit.reads('The camera is blocked.');
    await margit.watched.checkAccessibility('camera refused');
    await anna.reads(/camera is blocked|refused the camera|blocked/i);
    await margit.press('button', 'Go on with chat only');
    await margit.reads('Your camera is off.');

    await margit.page.browserContext().overridePermissions(house.product.origin, [
      'camera',
      'microphone',
    ]);
  },
};
