// A camera that sends its picture in several sizes. Each viewer gets the one that its way carries, and
// that it shows; by the policy `auto` there is one size until somebody else watches.

import { openRoom } from '../harness/room.mjs';
import { readFrames, startCounting, waitForFrames } from '../lib/counter.mjs';
import { eventually, expect } from '../lib/scenario.mjs';
import { Server } from '../lib/server.mjs';

const KBPS = 300;
const FULL_WIDTH = 640;
const WATCHED_MS = 10_000;

/** What came of a viewer's picture in the last while. */
async function lately(peer) {
  const frames = await readFrames(peer.page);
  const since = Date.now() - WATCHED_MS;
  const shown = frames.filter(({ at }) => at >= since);
  return { perSecond: (shown.length * 1000) / WATCHED_MS, width: shown.at(-1)?.width ?? 0 };
}

const slowAndNear = {
  name: 'simulcast: a slow viewer gets a small picture, a near one all of it',
  network: 'address',
  limitSeconds: 150,
  run: async (scenario) => {
    const conference = { media: { simulcast: 'always' } };
    const room = await openRoom(scenario, { conference, far: true });
    const flags = [`--unsafely-treat-insecure-origin-as-secure=${room.origin}`];
    const near = await scenario.chromium({ flags });
    const far = await scenario.chromium({ flags, away: true });
    const camera = await room.join(near, 'camera', { codecs: ['vp8'] });
    const fast = await room.join(near, 'viewer', { name: 'fast', codecs: ['vp8'] });
    const slow = await room.join(far, 'viewer', { name: 'slow', codecs: ['vp8'] });
    await camera.call('publishCamera');
    await Promise.all([fast, slow].map((peer) => startCounting(peer.page)));
    await Promise.all([camera, fast, slow].map((peer) => peer.connect()));
    await Promise.all([fast, slow].map((peer) => waitForFrames(peer.page, 10, 30_000)));
    const layers = await sentLayers(camera.page);
    scenario.fact('layers', layers.map(({ rid, width }) => `${rid} ${width}`).join(', '));
    expect(layers.length >= 2, `the camera sends ${JSON.stringify(layers)}`);

    scenario.network.narrow(KBPS);
    await eventually(
      'the slow viewer has a small picture',
      async () => {
        const { width } = await lately(slow);
        return width > 0 && width < FULL_WIDTH;
      },
      60_000,
    );
    await new Promise((resolve) => {
      setTimeout(resolve, WATCHED_MS);
    });
    const [few, all] = [await lately(slow), await lately(fast)];
    scenario.fact('slow', `${Math.round(few.perSecond)} of ${few.width}`);
    scenario.fact('fast', `${Math.round(all.perSecond)} of ${all.width}`);
    expect(few.width < FULL_WIDTH && few.perSecond >= 10, 'the slow viewer sees a small picture that moves');
    expect(all.width === FULL_WIDTH, `the near viewer's picture is ${all.width} wide`);
    expect(all.perSecond >= 15, `the near viewer sees ${all.perSecond} frames a second`);
  },
};

const shownSmall = {
  name: 'simulcast: a viewer that shows the picture small gets a small one',
  network: 'loopback',
  limitSeconds: 120,
  run: async (scenario) => {
    const { viewer } = await watched(scenario, 'always');
    // Of 640 pixels Chromium makes two sizes, whatever it is asked for.
    for (const [size, wanted] of [
      [{ height: 200 }, 320],
      [{ height: 480 }, FULL_WIDTH],
      [{ height: 0 }, 320],
      [null, FULL_WIDTH],
    ]) {
      await viewer.call('setPictureSize', size);
      await widthBecomes(viewer, wanted);
    }
  },
};

