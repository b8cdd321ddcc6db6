/** The log tab: what happened, newest first, in the words of the export. */

import { h, icon } from '../../common/dom.js';
import { timeWithSeconds } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { eventWords } from '../words.js';
import { empty, failed } from './parts.js';

/** @typedef {import('../case.js').Case} Case */
/** @typedef {import('../../common/types.js').SessionEvent} SessionEvent */

/** @param {Case} it */
export function logTab(it) {
  // Chat text stands in its own tab; here one line a message would bury the causes.
  const events = it.log.filter((event) => event.kind !== 'chat.line').reverse();
  if (it.logFailed && events.length === 0) return failed(t('log.failed'), () => void it.loadLog());
  if (events.length === 0) return empty('log', t('log.empty'));
  return h(
    'div',
    { class: 'side__fill', tabindex: 0, role: 'region', 'aria-label': t('tab.log'), key: 'log' },
    h('ol', { class: 'timeline' }, events.map(entry)),
  );
}

/** @param {SessionEvent} event */
function entry(event) {
  const { text, mark, tone } = eventWords(event);
  const by = event.actor ? t('log.by', { name: event.actor, origin: t(`origin.${event.origin}`) }) : t(`origin.${event.origin}`);
  const note = event.body?.note;
  return h(
    'li',
    { class: 'event', key: event.id, 'data-kind': event.kind },
    h('time', { class: 'event__time', datetime: event.at }, timeWithSeconds(event.at)),
    h('span', { class: 'event__mark', 'data-tone': tone }, icon(mark)),
    h('div', null, h('p', null, text), h('p', { class: 'event__by' }, by), note && h('p', { class: 'event__note' }, note)),
  );
}
