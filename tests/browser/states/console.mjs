// Every state of the technician's console.

import { readFileSync } from 'node:fs';
import { showStates } from './support/stage.mjs';
import { ANNA, INVITATION, LOG, ME, STATS, TIMELINES, chatLine, problem, session } from './support/records.mjs';

export const CAMERA = readFileSync(new URL('./support/camera-scene.js', import.meta.url), 'utf8');
const click = (page, name, role = 'button') => page.locator(`::-p-aria([name="${name}"][role="${role}"])`).click();

const BEN = { id: 't-ben', name: 'Ben Okafor' };
const CHIARA = { id: 't-chiara', name: 'Chiara Lodi' };
const DAVID = { id: 't-david', name: 'David Nyberg' };
const person = (role, who, connected = true) => ({ role, name: who?.name ?? null, technician: who?.id ?? null, participant: `p-${who?.id ?? 'camera'}`, connected });
const customer = (name) => ({ role: 'customer', name, technician: null, participant: 'p-camera', connected: true });

export const MARGIT = session('margit', {
  state: 'active',
  customer_name: 'Margit Lund',
  reference: 'Ticket 20418',
  customer_device: 'iPhone, Safari',
  capabilities: ['camera', 'voice'],
  presence: { camera: 'live', muted: false, facing: 'back' },
  lead: ANNA,
  people: [customer('Margit Lund'), person('technician', ANNA), person('watching', BEN)],
  started: 252,
  since: 252,
});
const WAITING = { ...MARGIT, state: 'waiting', lead: null, people: [customer('Margit Lund')], started_at: null, conference: null, presence: { camera: 'preview', muted: false } };

export const LIST = [
  session('ingrid', { state: 'waiting', customer_name: 'Ingrid Solheim', reference: 'Ticket 20431', customer_device: 'iPhone, Safari', since: 42 }),
  session('waits', { state: 'waiting', customer_device: 'Android phone, Chrome', created_by: BEN, since: 11 }),
  MARGIT,
  session('tomas', { state: 'on_hold', customer_name: 'Tomas Iversen', reference: 'Ticket 20402', customer_device: 'Android phone, Chrome', lead: ANNA, people: [customer('Tomas Iversen'), person('technician', ANNA)], since: 96 }),
  session('fresh', { state: 'created', reference: 'Ticket 20440', since: 18 }),
  session('jonas', { state: 'active', customer_name: 'Jonas Falk', reference: 'Ticket 20427', customer_device: 'Android phone, Chrome', presence: { camera: 'live', muted: false }, created_by: CHIARA, lead: CHIARA, people: [customer('Jonas Falk'), person('technician', CHIARA)], started: 710, since: 710 }),
  session('sofie', { state: 'reconnecting', trouble: 'customer', customer_name: 'Sofie Dahl', reference: 'Ticket 20425', customer_device: 'iPhone, Safari', created_by: BEN, lead: BEN, people: [customer('Sofie Dahl'), person('technician', BEN)], since: 6 }),
  session('peder', { state: 'active', customer_name: 'Peder Nygaard', reference: 'Ticket 20421', customer_device: 'Android phone, Firefox', presence: { camera: 'paused', muted: false }, created_by: BEN, lead: BEN, people: [customer('Peder Nygaard'), person('technician', BEN), person('watching', CHIARA)], since: 140 }),
];
const PAST = [
  session('past1', { state: 'closed', close_reason: 'solved', customer_name: 'Ada Nilsen', reference: 'Ticket 20399', customer_device: 'iPhone, Safari', lead: ANNA, started: 1900, ended: 900, since: 900 }),
  session('past2', { state: 'aborted', customer_device: 'Android phone, Chrome', reference: 'Ticket 20397', lead: BEN, started: 5200, ended: 4900, since: 4900 }),
  session('past3', { state: 'timed_out', reference: 'Ticket 20390', since: 9000, ended: 9000 }),
];

