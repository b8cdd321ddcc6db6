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
    await anna.starts();
    await anna.reads('The browser or the phone refused the camera.');
    await anna.watched.checkAccessibility('camera refused');
    await margit.press('button', 'Go on with chat only');
    await margit.reads('You are here with chat only');
    await margit.watched.checkAccessibility('chat only');
    await anna.writes('Can you read this?');
    await margit.reads('Can you read this?');
  },
};
