/** What is loaded once somebody is in a session: the session itself and all its pages. */

import { t } from '../common/i18n.js';
import { h } from '../common/dom.js';
import { screenOf } from './screen.js';
import { CustomerSession } from './session.js';
import { consentPage } from './views/consent.js';
import { endedPage } from './views/ended.js';
import { plainPage, title } from './views/frame.js';
import { keepStill, livePage } from './views/live.js';
import { troublePage } from './views/trouble.js';
import { keepAwake } from './wake.js';

/** @typedef {import('./screen.js').Screen} Screen */
/** @typedef {import('./views/frame.js').Frame} Frame */

export { keepAwake, screenOf };

/** Pages on the dark stage. */
export const ON_STAGE = new Set(['consent', 'waiting', 'waiting_off', 'back', 'lost', 'connecting', 'live', 'paused', 'call', 'away', 'hold', 'chat_only', 'reconnecting', 'offline']);
/** Pages that interrupt whoever listens. */
export const ALARMS = new Set(['reconnecting', 'offline', 'ended', 'replaced']);
/** Pages over which the screen stays on. */
export const AWAKE = new Set(['waiting', 'live', 'connecting', 'reconnecting', 'hold']);

/** @param {import('../common/types.js').CustomerView} view */
export function sessionOf(view) {
  const session = new CustomerSession(view);
  session.keepStill = keepStill;
  return session;
}

/**
 * @param {CustomerSession} session
 * @param {Screen} screen
 * @param {Frame} frame
 * @param {{ people: boolean, showPeople: (open: boolean) => void, now: number }} ui
 */
export function pageOf(session, screen, frame, ui) {
  switch (screen) {
    case 'consent':
      return consentPage(session);
    case 'ended':
      return endedPage(session, frame);
    case 'replaced':
      return replacedPage(session, frame);
    case 'denied':
    case 'none':
    case 'busy':
    case 'error':
      return troublePage(session, frame, screen);
    default:
      return livePage(session, screen, ui);
  }
}

/**
 * @param {CustomerSession} session
 * @param {Frame} frame
 */
function replacedPage(session, frame) {
  return plainPage(
    'replaced',
    frame,
    title(t('replaced.title')),
    h('p', { class: 'lead' }, t('replaced.text')),
    h('div', { class: 'actions' }, h('button', { class: 'button button--primary button--big', type: 'button', onclick: () => session.goOnHere() }, t('replaced.here'))),
  );
}

/**
 * @param {CustomerSession} session
 * @param {Screen} screen
 */
export function titleOf(session, screen) {
  const { organisation: org, technician } = session.view;
  if (screen === 'consent') return `${t('consent.page', { name: technician.name })} – ${org}`;
  if (screen === 'ended') return `${t('ended.page')} – ${org}`;
  if (screen === 'live') return `${t('live.page', { name: technician.name })} – ${org}`;
  const heading = document.querySelector('[data-heading]')?.textContent;
  return `${heading ?? t('brand')} – ${org}`;
}
