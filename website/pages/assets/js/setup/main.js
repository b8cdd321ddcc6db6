/** The first set-up: the account, then checks from this browser and a trial with one's own phone. */

import { get } from '../common/api.js';
import { focusHeading, h, icon, keepRendered } from '../common/dom.js';
import { LANGUAGES, firstLanguage, language, t, useLanguage } from '../common/i18n.js';
import { readPrefs } from '../console/prefs.js';
import { accountStep, Account } from './account.js';
import { checkStep, Checks } from './checks.js';

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
/** The one-time token of the address; it leaves the address once it was used. */
const token = location.hash.slice(1);

/** @type {'loading' | 'account' | 'check' | 'no-link' | 'used'} */
let step = 'loading';

const draw = keepRendered(root, () => page());
const account = new Account(token, draw, done);
const checks = new Checks(draw);

/** @param {'check' | 'used' | 'account' | 'no-link'} next */
function done(next) {
  step = next;
  if (next === 'check') {
    history.replaceState(null, '', location.pathname);
    void checks.run();
  }
  draw();
  queueMicrotask(() => queueMicrotask(focusHeading));
}

function page() {
  if (step === 'loading') return null;
  const body = step === 'account' ? accountStep(account) : step === 'check' ? checkStep(checks) : deadLink(step);
  return h(
    'div',
    { class: 'first', 'data-state': step },
    h('header', { class: 'first__head' }, icon('logo'), t('brand'), h('span', { class: 'grow' }), languageChoice()),
    h('main', { class: 'first__body', id: 'main' }, stages(), body),
  );
}

function languageChoice() {
  const speak = async (/** @type {Event} */ event) => {
    const chosen = /** @type {HTMLSelectElement} */ (event.target).value;
    localStorage.setItem('lens.language', chosen);
    await useWords(chosen);
    draw();
  };
  return h('select', { 'aria-label': t('language'), '.value': language(), onchange: (/** @type {Event} */ event) => void speak(event) }, Object.entries(LANGUAGES).map(([code, name]) => h('option', { value: code, lang: code, key: code }, name)));
}

function stages() {
  const past = step === 'check';
  const row = (/** @type {string} */ state, /** @type {string} */ no, /** @type {string} */ name, /** @type {string} */ text) =>
    h('li', { 'data-state': state, key: name, 'aria-current': state === 'now' ? 'step' : undefined }, h('span', { class: 'stages__no' }, state === 'done' ? icon('check', 'icon icon--sm') : no), h('div', null, h('strong', null, t(name)), h('p', null, t(text))));
  return h(
    'ol',
    { class: 'stages', 'aria-label': t('setup.steps') },
    row(past ? 'done' : 'now', '1', 'setup.step.account', past ? 'setup.step.account.done' : 'setup.step.account.text'),
    row(past ? 'now' : 'later', '2', 'setup.step.check', 'setup.step.check.text'),
  );
}

/** @param {string} why */
function deadLink(why) {
  return h(
    'section',
    { class: 'card first__card', key: 'dead' },
    h('h1', { 'data-heading': true, tabindex: -1 }, t('setup.link.title')),
    h('p', { class: 'first__lead' }, t(why === 'used' ? 'setup.link.used' : 'setup.link.none')),
    h('div', { class: 'first__go' }, h('a', { class: 'button button--outline', href: '/console' }, t('setup.signin'))),
  );
}

/** @param {string} chosen */
async function useWords(chosen) {
  await useLanguage(chosen, '', 'console-', 'setup-');
  document.title = t('setup.page');
}

async function begin() {
  readPrefs();
  await useWords(firstLanguage(localStorage));
  // Coming back after the account was made: the checks are what is left.
  const me = token === '' ? await get('/api/me').catch(() => null) : null;
  done(me ? 'check' : token === '' ? 'no-link' : 'account');
}

void begin();
