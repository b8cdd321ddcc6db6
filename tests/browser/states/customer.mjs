// Every state of the customer's page.

import { readFileSync } from 'node:fs';
import { expectSame } from '../lib/scenario.mjs';
import { showStates } from './support/stage.mjs';

const CAMERA = readFileSync(new URL('./support/camera-scene.js', import.meta.url), 'utf8');
const IPHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1';
const ANNA = { first_name: 'Anna', name: 'Anna Berg' };
const BEN = { first_name: 'Ben', name: 'Ben Okafor' };
const LINK = '/s#AAECAwQFBgcICQoLDA0ODw';

const VIEW = {
  session: '01930000-0000-7000-8000-000000000001',
  state: 'connecting',
  trouble: null,
  organisation: 'Halden Fibre',
  technician: ANNA,
  watchers: [ANNA],
  consent: { version: 3, recorded: false, kept_days: 90 },
  agreed: null,
  chat: [],
  ended_by: null,
  started_at: null,
  ended_at: null,
};
const AGREED = { ...VIEW, state: 'waiting', agreed: ['camera', 'voice'] };
const ACTIVE = { ...AGREED, state: 'active', watchers: [ANNA, BEN], started_at: '2026-11-22T14:32:00.000Z' };

const line = (id, from, name, at, text) => ({ id, from, name, at: `2026-11-22T14:${at}.000Z`, text });
const CHAT = [
  line('c1', 'customer', 'Customer', '33:02', 'Hello. The internet has been gone since this morning.'),
  line('c2', 'technician', 'Anna Berg', '33:40', 'Thank you. I can see the back of your router.'),
  line('c3', 'technician', 'Anna Berg', '33:58', 'Please hold the phone a little closer to the sockets.'),
  line('c4', 'customer', 'Customer', '34:30', 'Like this?'),
];

const problem = (status, code, more = {}) => [status, { code, status, title: code, retryable: false, ...more }];
const signal = (page, view) => page.evaluate((customer) => globalThis.lensStage.signal({ kind: 'session', customer }), view);
const click = (page, name) => page.locator(`::-p-aria([name="${name}"][role="button"])`).click();

/** Goes in by PIN and says yes; the session then stands as `view` says. */
const goLive = (view, { connected = true } = {}) =>
  async function steps(page, { reach, server }) {
    await reach('[data-state="pin"]');
    await page.type('#pin', '482915');
    await page.keyboard.press('Enter');
    await reach('[data-state="consent"]');
    server.answers['GET /api/customer'] = [200, view];
    await click(page, 'Turn on camera');
    await reach('[data-state="waiting"]');
    await page.waitForFunction(() => document.querySelector('video')?.videoWidth > 0);
    if (view.state === 'waiting') return;
    if (connected) await page.evaluate(() => globalThis.lensStage.media('connected'));
    await signal(page, view);
    if (connected && view.state === 'active') await reach('[data-state="live"]');
  };

const entering = {
  'GET /api/customer': problem(401, 'not_signed_in'),
  'POST /api/invitations/redeem': [200, VIEW],
  'POST /api/customer/consent': [200, AGREED],
  'POST /api/customer/leave': [200, { ...ACTIVE, state: 'aborted', ended_by: 'customer' }],
};

/** What goes by itself after eight seconds stays. */
const keepCaptions = (page) =>
  page.evaluate(() => {
    const forget = setTimeout;
    Object.assign(globalThis, { setTimeout: (run, ms) => forget(run, ms === 8000 ? 600_000 : ms) });
  });

/** The clock of the page is put forward by so many seconds. */
const later = (page, seconds) =>
  page.evaluate((s) => {
    const past = globalThis.lensPast ?? 0;
    if (past === 0) {
      const real = Date.now.bind(Date);
      Date.now = () => real() + (globalThis.lensPast ?? 0);
    }
    globalThis.lensPast = past + s * 1000;
  }, seconds);

