/** Small pieces that several console views share. */

import { h, icon } from '../../common/dom.js';
import { initials } from '../../common/format.js';
import { t } from '../../common/i18n.js';

/** @typedef {import('../words.js').Pill} Pill */
/** @typedef {import('../quality.js').Quality} Quality */
/** @typedef {import('../../common/types.js').Person} Person */

/** @param {Pill} pill */
export const pill = ({ tone, mark, word, state }) =>
  h(
    'span',
    { class: 'pill', 'data-tone': tone, 'data-state': state },
    h('svg', { class: 'pill__mark', 'aria-hidden': 'true', key: mark }, h('use', { href: `/assets/icons.svg#mark-${mark}` })),
    word,
  );

/**
 * @param {string} name
 * @param {string} role
 */
export const avatar = (name, role) =>
  h('span', { class: `avatar avatar--${role}`, 'aria-hidden': 'true' }, initials(name));

/**
 * The customer by their initials, or by the phone they hold while they have no name here.
 * @param {import('../../common/types.js').SessionView} session
 */
export const customerAvatar = (session) =>
  session.customer_name ? avatar(session.customer_name, 'customer') : h('span', { class: 'avatar avatar--customer', 'aria-hidden': 'true' }, icon('phone', 'icon icon--sm'));

/** @param {Quality} quality */
export const bars = (quality) =>
  h('span', { class: 'quality', 'data-level': quality.level }, icon(`signal-${quality.bars}`), t(`quality.${quality.level}`));

/**
 * A banner that stays.
 * @param {string} tone
 * @param {string} mark
 * @param {any} text
 * @param {any} [more]
 */
export const banner = (tone, mark, text, more) => h('div', { class: `banner banner--${tone}`, role: tone === 'bad' ? 'alert' : 'status' }, icon(mark), h('p', null, text), more);

/**
 * What is there to see when there is nothing.
 * @param {string} mark
 * @param {string} text
 * @param {any} [act]
 */
export const empty = (mark, text, act) => h('div', { class: 'empty' }, icon(mark, 'icon icon--lg'), h('p', null, text), act);

/**
 * Rows that keep a table's place while it is read.
 * @param {number} count
 */
export const blankRows = (count) =>
  h('tbody', { key: 'blank', 'aria-hidden': 'true' }, Array.from({ length: count }, (_, at) => h('tr', { class: 'row', key: at }, h('td', { colspan: 6 }, h('span', { class: 'blank' })))));

/**
 * @param {string} text
 * @param {() => void} again
 */
export const failed = (text, again) =>
  h('div', { class: 'empty', role: 'alert' }, icon('alert', 'icon icon--lg'), h('p', null, text), h('button', { class: 'button button--outline', type: 'button', onclick: again }, icon('refresh'), h('span', null, t('try.again'))));

/**
 * A dialog of the browser's own kind: it keeps the focus inside, and Esc leaves.
 * @param {Record<string, any>} props
 * @param {() => void} leave
 * @param {...any} content
 */
export const dialog = (props, leave, ...content) =>
  h(
    'dialog',
    {
      ...props,
      mount: (/** @type {HTMLDialogElement} */ element) => {
        opener = document.activeElement instanceof HTMLElement ? document.activeElement : null;
        element.showModal();
      },
      unmount: (/** @type {HTMLDialogElement} */ element) => {
        if (element.open) element.close();
        const back = opener;
        queueMicrotask(() => {
          if (back?.isConnected) back.focus();
        });
      },
      oncancel: (/** @type {Event} */ event) => {
        event.preventDefault();
        leave();
      },
      onclick: (/** @type {MouseEvent} */ event) => {
        if (event.target === event.currentTarget) leave();
      },
    },
    content,
  );

/** @type {HTMLElement | null} */
let opener = null;

/**
 * A button that names its key in the tooltip.
 * @param {string} label
 * @param {string} [key]
 */
export const keyed = (label, key) => (key ? { title: `${label} (${key})`, 'aria-keyshortcuts': key } : {});
