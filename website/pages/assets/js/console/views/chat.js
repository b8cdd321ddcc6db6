/** The chat tab: bubbles by person, with what matters of the log between them. */

import { h, icon } from '../../common/dom.js';
import { chatGroups } from '../../common/chat-view.js';
import { firstName, timeOfDay } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { customerFirst, eventWords, isEnded } from '../words.js';
import { empty, failed } from './parts.js';

/** @typedef {import('../case.js').Case} Case */
/** @typedef {import('../../common/types.js').ChatLine} ChatLine */

/** Events that belong between the lines. */
const TOLD = new Set(['consent.given', 'watcher.joined', 'watcher.left', 'session.held', 'session.resumed', 'session.closed', 'session.left']);

/** @param {Case} it */
export function chatTab(it) {
  const { pending } = it.chat;
  const told = entries(it);
  const nothing = told.length === 0 && pending.length === 0;
  return [
    h(
      'div',
      { class: 'chat side__fill', role: 'log', 'aria-label': t('tab.chat'), tabindex: 0, key: 'log', update: stayAtEnd },
      it.chat.failed && failed(t('chat.load_failed'), () => void it.chat.load()),
      nothing && !it.chat.failed && empty('chat', t('chat.nothing')),
      told,
      pending.map((line) =>
        line.failed
          ? h('button', { class: 'bubble', type: 'button', 'data-own': true, key: line.clientId, onclick: () => it.chat.retry(line) }, line.text, h('br'), h('strong', null, t('chat.failed')))
          : h('p', { class: 'bubble', 'data-own': true, 'data-sending': true, key: line.clientId }, line.text),
      ),
    ),
    it.session && !isEnded(it.session) && it.session.state !== 'created' && composer(it),
  ];
}

/** Lines and events in one order. @param {Case} it */
function entries(it) {
  const me = it.store.me?.technician.name ?? '';
  const isOwn = (/** @type {ChatLine} */ line) => line.from === 'technician' && line.name === me;
  const told = it.log.filter((event) => TOLD.has(event.kind)).map((event) => ({ at: event.at, node: eventLine(event) }));
  const cuts = told.map(({ at }) => at);
  const groups = splitAt(it.chat.lines, cuts).flatMap((part) => chatGroups(part, isOwn));
  const shown = groups.map((group) => ({ at: group.at, node: groupNodes(it, group) }));
  return [...told, ...shown].sort((a, b) => a.at.localeCompare(b.at)).map(({ node }) => node);
}

/**
 * @param {ChatLine[]} lines
 * @param {string[]} cuts times at which a new group begins
 */
function splitAt(lines, cuts) {
  /** @type {ChatLine[][]} */
  const parts = [[]];
  let cut = 0;
  for (const line of lines) {
    while (cut < cuts.length && cuts[cut] < line.at) {
      cut += 1;
      if (parts[parts.length - 1].length > 0) parts.push([]);
    }
    parts[parts.length - 1].push(line);
  }
  return parts;
}

/** @param {import('../../common/types.js').SessionEvent} event */
function eventLine(event) {
  const { text, mark } = eventWords(event);
  return h('p', { class: 'chat__event', key: `e-${event.id}` }, icon(mark, 'icon icon--sm'), `${text} · ${timeOfDay(event.at)}`);
}

/**
 * @param {Case} it
 * @param {import('../../common/chat-view.js').Group} group
 */
function groupNodes(it, group) {
  const fromCustomer = group.lines[0].from === 'customer';
  const name = group.own ? t('people.you') : fromCustomer && it.session ? customerFirst(it.session) : firstName(group.name);
  return [
    h('p', { class: 'chat__meta', 'data-own': group.own, key: `m-${group.key}` }, `${name} · ${timeOfDay(group.at)}`),
    group.lines.map((line) => h('p', { class: 'bubble', 'data-own': group.own, key: line.id }, line.text)),
  ];
}

/** @param {Case} it */
function composer(it) {
  const name = it.session ? customerFirst(it.session) : '';
  const label = t('chat.message', { name });
  return h(
    'form',
    { class: 'composer', key: 'composer', onsubmit: (/** @type {Event} */ event) => (event.preventDefault(), it.chat.send()) },
    h('textarea', {
      class: 'input',
      id: 'message',
      rows: 1,
      maxlength: 2000,
      'aria-label': label,
      placeholder: label,
      '.value': it.chat.draft,
      oninput: (/** @type {Event} */ event) => it.chat.type(/** @type {HTMLTextAreaElement} */ (event.target).value),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        it.chat.send();
      },
    }),
    h('button', { class: 'button button--primary button--icon', type: 'submit', 'aria-label': t('chat.send') }, icon('send')),
  );
}

/** @param {Element} log */
function stayAtEnd(log) {
  const list = /** @type {HTMLElement} */ (log);
  const length = String(list.childElementCount);
  if (list.dataset.length === length) return;
  list.dataset.length = length;
  list.scrollTop = list.scrollHeight;
}
