// Camera only, because they are on the phone already: no microphone is asked for, and no voice sent.

import { connectionFacts } from '../lib/connections.mjs';
import { expect, expectSame } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'camera only: no microphone prompt, no voice',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    // A microphone prompt would be refused here, and the page would say so.
    const { anna, margit } = await house.live({
      voice: false,
      permissions: ['camera'],
      denied: ['microphone'],
    });
    const { asked, running } = await margit.capture();
    expect(asked.length > 0 && asked.every((wish) => !wish.audio), 'a microphone was asked for');
    expectSame(running, ['video'], 'what is captured');
    await margit.seesNo('button', 'Mute');
    expect(!(await margit.text()).includes('microphone'), 'the page complains about a microphone');
    const { audioOut } = await connectionFacts(margit.page);
    expectSame(audioOut?.packetsSent ?? 0, 0, 'packets of voice sent');
    await anna.reads('Live');
  },
};
