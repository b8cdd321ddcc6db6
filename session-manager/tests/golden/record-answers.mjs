// Records what real browsers answer to the golden offers:
//   node session-manager/tests/golden/record-answers.mjs
// Needs Debian's chromium and firefox-esr, and puppeteer-core in tests/browser/node_modules.
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(path.join(here, '../../../tests/browser/package.json'));
const puppeteer = require('puppeteer-core');

const BROWSERS = [
  { name: 'chromium', browser: 'chrome', executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] },
  { name: 'firefox', browser: 'firefox', executablePath: '/usr/bin/firefox-esr', args: [] },
];

/** Runs in the page: answers as our pages do, sending where the offer wants to receive. */
async function answer(offer) {
  const peer = new RTCPeerConnection();
  const canvas = document.createElement('canvas');
  canvas.getContext('2d');
  const video = canvas.captureStream(5).getVideoTracks()[0];
  const audio = new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0];
  await peer.setRemoteDescription({ type: 'offer', sdp: offer });
  for (const transceiver of peer.getTransceivers()) {
    const wanted = offer
      .split('\r\nm=')
      .find((section) => section.includes(`\r\na=mid:${transceiver.mid}\r\n`));
    if (wanted?.includes('\r\na=recvonly\r\n')) {
      transceiver.direction = 'sendonly';
      await transceiver.sender.replaceTrack(wanted.startsWith('video') ? video : audio);
    }
  }
  await peer.setLocalDescription();
  const { sdp } = peer.localDescription;
  peer.close();
  return sdp;
}

for (const { name, ...options } of BROWSERS) {
  const browser = await puppeteer.launch({ headless: true, ...options });
  const page = await browser.newPage();
  for (const role of ['camera', 'viewer']) {
    const offer = await readFile(path.join(here, `offer-${role}.sdp`), 'utf8');
    await writeFile(path.join(here, `answer-${role}.${name}.sdp`), await page.evaluate(answer, offer));
  }
  await browser.close();
}
