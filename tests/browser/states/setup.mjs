// Every state of the first set-up.

import { showStates } from './support/stage.mjs';
import { INVITATION, ME, problem, session } from './support/records.mjs';

const click = (page, name, role = 'button') => page.locator(`::-p-aria([name="${name}"][role="${role}"])`).click();
const TOKEN = '/setup#c2V0LXVwLXRva2Vu';

const fill = async (page, { reach }) => {
  await reach('#organisation');
  await page.type('#organisation', 'Halden Fibre');
  await page.type('#name', 'Anna Berg');
  await page.type('#email', 'anna.berg@halden.example');
  await page.type('#password', 'pencil lantern orbit moss');
  await reach('.meter[data-accepted="true"]');
};

const states = [
  { name: 'no-link', path: '/setup', answers: { 'GET /api/me': problem(401, 'not_signed_in') }, until: '[data-state="no-link"]' },
  { name: 'account', path: TOKEN, until: '[data-state="account"]' },
  { name: 'account-strong', path: TOKEN, until: '.meter[data-accepted="true"]', steps: fill },
  {
    name: 'account-wrong',
    path: TOKEN,
    answers: { 'POST /api/password/strength': [200, { score: 1, accepted: false, advice: 'Add another word or two.' }] },
    until: '#organisation-wrong',
    steps: async (page, { reach }) => {
      await reach('#password');
      await page.type('#password', 'password1');
      await reach('.meter');
      await click(page, 'Set up');
    },
  },
  {
    name: 'used',
    path: TOKEN,
    answers: { 'POST /api/setup': problem(410, 'setup_closed') },
    until: '[data-state="used"]',
    steps: async (page, stage) => {
      await fill(page, stage);
      await click(page, 'Set up');
    },
  },
  {
    name: 'checks',
    path: TOKEN,
    until: '.check[data-state="good"]',
    steps: async (page, stage) => {
      await fill(page, stage);
      await click(page, 'Set up');
    },
  },
  {
    name: 'trial',
    path: '/setup',
    until: '.try .pill[data-tone="wait"]',
    steps: async (page, { reach }) => {
      await reach('.checks');
      await click(page, 'Try it with your phone');
      await reach('.try');
      await page.evaluate((view) => globalThis.lensStage.signal({ kind: 'session', session: view.id, view }), session('made', { state: 'waiting', customer_device: 'iPhone, Safari', since: 1 }));
    },
  },
];

export default {
  name: 'every state of the first set-up',
  limitSeconds: 120,
  run: (scenario) =>
    showStates(scenario, 'setup', states, {
      answers: {
        'GET /api/me': [200, ME],
        'POST /api/setup': [201, ME],
        'POST /api/password/strength': [200, { score: 4, accepted: true, advice: null }],
        'POST /api/sessions': [201, { session: session('made', { state: 'created', since: 1 }), invitation: INVITATION }],
      },
    }),
};