const states = [
  { name: 'pin', path: '/', until: '[data-state="pin"]', weight: 100_000 },
  {
    name: 'pin-typed',
    path: '/',
    until: '[data-state="pin"]',
    steps: async (page, { reach }) => {
      await reach('#pin');
      await page.type('#pin', '482915');
    },
  },
  {
    name: 'pin-empty',
    path: '/',
    until: '#pin-error',
    steps: async (page, { reach }) => {
      await reach('#pin');
      await click(page, 'Continue');
    },
  },
  ...[
    ['pin-wrong', problem(404, 'invitation_not_found')],
    ['pin-slow', problem(429, 'rate_limited', { retry_after_s: 30 })],
  ].map(([name, answer]) => ({
    name,
    path: '/',
    answers: { 'POST /api/invitations/redeem': answer },
    until: '#pin-error',
    steps: typePin,
  })),
  ...[
    ['pin-full', problem(503, 'no_media_node')],
    ['pin-error', problem(500, 'internal')],
  ].map(([name, answer]) => ({
    name,
    path: '/',
    answers: { 'POST /api/invitations/redeem': answer },
    until: '#pin-error',
    steps: typePin,
  })),
  {
    name: 'pin-checking',
    path: '/',
    answers: { 'POST /api/invitations/redeem': () => new Promise(() => {}) },
    until: '[type="submit"][aria-busy="true"]',
    steps: typePin,
  },
  {
    name: 'pin-offline',
    path: '/',
    until: '#pin-error',
    steps: async (page, stage) => {
      await stage.reach('#pin');
      await page.evaluate(() => {
        globalThis.fetch = () => Promise.reject(new TypeError('scripted'));
      });
      await typePin(page, stage);
    },
  },
  { name: 'pin-german', path: '/?lang=de', until: '[data-state="pin"]' },
  { name: 'link', path: LINK, until: '[data-state="link"]' },
  {
    name: 'link-bad',
    path: LINK,
    answers: { 'POST /api/invitations/redeem': problem(404, 'invitation_not_found') },
    until: '#link-error',
    steps: async (page, { reach }) => {
      await reach('[data-state="link"]');
      await click(page, 'Continue');
    },
  },
  {
    name: 'inapp',
    path: LINK,
    agent: `${IPHONE} [FBAN/FBIOS]`,
    before: "Object.defineProperty(navigator, 'mediaDevices', { value: undefined })",
    until: '[data-state="inapp"]',
  },
  { name: 'insecure', path: '/', before: "Object.defineProperty(window, 'isSecureContext', { value: false })", until: '[data-state="insecure"]' },
  { name: 'old', path: '/', before: 'delete globalThis.RTCPeerConnection', until: '[data-state="old"]' },
  { name: 'consent', path: LINK, until: '[data-state="consent"]', steps: redeemLink },
  {
    name: 'consent-only',
    path: LINK,
    answers: { 'POST /api/invitations/redeem': [200, { ...VIEW, watchers: [ANNA, BEN], consent: { ...VIEW.consent, recorded: true } }] },
    until: '.choice[data-chosen="true"] [value="only"]',
    steps: async (page, stage) => {
      await redeemLink(page, stage);
      await stage.reach('[value="only"]');
      await page.click('[value="only"]');
    },
  },
  { name: 'consent-german', path: LINK.replace('/s', '/s?lang=de'), until: '[data-state="consent"]', steps: (page, stage) => redeemLink(page, stage, 'Weiter') },
  {
    name: 'asking',
    path: LINK,
    before: 'setTimeout(() => { navigator.mediaDevices.getUserMedia = () => new Promise(() => {}); }, 0)',
    until: '[data-state="asking"]',
    steps: async (page, stage) => {
      await redeemLink(page, stage);
      await stage.reach('[data-state="consent"]');
      await click(page, 'Turn on camera');
    },
  },
  ...[
    ['denied-iphone', 'NotAllowedError', 'denied', IPHONE],
    ['denied-desktop', 'NotAllowedError', 'denied', undefined],
    ['camera-none', 'NotFoundError', 'none', IPHONE],
    ['camera-busy', 'NotReadableError', 'busy', IPHONE],
    ['camera-error', 'TypeError', 'error', IPHONE],
  ].map(([name, error, state, agent]) => ({
    name,
    path: LINK,
    agent,
    before: `globalThis.lensCameraError = '${error}'`,
    until: `[data-state="${state}"]`,
    steps: async (page, stage) => {
      await redeemLink(page, stage);
      await stage.reach('[data-state="consent"]');
      await click(page, 'Turn on camera');
    },
  })),
  { name: 'waiting', path: '/', until: '[data-state="waiting"]', steps: goLive(AGREED) },
  {
    name: 'waiting-chat',
    path: '/',
    until: '.drawer--chat .empty',
    steps: async (page, stage) => {
      await goLive(AGREED)(page, stage);
      await click(page, 'Chat');
    },
  },
  {
    name: 'waiting-long',
    path: '/',
    until: '[data-state="waiting"]',
    steps: async (page, stage) => {
      await goLive(AGREED)(page, stage);
      await later(page, 70);
      await page.waitForFunction(() => document.body.innerText.includes('Still here?'));
    },
  },
  {
    name: 'back',
    path: '/',
    answers: { 'GET /api/customer': [200, ACTIVE] },
    until: '[data-state="back"]',
  },
  {
    name: 'live',
    path: '/',
    until: '[data-state="live"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      // One Tab back from the page's end is Stop.
      const last = await page.evaluate(() => [...document.querySelectorAll('a[href], button:not([disabled]), input, select, textarea, summary, [tabindex="0"]')].at(-1).textContent);
      expectSame(last, 'Stop and leave', 'the last control of the live page');
    },
  },
  {
    name: 'live-caption',
    path: '/',
    until: 'button.tip',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      const said = line('c9', 'technician', 'Anna Berg', '36:10', 'Please move the grey cable to the blue socket.');
      await keepCaptions(page);
      await page.evaluate((chat) => globalThis.lensStage.signal({ kind: 'chat', ...chat }), said);
    },
  },
  {
    name: 'live-people',
    path: '/',
    until: '[data-drawer="people"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await click(page, 'Anna and Ben can see this');
    },
  },
  {
    name: 'live-chat',
    path: '/',
    until: '[data-drawer="chat"]',
    steps: async (page, stage) => {
      await goLive({ ...ACTIVE, chat: CHAT })(page, stage);
      await click(page, 'Chat');
    },
  },
  {
    name: 'live-many',
    path: '/',
    until: '.drawer--people li:nth-child(4)',
    steps: async (page, stage) => {
      await goLive({ ...ACTIVE, watchers: [ANNA, BEN, { first_name: 'Chiara', name: 'Chiara Lodi' }] })(page, stage);
      await click(page, 'Anna and 2 others can see this');
    },
  },
  {
    name: 'live-joined',
    path: '/',
    until: 'p.tip',
    steps: async (page, stage) => {
      await goLive({ ...ACTIVE, watchers: [ANNA] })(page, stage);
      await keepCaptions(page);
      await signal(page, ACTIVE);
    },
  },
  {
    name: 'live-no-voice',
    path: '/',
    before: 'globalThis.lensVoiceRefused = true',
    until: 'p.tip',
    steps: goLive(ACTIVE),
  },
  {
    name: 'live-muted',
    path: '/',
    until: '[data-on="true"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await click(page, 'Mute');
    },
  },
  {
    name: 'paused',
    path: '/',
    until: '[data-state="paused"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await click(page, 'Pause');
    },
  },
  {
    name: 'call',
    path: '/',
    until: '[data-state="call"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await page.evaluate(() => {
        for (const track of globalThis.lensCamera) {
          Object.defineProperty(track, 'muted', { value: true });
          track.dispatchEvent(new Event('mute'));
        }
      });
    },
  },
  {
    name: 'away',
    path: '/',
    until: '[data-state="away"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await page.evaluate(() => {
        Object.defineProperty(document, 'hidden', { value: true, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
        Object.defineProperty(document, 'hidden', { value: false, configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
      });
    },
  },
  {
    name: 'lost',
    path: '/',
    until: '[data-state="lost"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await page.evaluate(() => globalThis.lensCamera[0].dispatchEvent(new Event('ended')));
    },
  },
  {
    name: 'hold',
    path: '/',
    until: '[data-state="hold"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await page.evaluate((customer) => globalThis.lensStage.signal({ kind: 'session', customer }), { ...ACTIVE, state: 'on_hold' });
    },
  },
  {
    name: 'connecting',
    path: '/',
    until: '[data-state="connecting"]',
    steps: goLive(ACTIVE, { connected: false }),
  },
  ...[
    ['reconnecting', 2, '[data-state="reconnecting"] .tools'],
    ['reconnecting-tip', 8, '[data-state="reconnecting"] .tip'],
    ['offline', 61, '[data-state="offline"]'],
  ].map(([name, seconds, until]) => ({
    name,
    path: '/',
    until,
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await page.evaluate(() => globalThis.lensStage.media('reconnecting'));
      await later(page, seconds);
    },
  })),
  {
    name: 'chat-only',
    path: LINK,
    before: "globalThis.lensCameraError = 'NotFoundError'",
    until: '[data-state="chat_only"]',
    steps: async (page, stage) => {
      await redeemLink(page, stage);
      await stage.reach('[data-state="consent"]');
      await click(page, 'Turn on camera');
      await stage.reach('[data-state="none"]');
      await click(page, 'Go on with chat only');
      await stage.reach('[data-state="waiting_off"]');
      await click(page, 'Close chat');
      await page.evaluate(() => globalThis.lensStage.media('connected'));
      await signal(page, ACTIVE);
    },
  },
  {
    name: 'replaced',
    path: '/',
    until: '[data-state="replaced"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await page.evaluate(() => globalThis.lensStage.signalling('closed', 'replaced'));
    },
  },
  {
    name: 'ended-you',
    path: '/',
    until: '[data-state="ended"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await click(page, 'Stop and leave');
    },
  },
  .../** @type {[string, object][]} */ ([
    ['ended-technician', { state: 'closed', ended_by: 'technician' }],
    ['ended-time', { state: 'timed_out', ended_by: 'timeout' }],
    ['ended-put-out', { state: 'created', ended_by: 'put_out' }],
  ]).map(([name, end]) => ({
    name,
    path: '/',
    before: `sessionStorage.setItem('lens.seen', '${JSON.stringify({ session: VIEW.session, total: { 'Anna Berg': 900000, 'Ben Okafor': 360000 } })}')`,
    until: '[data-state="ended"]',
    steps: async (page, stage) => {
      await goLive(ACTIVE)(page, stage);
      await page.evaluate((customer) => globalThis.lensStage.signal({ kind: 'session', customer }), {
        ...ACTIVE,
        ...end,
        ended_at: '2026-11-22T14:47:00.000Z',
      });
    },
  })),
  {
    name: 'ended-refused',
    path: LINK,
    until: '[data-state="ended"]',
    steps: async (page, stage) => {
      await redeemLink(page, stage);
      await stage.reach('[data-state="consent"]');
      await click(page, 'No, leave');
    },
  },
];

async function typePin(page, { reach }) {
  await reach('#pin');
  await page.type('#pin', '482915');
  await page.keyboard.press('Enter');
}

async function redeemLink(page, { reach }, name = 'Continue') {
  await reach('[data-state="link"]');
  await click(page, name);
}

export default {
  name: 'every state of the customer page',
  limitSeconds: 600,
  run: (scenario) => showStates(scenario, 'customer', states, { answers: entering, before: CAMERA }),
};