const throughStack = {
  name: 'simulcast: layers where RTP goes through the media stack',
  network: 'loopback',
  limitSeconds: 120,
  run: async (scenario) => {
    const environment = { LENS_MEDIA__RTP: 'stack' };
    const product = scenario.adopt(new Server({ address: scenario.address, environment }));
    await product.start();
    const { camera, viewer } = await watched(scenario, 'always', product);
    await widthBecomes(viewer, FULL_WIDTH);
    const layers = await sentLayers(camera.page);
    expect(layers.length >= 2, `the camera sends ${JSON.stringify(layers)}`);
    await viewer.call('setPictureSize', { height: 0 });
    await widthBecomes(viewer, Math.min(...layers.map(({ width }) => width)));
    await viewer.call('setPictureSize', null);
    await widthBecomes(viewer, FULL_WIDTH);
  },
};

const auto = {
  name: 'simulcast: by `auto` the smaller pictures begin with the second viewer',
  network: 'loopback',
  limitSeconds: 120,
  run: async (scenario) => {
    const { room, browser, camera, viewer } = await watched(scenario, 'auto');
    await waitForFrames(viewer.page, 60, 30_000);
    const alone = await sentLayers(camera.page);
    expect(alone.length === 1, `one viewer, and the camera sends ${JSON.stringify(alone)}`);
    expect(alone[0].rid === 'h', `it is ${alone[0].rid}`);
    const second = await room.join(browser, 'viewer', { name: 'second', codecs: ['vp8'] });
    await second.connect();
    const several = async () => (await sentLayers(camera.page)).length >= 2;
    await eventually('the camera sends several sizes', several, 30_000);
  },
};

const firefox = {
  name: 'simulcast: Firefox as the camera',
  network: 'address',
  limitSeconds: 120,
  run: async (scenario) => {
    const room = await openRoom(scenario, { conference: { media: { simulcast: 'always' } } });
    const camera = await room.join(await scenario.firefox(), 'camera', { codecs: ['vp8'] });
    const near = await scenario.chromium();
    const viewer = await room.join(near, 'viewer', { codecs: ['vp8'] });
    await camera.call('publishCanvas', 20);
    await startCounting(viewer.page);
    await Promise.all([camera, viewer].map((peer) => peer.connect()));
    await waitForFrames(viewer.page, 30, 30_000);
    const layers = await sentLayers(camera.page);
    scenario.fact('layers', layers.map(({ rid, width }) => `${rid} ${width}`).join(', '));
    expect(layers.length >= 2, `Firefox sends ${JSON.stringify(layers)}`);
    const widest = Math.max(...layers.map(({ width }) => width));
    await widthBecomes(viewer, widest);
    await viewer.call('setPictureSize', { height: 0 });
    await widthBecomes(viewer, Math.min(...layers.map(({ width }) => width)));
  },
};

export default [slowAndNear, shownSmall, throughStack, auto, firefox];

/** A camera and one viewer that sees it, in one Chromium. */
async function watched(scenario, simulcast, product) {
  const room = await openRoom(scenario, { conference: { media: { simulcast } }, product });
  const browser = await scenario.chromium();
  const camera = await room.join(browser, 'camera', { codecs: ['vp8'] });
  const viewer = await room.join(browser, 'viewer', { codecs: ['vp8'] });
  await camera.call('publishCamera');
  await startCounting(viewer.page);
  await Promise.all([camera, viewer].map((peer) => peer.connect()));
  await waitForFrames(viewer.page, 10, 30_000);
  return { room, browser, camera, viewer };
}

async function widthBecomes(viewer, wanted) {
  const seen = async () => (await readFrames(viewer.page)).at(-1)?.width;
  await eventually(`the picture is ${wanted} wide`, async () => (await seen()) === wanted, 30_000);
}

/** The sizes that a camera sends, by `rid`. */
async function sentLayers(page) {
  return page.evaluate(async () => {
    const connection = globalThis.__connections.at(-1);
    const entries = [...(await connection.getStats()).values()];
    const video = entries.filter((it) => it.type === 'outbound-rtp' && it.kind === 'video');
    return video
      .filter(({ framesSent }) => framesSent > 0)
      .map(({ rid, frameWidth }) => ({ rid, width: frameWidth }));
  });
}
