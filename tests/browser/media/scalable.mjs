// One stream of a real browser that holds several sizes (VP9, L2T3_KEY): each viewer gets what it shows,
// cut out by the streaming server.

import { openRoom } from '../harness/room.mjs';
import { readFrames, startCounting, waitForFrames } from '../lib/counter.mjs';
import { eventually } from '../lib/scenario.mjs';

/** Of 640 pixels Chromium makes two sizes, whatever it is asked for. */
const MODE = 'L2T3_KEY';
const FULL_WIDTH = 640;

export default {
  name: 'scalable: of one VP9 stream each viewer gets the size that it shows',
  network: 'loopback',
  limitSeconds: 120,
  run: async (scenario) => {
    const room = await openRoom(scenario);
    const browser = await scenario.chromium();
    const codecs = ['vp9'];
    const camera = await room.join(browser, 'camera', { codecs });
    const whole = await room.join(browser, 'viewer', { name: 'whole', codecs });
    const small = await room.join(browser, 'viewer', { name: 'small', codecs });
    await camera.call('publishCamera');
    await Promise.all([whole, small].map((peer) => startCounting(peer.page)));
    await Promise.all([camera, whole, small].map((peer) => peer.connect()));
    await camera.page.evaluate(scale, MODE);
    await eventually('the camera sends several sizes', async () => (await sent(camera.page)) === MODE, 20_000);
    await Promise.all([whole, small].map((peer) => waitForFrames(peer.page, 10, 30_000)));

    await widthBecomes(whole, FULL_WIDTH);
    for (const [size, wanted] of [
      [{ height: 200 }, 320],
      [{ height: 480 }, FULL_WIDTH],
      [{ height: 0 }, 320],
      [null, FULL_WIDTH],
    ]) {
      await small.call('setPictureSize', size);
      await widthBecomes(small, wanted);
      // At once or soon: Chromium itself leaves the larger picture out where the way seems narrow.
      await widthBecomes(whole, FULL_WIDTH);
    }
    await Promise.all([whole, small].map((peer) => waitForFrames(peer.page, 30, 15_000)));
  },
};

async function widthBecomes(viewer, wanted) {
  const seen = async () => (await readFrames(viewer.page)).at(-1)?.width;
  await eventually(`the picture is ${wanted} wide`, async () => (await seen()) === wanted, 30_000);
}

// Both run in the camera's page.
async function scale(mode) {
  const senders = globalThis.__connections.at(-1).getSenders();
  const sender = senders.find(({ track }) => track?.kind === 'video');
  const parameters = sender.getParameters();
  parameters.encodings[0].scalabilityMode = mode;
  await sender.setParameters(parameters);
}

function sent(page) {
  return page.evaluate(async () => {
    const entries = [...(await globalThis.__connections.at(-1).getStats()).values()];
    return entries.find(({ type, kind }) => type === 'outbound-rtp' && kind === 'video')?.scalabilityMode;
  });
}
