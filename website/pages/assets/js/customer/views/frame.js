/** Head and foot of the plain pages. */

import { h, icon } from '../../common/dom.js';
import { LANGUAGES, language, t } from '../../common/i18n.js';

/**
 * @typedef {object} Frame
 * @property {string} organisation empty before the invitation is redeemed
 * @property {(language: string) => void} speak
 */

/**
 * A whole plain page.
 * @param {string} screen
 * @param {Frame} frame
 * @param {...import('../../common/dom.js').Children} content
 */
export function plainPage(screen, frame, ...content) {
  return h(
    'div',
    { class: 'plain', key: screen, 'data-state': screen },
    h(
      'header',
      { class: 'head' },
      h('span', { class: 'brand' }, icon('logo'), h('span', { class: 'clip' }, frame.organisation || t('brand'))),
      languageChoice(frame),
    ),
    h('main', { id: 'main' }, content),
    foot(frame),
  );
}

/** @param {Frame} frame */
function languageChoice(frame) {
  return h(
    'div',
    { class: 'language' },
    icon('globe'),
    h(
      'select',
      {
        'aria-label': t('language'),
        '.value': language(),
        onchange: (/** @type {Event} */ event) => frame.speak(/** @type {HTMLSelectElement} */ (event.target).value),
      },
      Object.entries(LANGUAGES).map(([code, name]) => h('option', { value: code, lang: code, key: code }, name)),
    ),
  );
}

/** @param {Frame} frame */
function foot(frame) {
  const org = frame.organisation || t('org.unknown');
  return h(
    'footer',
    { class: 'foot' },
    h('details', { key: 'help' }, h('summary', null, t('help.label')), h('p', null, t('help', { org }))),
    h('details', { key: 'privacy' }, h('summary', null, t('privacy.label')), h('p', null, t('privacy'))),
  );
}

/**
 * @param {import('../entry.js').Complaint | null} what
 * @param {{ organisation: string }} frame
 */
export const complaintText = (what, frame) => (what ? t(what.id, { org: frame.organisation || t('org.unknown'), n: what.n ?? 0 }) : '');

/**
 * @param {string} text
 * @param {Record<string, any>} [more]
 */
export const title = (text, more) => h('h1', { class: 'title', 'data-heading': true, tabindex: -1, ...more }, text);

/**
 * @param {string} name icon
 * @param {string} text
 */
export const note = (name, text) => h('p', { class: 'note' }, icon(name), h('span', null, text));

/**
 * What is wrong with a field or a try.
 * @param {string} id
 * @param {string} text
 */
export const complaint = (id, text) => h('p', { class: 'field__error', id, role: 'alert', key: id }, icon('alert'), h('span', null, text));
