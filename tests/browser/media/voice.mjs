// Voices go both ways: each side plays a tone of its own and finds the other's in what it hears.
// Firefox plays its fake microphone, and its hearing is judged by the energy it decoded: without a
// sound card it has no AudioContext that runs.

import { openRoom } from '../harness/room.mjs';
import { FIREFOX_HERTZ } from '../lib/browsers.mjs';
import { eventually } from '../lib/scenario.mjs';

const CUSTOMER_HERTZ = 700;
const TECHNICIAN_HERTZ = 1_300;

async function speak(peer, hertz) {
  if (peer.watched.browser.kind === 'chromium') {
    await peer.call('publishTone', hertz);
    return hertz;
  }
  await peer.call('publishMicrophone');
  return FIREFOX_HERTZ;
}

async function hears(peer, hertz) {
  if (peer.watched.browser.kind === 'chromium') {
    return peer.person.until(
      `hears ${hertz} Hz`,
      (wanted) => {
        const voices = globalThis.harness.hears();
        const found = voices.find((v) => Math.abs(v.hertz - wanted) < 40 && v.decibels > -60);
        return found && `${found.hertz} Hz`;
      },
      hertz,
      { limit: 20_000 },
    );
  }
  const energy = await eventually('Firefox decodes a voice', async () => {
    const { audioIn } = await peer.facts();
    return audioIn?.totalAudioEnergy > 0.001 && audioIn.totalAudioEnergy;
  });
  return `energy ${energy.toFixed(3)}`;
}

function bothWays(a, b) {
  return {
    name: `voice both ways: ${a} and ${b}`,
    network: [a, b].includes('firefox') ? 'address' : 'loopback',
    limitSeconds: 90,
    run: async (scenario) => {
      const flags = ['--autoplay-policy=no-user-gesture-required'];
      const room = await openRoom(scenario);
      const browsers = { chromium: await scenario.chromium({ flags }) };
      browsers[b] ??= await scenario[b]();
      const customer = await room.join(browsers[a], 'camera', { name: 'customer' });
      const technician = await room.join(browsers[b], 'viewer', { name: 'technician' });
      const own = await speak(customer, CUSTOMER_HERTZ);
      const other = await speak(technician, TECHNICIAN_HERTZ);
      await Promise.all([customer.connect(), technician.connect()]);
      scenario.fact('technician hears', await hears(technician, own));
      scenario.fact('customer hears', await hears(customer, other));
    },
  };
}

export default [bothWays('chromium', 'chromium'), bothWays('chromium', 'firefox')];
