// Every key of the list of keys does what it says, only where it says, and never ends a session by itself.

import { expect, expectSame } from '../lib/scenario.mjs';
import { Person } from '../lib/steps.mjs';
import { CAMERA, LIST, MARGIT, answersFor, goLive, signedIn } from './console.mjs';
import { ME } from './support/records.mjs';
import { StageServer } from './support/server.mjs';

/** Anna at the console, nothing real behind it; what the page asks the server for is kept in `asked`. */
async function openConsole(scenario, path, answers = {}) {
  const server = new StageServer();
  await server.start();
  scenario.afterwards(() => server.stop());
  const asked = [];
  const noted = Object.entries({ ...signedIn, ...answers }).map(([request, answer]) => [
    request,
    (body, query) => {
      asked.push(request);
      return answerWith(answer, body, query);
    },
  ]);
  server.answers = Object.fromEntries(noted);
  const browser = await scenario.chromium({ flags: ['--use-fake-ui-for-media-stream'] });
  const watched = await browser.newPage({ name: 'anna', script: CAMERA });
  await watched.open(server.base + path);
  return Object.assign(new Person(watched), { asked });
}

/** @param {any} answer */
const answerWith = (answer, body, query) => (typeof answer === 'function' ? answer(body, query) : answer);

const focused = (person, sentence, selector) => person.until(sentence, (wanted) => document.activeElement?.matches(wanted), selector);
const gone = (person, sentence, selector) => person.until(sentence, (unwanted) => !document.querySelector(unwanted), selector);
const there = (person, sentence, selector) => person.until(sentence, (wanted) => document.querySelector(wanted) !== null, selector);

export default [
  {
    name: 'keys: in the list',
    run: async (scenario) => {
      const anna = await openConsole(scenario, '/console');
      await there(anna, 'the list is there', '.row');
      await anna.keys('/');
      await focused(anna, 'the search has the focus', '#search');
      await anna.keys('n');
      expectSame(await anna.page.$eval('#search', (field) => field.value), 'n', 'a letter typed into a field');
      await anna.keys('Backspace');
      await anna.keys('Escape');
      await focused(anna, 'Esc leaves the field', 'body');
      await anna.keys('j');
      await focused(anna, 'J chooses the first row', '[data-session="ingrid"] button');
      await anna.keys('j');
      await focused(anna, 'J chooses the next row', '[data-session="waits"] button');
      await anna.keys('k');
      await focused(anna, 'K chooses the row before', '[data-session="ingrid"] button');
      await anna.keys('n');
      await anna.sees('heading', 'New session');
      await anna.reads('482 915');
      await anna.press('button', 'Close panel');
      await anna.keys('?');
      await anna.sees('heading', 'Keys');
      await anna.keys('Escape');
      await gone(anna, 'Esc closes the list of keys', 'dialog[open]');
      await anna.page.focus('[data-session="tomas"] button');
      await anna.keys('Enter');
      await anna.until('Enter opens the chosen row', () => location.pathname.endsWith('/tomas'));
    },
  },
  {
    name: 'keys: in a session',
    limitSeconds: 90,
    run: async (scenario) => {
      const { id } = MARGIT;
      const held = { ...MARGIT, state: 'on_hold' };
      const anna = await openConsole(scenario, `/console/sessions/${id}`, {
        ...answersFor(MARGIT),
        [`POST /api/sessions/${id}/hold`]: [200, held],
        [`POST /api/sessions/${id}/resume`]: [200, MARGIT],
      });
      const reach = (selector) => there(anna, selector, selector);
      await goLive(anna.page, { reach });
      for (const [key, tab] of [['2', 'log'], ['3', 'details'], ['1', 'chat']]) {
        await anna.keys(key);
        await there(anna, `${key} shows ${tab}`, `#tab-${tab}[aria-selected="true"]`);
      }
      await anna.keys('[');
      await gone(anna, '[ closes the side panel', '.side');
      await anna.keys('c');
      await focused(anna, 'C goes to the chat field', '#message');
      await anna.keys('h');
      expectSame(await anna.page.$eval('#message', (field) => field.value), 'h', 'a letter typed into the chat');
      await anna.keys('Escape');
      await anna.keys('s');
      await there(anna, 'S turns the sound off', '[aria-keyshortcuts="S"][aria-pressed="false"]');
      await anna.keys('m');
      await there(anna, 'M turns the microphone on', '[aria-keyshortcuts="M"][aria-pressed="true"]');
      await anna.keys('h');
      await anna.reads('On hold');
      await anna.keys('h');
      await gone(anna, 'H resumes', '.case[data-state="hold"]');
      await anna.keys('Shift+X');
      await anna.sees('heading', /^Close the session with/);
      await focused(anna, 'the safe choice has the focus', 'dialog .button--outline');
      await anna.keys('Escape');
      await gone(anna, 'Esc leaves the dialog', 'dialog[open]');
      expect(!anna.asked.some((request) => request.endsWith('/close')), 'a key closed the session');
      await anna.page.keyboard.down('Shift');
      await anna.page.keyboard.press('Digit2');
      await anna.page.keyboard.up('Shift');
      await anna.until('Shift+2 goes to the second open session', () => location.pathname.endsWith('/tomas'));
      await anna.keys('/');
      await focused(anna, 'the search has the focus', '#search');
    },
  },
  {
    name: 'keys: none when switched off in the profile',
    run: async (scenario) => {
      const anna = await openConsole(scenario, '/console');
      await there(anna, 'the list is there', '.row');
      await anna.press('button', ME.technician.name.split(' ')[0]);
      await anna.press('switch', 'Single-letter keys');
      await anna.keys('Escape');
      await anna.page.evaluate(() => {
        if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
      });
      await anna.keys('n');
      await anna.keys('?');
      await anna.seesNo('heading', 'New session');
      await anna.seesNo('heading', 'Keys');
      expect(!anna.asked.includes('POST /api/sessions'), 'a session was made');
      expectSame(LIST.length > 0, true, 'the list had sessions');
    },
  },
];