const OFFER = { conference: 'c1', participant: 'p-anna', generation: 1, negotiation_id: 'n1', sdp: 'v=0', ice_servers: [], slots: [], expires_at: '2026-11-22T15:00:00.000Z' };
const CHAT = [
  chatLine('c1', 'customer', 'Customer', 228, 'Hello. The internet has been gone since this morning.'),
  chatLine('c2', 'technician', 'Anna Berg', 200, 'Thank you, Margit. I can see the back of your router.'),
  chatLine('c3', 'technician', 'Anna Berg', 195, 'Please hold the phone a little closer to the sockets.'),
  chatLine('c4', 'customer', 'Customer', 150, 'Like this?'),
  chatLine('c5', 'technician', 'Anna Berg', 30, 'Perfect. Please move the grey cable to the blue socket.'),
];

export const answersFor = (view, role = 'offer') => ({
  'GET /api/sessions': [200, { sessions: LIST.map((one) => (one.id === view.id ? view : one)) }],
  [`GET /api/sessions/${view.id}`]: [200, view],
  [`GET /api/sessions/${view.id}/chat`]: [200, CHAT],
  [`GET /api/sessions/${view.id}/log`]: [200, { events: LOG, next: null }],
  [`GET /api/sessions/${view.id}/timeline`]: [200, TIMELINES],
  [`POST /api/sessions/${view.id}/${role}`]: [200, { session: view, offer: OFFER }],
  [`POST /api/sessions/${view.id}/start`]: [200, { session: MARGIT, offer: OFFER }],
});

export const signedIn = {
  'GET /api/me': [200, ME],
  'GET /api/sessions': [200, { sessions: LIST }],
  'POST /api/sessions': [201, { session: session('made', { state: 'created', since: 1, invitation: { id: 'i1', expires_at: INVITATION.expires_at } }), invitation: INVITATION }],
};

/** Comes to the live page, the picture running. */
export async function goLive(page, { reach }) {
  await reach('[data-testid="remote-video"]', { hidden: true });
  await page.evaluate((stats) => {
    globalThis.lensStage.stats = stats;
    globalThis.lensStage.media('connected');
    globalThis.lensStage.track('video', globalThis.lensScene(1280, 800).getVideoTracks()[0]);
    let frames = 0;
    setInterval(() => (globalThis.lensStage.stats = { ...globalThis.lensStage.stats, framesDecoded: (frames += 10) }), 300);
  }, STATS);
  await reach('.case[data-state="live"]');
}

/** The session on screen changes to this. */
const becomes = (page, view) => page.evaluate((next) => globalThis.lensStage.signal({ kind: 'session', session: next.id, view: next }), view);

/**
 * A state of the live page: it comes alive, the session becomes `view`, then `steps`.
 * @param {string} name
 * @param {object | null} view
 * @param {string} until
 * @param {(page: any, stage: any) => Promise<any>} [steps]
 * @param {{ query?: string }} [more]
 */
const live = (name, view, until, steps, more = {}) => ({
  name,
  path: `/console/sessions/margit${more.query ?? ''}`,
  answers: answersFor(MARGIT),
  width: 1440,
  until,
  steps: async (page, stage) => {
    await goLive(page, stage);
    if (view) await becomes(page, { ...MARGIT, ...view });
    await steps?.(page, stage);
  },
});

const standing = (name, view, until, more = {}) => ({ name, path: '/console/sessions/margit', width: 1440, answers: { ...answersFor(view, more.role), ...more.answers }, before: more.before, until, steps: more.steps });

