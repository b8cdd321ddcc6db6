/** Coming in: by PIN, or by link. Neither page knows who asks. */

import { h, icon } from '../../common/dom.js';
import { pinInGroups } from '../../common/format.js';
import { rich, t } from '../../common/i18n.js';
import { complaint, complaintText, note, plainPage, title } from './frame.js';

/** @typedef {import('../entry.js').Entry} Entry */
/** @typedef {import('./frame.js').Frame} Frame */

/**
 * @param {Entry} s
 * @param {Frame} frame
 */
export function pinPage(s, frame) {
  const wrong = complaintText(s.complaint, frame);
  return plainPage(
    'pin',
    frame,
    title(t('pin.title')),
    h('p', { class: 'lead', id: 'pin-hint' }, t('pin.hint')),
    h(
      'form',
      { class: 'form', novalidate: true, onsubmit: (/** @type {Event} */ event) => submitPin(s, event) },
      h('label', { class: 'unseen', for: 'pin' }, t('pin.label')),
      h('input', {
        class: 'pin',
        id: 'pin',
        name: 'pin',
        dir: 'ltr',
        inputmode: 'numeric',
        autocomplete: 'one-time-code',
        maxlength: 20,
        enterkeyhint: 'go',
        'aria-describedby': wrong ? 'pin-error pin-hint' : 'pin-hint pin-note',
        'aria-invalid': wrong ? 'true' : undefined,
        oninput: (/** @type {Event} */ event) => group(/** @type {HTMLInputElement} */ (event.target)),
        mount: (/** @type {HTMLInputElement} */ field) => field.focus(),
      }),
      wrong && complaint('pin-error', wrong),
      h(
        'button',
        { class: 'button button--primary button--big', type: 'submit', 'aria-busy': s.busy ? 'true' : undefined },
        h('span', null, t('pin.go')),
      ),
      h('p', { class: 'note', id: 'pin-note' }, icon('camera-off'), h('span', null, t('pin.safe'))),
    ),
    nextSteps(),
  );
}

/**
 * @param {Entry} s
 * @param {Frame} frame
 */
export function linkPage(s, frame) {
  const wrong = complaintText(s.complaint, frame);
  const isDead = s.complaint?.id === 'link.bad';
  return plainPage(
    'link',
    frame,
    h('span', { class: isDead ? 'disc disc--lg disc--warn' : 'disc disc--lg' }, icon(isDead ? 'link' : 'camera')),
    title(t(isDead ? 'link.dead' : 'link.title')),
    isDead ? h('p', { class: 'lead', id: 'link-error', role: 'alert', key: 'dead' }, wrong) : h('p', { class: 'lead', key: 'lead' }, t('link.text')),
    h(
      'div',
      { class: 'form' },
      wrong && !isDead && complaint('link-error', wrong),
      !isDead &&
        h(
          'button',
          { class: 'button button--primary button--big', type: 'button', 'aria-busy': s.busy ? 'true' : undefined, onclick: () => s.redeemLink() },
          h('span', null, t('continue')),
        ),
      isDead && h('a', { class: 'button button--outline button--big', href: '/' }, t('link.pin')),
      note('camera-off', t('pin.safe')),
    ),
    !isDead && nextSteps(),
  );
}

function nextSteps() {
  const steps = /** @type {const} */ ([
    ['person', 'next.who'],
    ['camera', 'next.yes'],
    ['stop', 'next.stop'],
  ]);
  return h(
    'section',
    { class: 'next', 'aria-labelledby': 'next-title' },
    h('h2', { id: 'next-title' }, t('next.title')),
    h(
      'ol',
      { class: 'steps' },
      steps.map(([name, id]) => h('li', { key: id }, h('span', { class: 'disc' }, icon(name)), h('span', null, rich(id)))),
    ),
  );
}


/**
 * Shows digits in threes while they are typed or pasted; the caret stays where it was among them.
 * @param {HTMLInputElement} field
 */
function group(field) {
  const caret = field.selectionStart ?? field.value.length;
  const digitsBefore = field.value.slice(0, caret).replace(/\D/g, '').length;
  const shown = pinInGroups(field.value);
  if (shown === field.value) return;
  field.value = shown;
  let at = 0;
  for (let seen = 0; at < shown.length && seen < digitsBefore; at += 1) if (/\d/.test(shown[at])) seen += 1;
  field.setSelectionRange(at, at);
}

/**
 * @param {Entry} s
 * @param {Event} event
 */
async function submitPin(s, event) {
  event.preventDefault();
  const form = /** @type {HTMLFormElement} */ (event.target);
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem('pin'));
  await s.redeemPin(field.value);
  if (s.complaint) field.focus();
}
