import assert from 'node:assert/strict';
import { test } from 'node:test';

import { askedLayers, shapeLayers } from '../src/layers.js';

const offer = (simulcast) =>
  `v=0\r\nm=audio 9 UDP 111\r\na=mid:0\r\nm=video 9 UDP 96\r\na=mid:1\r\n${simulcast}a=recvonly\r\n`;

function sender() {
  const set = [];
  return {
    set,
    getParameters: () => ({ encodings: ['h', 'm', 'l'].map((rid) => ({ rid })) }),
    setParameters: async ({ encodings }) => void set.push(encodings),
  };
}

test('an offer asks for layers in a section, some of them later', () => {
  assert.deepEqual(askedLayers(offer(''), '1'), []);
  const always = offer('a=rid:h recv\r\na=simulcast:recv h;m;l\r\n');
  assert.deepEqual(askedLayers(always, '0'), []);
  assert.deepEqual(askedLayers(always, '1').map(({ rid, paused }) => `${rid} ${paused}`), [
    'h false', 'm false', 'l false',
  ]);
  const later = askedLayers(offer('a=simulcast:recv h;~m;~l\r\n'), '1');
  assert.deepEqual(later.map(({ rid, paused }) => `${rid} ${paused}`), ['h false', 'm true', 'l true']);
});

test('layers get their sizes, and are sent when they are wanted', async () => {
  const camera = sender();
  const layers = askedLayers(offer('a=simulcast:recv h;~m;~l\r\n'), '1');
  await shapeLayers(camera, layers, false);
  await shapeLayers(camera, layers, true);
  const [alone, several] = camera.set;
  assert.deepEqual(alone, [
    { rid: 'h', scaleResolutionDownBy: 1, active: true },
    { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 500_000, active: false },
    { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000, active: false },
  ]);
  assert.deepEqual(several.map(({ active }) => active), [true, true, true]);
});

test('without layers in the offer, nothing of the sender is touched', async () => {
  await shapeLayers({}, [], true);
});

test('a browser that refuses does not stop the call', async (t) => {
  t.mock.method(console, 'warn', () => {});
  const refusing = { ...sender(), setParameters: async () => { throw new Error('no'); } };
  await shapeLayers(refusing, [{ rid: 'h', paused: false }], true);
});