const states = [
  { name: 'login', path: '/console', answers: { 'GET /api/me': problem(401, 'not_signed_in') }, until: '[data-state="signed-out"]' },
  {
    name: 'login-wrong',
    path: '/console',
    answers: { 'GET /api/me': problem(401, 'not_signed_in'), 'POST /api/login': problem(401, 'bad_credentials') },
    until: '#login-error',
    steps: async (page, { reach }) => {
      await reach('#email');
      await page.type('#email', 'anna.berg@halden.example');
      await page.type('#password', 'correcthorse');
      await page.keyboard.press('Enter');
    },
  },
  { name: 'unreachable', path: '/console', answers: { 'GET /api/me': problem(503, 'unavailable') }, until: '[data-state="failed"]' },
  { name: 'list', path: '/console', until: '.row' },
  { name: 'list-german', path: '/console?lang=de', until: '.row' },
  { name: 'list-empty', path: '/console', answers: { 'GET /api/sessions': [200, { sessions: [] }] }, until: '[data-state="empty"]' },
  { name: 'list-failed', path: '/console', answers: { 'GET /api/sessions': problem(503, 'unavailable') }, until: '[data-state="failed"]' },
  { name: 'list-search', path: '/console?filter=queue&q=nobody', until: '.empty' },
  { name: 'list-state', path: '/console?state=active', until: '.row' },
  {
    name: 'list-overtaken',
    path: '/console',
    answers: { 'POST /api/sessions/ingrid/start': problem(409, 'already_started') },
    width: 1440,
    until: '.toast',
    steps: async (page, { reach, server }) => {
      await reach('.row');
      const ingrid = { ...LIST[0], state: 'active', presence: { camera: 'live', muted: false }, lead: BEN, people: [customer('Ingrid Solheim'), person('technician', BEN)] };
      server.answers['GET /api/sessions/ingrid'] = [200, ingrid];
      await click(page, 'Start session with Ingrid Solheim');
      await page.waitForFunction(() => document.querySelector('[data-session="ingrid"] .row__facts')?.textContent === 'Ben started this.');
    },
  },
  { name: 'list-loading', path: '/console', answers: { 'GET /api/sessions': () => new Promise(() => {}) }, until: '[data-state="loading"]' },
  {
    name: 'list-stale',
    path: '/console',
    until: '.banner',
    steps: async (page, { reach }) => {
      await reach('.row');
      await page.evaluate(() => globalThis.lensStage.signalling('lost'));
    },
  },
  { name: 'history-loading', path: '/console/history', answers: { 'GET /api/sessions': (_, { state }) => (state === 'closed' ? new Promise(() => {}) : [200, { sessions: LIST }]) }, until: '.blank' },
  { name: 'history-empty', path: '/console/history', answers: { 'GET /api/sessions': [200, { sessions: [] }] }, until: '.empty' },
  { name: 'history', path: '/console/history', answers: { 'GET /api/sessions': [200, { sessions: PAST }] }, until: '.row' },
  {
    name: 'new-session',
    path: '/console',
    width: 1440,
    until: '.invite__digits',
    steps: async (page, { reach }) => {
      await reach('.row');
      await click(page, 'New session');
    },
  },
  {
    name: 'new-session-narrow',
    path: '/console',
    until: '.panel:modal .invite__digits',
    steps: async (page, { reach }) => {
      await reach('.row');
      await click(page, 'New session');
    },
  },
  {
    name: 'new-session-arrived',
    path: '/console',
    width: 1440,
    until: '.invite--here .button--primary',
    steps: async (page, { reach }) => {
      await reach('.row');
      await click(page, 'New session');
      await reach('.invite__digits');
      await becomes(page, session('made', { state: 'waiting', customer_device: 'iPhone, Safari', since: 1, capabilities: ['camera'] }));
    },
  },
  {
    name: 'profile',
    path: '/console',
    until: '.menu',
    steps: async (page, { reach }) => {
      await reach('.row');
      await page.click('#profile');
    },
  },
  {
    name: 'keys',
    path: '/console',
    until: 'dialog[open] .keys',
    steps: async (page, { reach }) => {
      await reach('.row');
      await page.keyboard.press('?');
    },
  },
  standing('created', { ...MARGIT, state: 'created', people: [], lead: null, customer_device: null, started_at: null, conference: null, capabilities: [], invitation: { id: 'i0', expires_at: INVITATION.expires_at } }, '[data-state="created"]'),
  standing('joined', { ...WAITING, state: 'connecting', presence: { camera: 'off', muted: false }, capabilities: [] }, '.case[data-state="joined"]'),
  standing('before', WAITING, '.case[data-state="before"]'),
  standing('connecting', WAITING, '.case[data-state="connecting"] .ring', {
    steps: async (page, { reach }) => {
      await reach('.case[data-state="before"]');
      await click(page, 'Start');
      await page.waitForFunction(() => document.body.innerText.includes('Reaching the media server'));
    },
  }),
  standing('start-failed', WAITING, '.case[data-state="failed"]', {
    answers: { 'POST /api/sessions/margit/start': problem(503, 'no_media_node', { trace_id: '4f2a9c1e7b3d' }) },
    steps: async (page, { reach }) => {
      await reach('.case[data-state="before"]');
      await click(page, 'Start');
    },
  }),
  standing('taken', WAITING, '.toast', {
    answers: { 'POST /api/sessions/margit/start': problem(409, 'already_started') },
    steps: async (page, { reach, server }) => {
      await reach('.case[data-state="before"]');
      server.answers['GET /api/sessions/margit'] = [200, { ...MARGIT, lead: BEN, people: [customer('Margit Lund'), person('technician', BEN)] }];
      await click(page, 'Start');
    },
  }),
  standing('outside', { ...MARGIT, lead: BEN, created_by: BEN, people: [customer('Margit Lund'), person('technician', BEN)] }, '.case[data-state="outside"]'),
  live('live', null, '.case[data-state="live"]'),
  live('live-log', null, '.timeline', undefined, { query: '?tab=log' }),
  live('live-details', null, '.steps', undefined, { query: '?tab=details' }),
  live('live-weak', null, '.pop .leg[data-state="weak"]', async (page, { reach }) => {
    await page.evaluate(() => Object.assign(globalThis.lensStage.stats, { framesPerSecond: 6, height: 216, width: 384, kbps: 310 }));
    await reach('.quality[data-level="weak"]');
    await page.click('#quality');
  }),
  live('paused', { presence: { camera: 'paused', muted: false } }, '.case[data-state="paused"]'),
  live('call', { presence: { camera: 'paused_call', muted: true } }, '.case[data-state="paused"]'),
  live('nocamera', { presence: { camera: 'denied', muted: true } }, '.case[data-state="nocamera"]'),
  live('hold', { state: 'on_hold' }, '.case[data-state="hold"]'),
  live('reconnecting', { state: 'reconnecting', trouble: 'customer' }, '.case[data-state="reconnecting"]'),
  live('offline', { state: 'offline', trouble: 'customer' }, '.case[data-state="offline"]'),
  live('node-lost', { state: 'reconnecting', trouble: 'node' }, '.case[data-state="node"]'),
  live('failed', null, '.case[data-state="failed"]', (page) => page.evaluate(() => globalThis.lensStage.media('failed', 'connect_timeout'))),
  live('watching', { lead: BEN, people: [customer('Margit Lund'), person('technician', BEN), person('watching', ANNA)] }, '.banner', async (page, { reach }) => reach('.case[data-state="live"]')),
  live('many', { people: [customer('Margit Lund'), person('technician', ANNA), person('watching', BEN), person('watching', CHIARA), person('watching', DAVID)] }, '.folk__card', (page) => page.click('#people')),
  live('closed', { state: 'closed', close_reason: 'solved', people: [], ended_at: new Date().toISOString() }, '.case[data-state="closed"]'),
  live('close-dialog', null, 'dialog[open] .reasons', (page) => click(page, 'Close')),
  live('put-out-dialog', null, 'dialog[open]', (page) => click(page, 'Put out'), { query: '?tab=details' }),
  live('sound-blocked', null, '.chip--act .icon', (page) =>
    page.evaluate(() => {
      HTMLMediaElement.prototype.play = () => Promise.reject(new DOMException('scripted', 'NotAllowedError'));
      globalThis.lensStage.track('audio', globalThis.lensVoice().getAudioTracks()[0]);
    }),
  ),
  { name: 'missing', path: '/console/sessions/nowhere', answers: { 'GET /api/sessions/nowhere': problem(404, 'session_not_found') }, until: '[data-state="missing"]' },
];

export default {
  name: 'every state of the console',
  limitSeconds: 600,
  run: (scenario) => showStates(scenario, 'console', states, { answers: signedIn, before: CAMERA }),
};
