// Chat both ways, kept and echoed, with what a page must not fall for.

import { expect } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

export default {
  name: 'chat: both ways, in order, as text',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const { anna, margit } = await house.live();
    await anna.writes('Please move the grey cable.');
    await margit.reads('Please move the grey cable.');
    await margit.writes('Like this? <b onclick="x()">bold</b> & "quoted"');
    await anna.reads('Like this? <b onclick="x()">bold</b> & "quoted"');
    await margit.watched.checkAccessibility('chat');
    await anna.writes('Perfect.');
    const text = await anna.until('all three lines in order', () => {
      const log = document.querySelector('[role=log]').textContent;
      const at = ['grey cable', 'Like this?', 'Perfect.'].map((part) => log.indexOf(part));
      return at.every((place, i) => place >= 0 && (i === 0 || place > at[i - 1])) && log;
    });
    expect(text.split('Perfect.').length === 2, 'a line stands there twice');
  },
};
