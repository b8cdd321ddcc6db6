// A German phone reads German, from the PIN to the receipt.

import { expect } from '../lib/scenario.mjs';
import { openHouse } from './people.mjs';

const ENGLISH = /\b(camera|Continue|your|Waiting|can see)\b/i;

export default {
  name: 'German: every sentence the customer reads',
  limitSeconds: 90,
  run: async (scenario) => {
    const house = await openHouse(scenario);
    const anna = await house.technician('anna');
    const { pin } = await anna.makesSession();
    const margit = await house.customer({ language: 'de-DE' });
    await margit.sees('heading', 'Geben Sie Ihre PIN ein');
    await readsNoEnglish(margit);
    expect((await margit.page.evaluate(() => document.documentElement.lang)) === 'de', 'lang is de');
    await margit.type('PIN', pin);
    await margit.press('button', 'Weiter');
    await margit.press('button', 'Kamera einschalten');
    await readsNoEnglish(margit);
    await anna.starts();
    await anna.seesVideo();
    await margit.sees('button', /kann das sehen/);
    await readsNoEnglish(margit);
    await margit.press('button', 'Beenden und verlassen');
    await margit.reads('Ihre Kamera ist aus');
    await readsNoEnglish(margit);
    await margit.watched.checkAccessibility('ended, in German');
  },
};

async function readsNoEnglish(person) {
  const text = await person.text();
  const found = text.match(ENGLISH);
  expect(!found, `English in a German page: "${found?.[0]}" in: ${text.slice(0, 400)}`);
}
