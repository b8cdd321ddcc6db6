// A camera in one browser, seen in another, through the streaming server: every pair that the product
// promises. The picture is numbered, so order, loss and freezes are facts read after decoding.

import { openRoom } from '../harness/room.mjs';
import { MODULUS } from '../lib/camera.mjs';
import { facts, startCounting, waitForFrames } from '../lib/counter.mjs';
import { expect, expectSame } from '../lib/scenario.mjs';

const FRAMES = 90;
const SETTLED = 10;
/** Chromium 156's VP9 encoder now and then leaves single blocks as they were for four frames, on a busy
 * machine in one frame of five, from one connection to another without a server as well: the share of
 * such frames that says nothing about us. */
const STALE = 1 / 3;
/** The canvas of Firefox counts further than the camera file, and faster than Firefox takes pictures from it: of
 * 20 numbers a second it encodes some 12, so that a third is never shown, with no packet lost. */
const CANVAS_MODULUS = 65_536;
const CANVAS_FRAMES_PER_SECOND = 20;

/** @param {{ from: string, to: string, codec: string, srtp?: string }} what */
function seen({ from, to, codec, srtp }) {
  const name = `camera: ${from} to ${to}, ${codec}`;
  const address = [from, to].includes('firefox');
  return {
    name,
    network: address ? 'address' : 'loopback',
    limitSeconds: 90,
    run: (scenario) => cameraIsSeen(scenario, { from, to, codec, srtp }),
  };
}

/**
 * Camera in `from`, viewer in `to`; returns both peers once the picture has been judged.
 * @param {import('../lib/scenario.mjs').Scenario} scenario
 * @param {{ from: string, to: string, codec: string, srtp?: string }} what
 */
export async function cameraIsSeen(scenario, { from, to, codec, srtp }) {
  const room = await openRoom(scenario);
  const browsers = { [from]: await scenario[from]() };
  browsers[to] ??= await scenario[to]();
  const codecs = [codec];
  const camera = await room.join(browsers[from], 'camera', { codecs });
  const viewer = await room.join(browsers[to], 'viewer', { codecs });
  if (from === 'firefox') await camera.call('publishCanvas', CANVAS_FRAMES_PER_SECOND);
  else await camera.call('publishCamera');
  await startCounting(viewer.page);
  await Promise.all([camera.connect(), viewer.connect()]);

  const frames = await waitForFrames(viewer.page, FRAMES, 30_000);
  await judge(scenario, frames, { from, codec });
  const [out, into] = [await camera.facts(), await viewer.facts()];
  expectSame(out.videoOut.codec?.toLowerCase(), `video/${codec}`, 'the codec sent');
  expectSame(into.videoIn.codec?.toLowerCase(), `video/${codec}`, 'the codec received');
  expect(into.videoIn.packetsLost <= 2, `${into.videoIn.packetsLost} packets were lost on loopback`);
  if (srtp) {
    expectSame(out.srtpCipher, srtp, 'SRTP profile of the camera');
    expectSame(into.srtpCipher, srtp, 'SRTP profile of the viewer');
    scenario.fact('srtp', into.srtpCipher);
  }
  scenario.fact('encoded and decoded', `${out.videoOut.framesEncoded} and ${into.videoIn.framesDecoded}`);
  scenario.fact('way', `${out.transport}/${into.transport}`);
  return { room, camera, viewer, out, into };
}

/** The first of ten frames in a row that can be read: an encoder on a busy machine begins with pictures
 * so coarse that their numbers are lost in them. */
function whereItSettled(frames) {
  const readable = (at) => frames.slice(at, at + SETTLED).every((frame) => frame.number !== null);
  const first = frames.findIndex((_, at) => at + SETTLED <= frames.length && readable(at));
  expect(first >= 0, `never ${SETTLED} readable frames in a row, of ${frames.length}`);
  return first;
}

/** The picture arrives in order, without unreadable frames or freezes, and with no more of it missing than a
 * busy machine's own display drops. */
async function judge(scenario, frames, { from, codec }) {
  const modulus = from === 'firefox' ? CANVAS_MODULUS : MODULUS;
  const settled = frames.slice(whereItSettled(frames));
  const result = facts(settled, modulus);
  scenario.fact('frames/s', result.framesPerSecond);
  scenario.fact('not shown %', result.lossShare * 100);
  scenario.fact('longest freeze ms', result.longestFreezeMs);
  expectSame(result.backwards, 0, 'frames out of order');
  const damaged = settled.flatMap((frame, at) => (frame.number === null ? [at] : []));
  const most = codec === 'vp9' ? settled.length * STALE : 2;
  expect(damaged.length <= most, `frames ${damaged} of ${settled.length} were damaged`);
  expect(result.longestFreezeMs < 1_500, `the picture froze for ${result.longestFreezeMs} ms`);
  expect(result.lossShare < 0.6, `${Math.round(result.lossShare * 100)} % of the numbers were never shown`);
}

const AES_256 = 'AEAD_AES_256_GCM';

export default [
  seen({ from: 'chromium', to: 'chromium', codec: 'vp8', srtp: AES_256 }),
  seen({ from: 'chromium', to: 'chromium', codec: 'h264', srtp: AES_256 }),
  seen({ from: 'chromium', to: 'chromium', codec: 'vp9' }),
  seen({ from: 'firefox', to: 'chromium', codec: 'vp8' }),
  seen({ from: 'chromium', to: 'firefox', codec: 'vp8' }),
];
