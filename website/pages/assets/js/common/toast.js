/** Short notices that go by themselves. Never the only place of a fact. */

import { h, icon, render } from './dom.js';
import { t } from './i18n.js';

/** How long a notice stays, in milliseconds. */
const LIFE_MS = 5_000;

/** @typedef {{ id: number, text: string, mark: string, act?: { label: string, run: () => void } }} Notice */

/** @type {Notice[]} */
let notices = [];
/** @type {Map<number, ReturnType<typeof setTimeout>>} */
const timers = new Map();
let last = 0;

/**
 * @param {string} text
 * @param {{ mark?: string, act?: { label: string, run: () => void } }} [more]
 */
export function toast(text, more = {}) {
  last += 1;
  notices = [...notices.slice(-2), { id: last, text, mark: more.mark ?? 'check', act: more.act }];
  startClock(last);
  draw();
}

/** @param {number} id */
function startClock(id) {
  timers.set(id, setTimeout(() => drop(id), LIFE_MS));
}

/** @param {number} id */
function stopClock(id) {
  clearTimeout(timers.get(id));
}

/** @param {number} id */
function drop(id) {
  stopClock(id);
  timers.delete(id);
  notices = notices.filter((notice) => notice.id !== id);
  draw();
}

function draw() {
  const place = document.getElementById('toasts');
  if (place) render(place, notices.map(notice));
}

/** @param {Notice} notice */
function notice({ id, text, mark, act }) {
  return h(
    'div',
    {
      key: id,
      class: 'toast',
      onmouseenter: () => stopClock(id),
      onmouseleave: () => startClock(id),
      onfocusin: () => stopClock(id),
      onfocusout: () => startClock(id),
    },
    icon(mark),
    h('p', { class: 'toast__text' }, text),
    act && h('button', { class: 'button button--quiet button--small', type: 'button', onclick: () => (drop(id), act.run()) }, act.label),
    h('button', { class: 'button button--icon button--bare button--small', type: 'button', 'aria-label': t('toast.close'), onclick: () => drop(id) }, icon('x')),
  );
}
