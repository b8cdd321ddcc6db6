/** What opens over the picture, and never over Stop: the chat, and the list of who can see. */

import { h, icon } from '../../common/dom.js';
import { initials, timeOfDay } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { chatGroups } from '../../common/chat-view.js';

/** @typedef {import('../session.js').CustomerSession} CustomerSession */

/**
 * @param {string} name
 * @param {string} titleText
 * @param {string} closeText
 * @param {() => void} close
 * @param {...any} content
 */
function drawer(name, titleText, closeText, close, ...content) {
  return h(
    'section',
    {
      class: `drawer drawer--${name}`,
      key: `drawer-${name}`,
      'aria-label': titleText,
      'data-drawer': name,
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'Escape') close();
      },
    },
    h(
      'div',
      { class: 'drawer__head' },
      h('h2', null, titleText),
      h('button', { class: 'button button--icon button--bare', type: 'button', 'aria-label': closeText, onclick: close }, icon('x')),
    ),
    content,
  );
}

/** @param {CustomerSession} s */
export function chatDrawer(s) {
  const tech = s.view.technician.first_name;
  const { lines, pending } = s.chat;
  const isEmpty = lines.length === 0 && pending.length === 0;
  return drawer(
    'chat',
    t('chat.title'),
    t('chat.close'),
    () => s.chat.toggle(),
    h(
      'div',
      { class: 'chat', role: 'log', 'aria-label': t('chat.title'), tabindex: 0, update: stayAtEnd },
      isEmpty && h('p', { class: 'empty' }, t('chat.empty', { tech })),
      chatGroups(lines, (line) => line.from === 'customer').map((group) => [
        h('p', { class: 'chat__meta', 'data-own': group.own, key: `m${group.key}` }, `${group.own ? t('chat.you') : group.name} · ${timeOfDay(group.at)}`),
        group.lines.map((line) => h('p', { class: 'bubble', 'data-own': group.own, key: line.id }, line.text)),
      ]),
      pending.map((line) =>
        line.failed
          ? h('button', { class: 'bubble', type: 'button', 'data-own': true, key: line.clientId, onclick: () => s.chat.retry(line) }, line.text, h('br'), h('strong', null, t('chat.failed')))
          : h('p', { class: 'bubble', 'data-own': true, 'data-sending': true, key: line.clientId }, line.text),
      ),
    ),
    composer(s, tech),
  );
}

/**
 * @param {CustomerSession} s
 * @param {string} tech
 */
function composer(s, tech) {
  const label = t('chat.to', { tech });
  return h(
    'form',
    {
      class: 'composer',
      onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        s.chat.send();
      },
    },
    h('textarea', {
      class: 'input',
      rows: 1,
      maxlength: 2000,
      'aria-label': label,
      placeholder: label,
      enterkeyhint: 'send',
      '.value': s.chat.draft,
      oninput: (/** @type {Event} */ event) => s.chat.type(/** @type {HTMLTextAreaElement} */ (event.target).value),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        s.chat.send();
      },
      mount: (/** @type {HTMLElement} */ field) => field.focus({ preventScroll: true }),
    }),
    h('button', { class: 'button button--primary button--icon', type: 'submit', 'aria-label': t('chat.send') }, icon('send')),
  );
}

/**
 * @param {CustomerSession} s
 * @param {() => void} close
 */
export function peopleDrawer(s, close) {
  const org = s.view.organisation;
  return drawer(
    'people',
    t('people.title'),
    t('people.close'),
    close,
    h(
      'ul',
      { class: 'names', mount: (/** @type {HTMLElement} */ list) => /** @type {HTMLElement | null} */ (list.parentElement?.querySelector('button'))?.focus() },
      s.view.watchers.map((watcher) =>
        h(
          'li',
          { key: watcher.name },
          h('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(watcher.name)),
          h('span', null, watcher.name, h('small', null, t('people.role', { org }))),
        ),
      ),
      h('li', { key: 'you' }, t('people.you')),
    ),
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
