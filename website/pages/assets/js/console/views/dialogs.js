/** Dialogs: close with a reason, put a customer out, the list of keys. */

import { h, icon } from '../../common/dom.js';
import { t } from '../../common/i18n.js';
import { toast } from '../../common/toast.js';
import { titleOf } from '../words.js';
import { dialog } from './parts.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */

const REASONS = /** @type {const} */ (['solved', 'not_solved', 'follow_up', 'wrong_number', 'customer_left']);

/** @param {Ui} ui */
export function dialogView(ui) {
  if (!ui.dialog) return null;
  const { kind, id } = ui.dialog;
  const leave = () => ui.set({ dialog: null });
  if (kind === 'keys') return keysDialog(leave);
  const it = ui.store.caseOf(id ?? '');
  if (!it.session) return null;
  return kind === 'close' ? closeDialog(ui, it, leave) : putOutDialog(ui, it, leave);
}

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {() => void} leave
 */
function closeDialog(ui, it, leave) {
  const name = it.session ? titleOf(it.session, ui.store.pinOf(it.id)) : '';
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
    const note = String(fields.get('note') ?? '').trim();
    const done = await it.act('close', { reason: String(fields.get('reason')), note: note === '' ? null : note });
    if (done) leave();
  };
  return dialog(
    { class: 'card dialog', 'aria-labelledby': 'dialog-title', key: 'close' },
    leave,
    h(
      'form',
      { onsubmit: (/** @type {Event} */ event) => void submit(event) },
      h('h2', { class: 'dialog__title', id: 'dialog-title' }, t('close.title', { name })),
      h('p', { class: 'dialog__text' }, t('close.text')),
      h(
        'fieldset',
        { class: 'reasons' },
        h('legend', { class: 'field__label' }, t('close.reason')),
        REASONS.map((reason, at) => h('label', { class: 'reason', key: reason }, h('input', { type: 'radio', name: 'reason', value: reason, checked: at === 0 }), h('span', null, t(`reason.${reason}`)))),
      ),
      h('div', { class: 'field' }, h('label', { class: 'field__label', for: 'note' }, t('close.note'), ' ', h('span', { class: 'quiet-text' }, t('panel.optional'))), h('textarea', { class: 'input', id: 'note', name: 'note', rows: 3, maxlength: 2000 })),
      h(
        'div',
        { class: 'dialog__acts' },
        h('button', { class: 'button button--outline', type: 'button', autofocus: true, onclick: leave }, t('close.no')),
        h('button', { class: 'button button--danger', type: 'submit', 'aria-busy': it.busy === 'close' ? 'true' : undefined }, h('span', null, t('close.yes'))),
      ),
    ),
  );
}

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {() => void} leave
 */
function putOutDialog(ui, it, leave) {
  const yes = async () => {
    if (!(await it.act('put-out', {}))) return;
    await ui.store.invite(it.id).catch(() => toast(t('told.refused'), { mark: 'alert' }));
    leave();
  };
  return dialog(
    { class: 'card dialog', 'aria-labelledby': 'dialog-title', key: 'putout' },
    leave,
    h('h2', { class: 'dialog__title', id: 'dialog-title' }, t('putout.question')),
    h('p', { class: 'dialog__text' }, t('putout.what')),
    h(
      'div',
      { class: 'dialog__acts' },
      h('button', { class: 'button button--outline', type: 'button', autofocus: true, onclick: leave }, t('putout.no')),
      h('button', { class: 'button button--danger', type: 'button', 'aria-busy': it.busy === 'put-out' ? 'true' : undefined, onclick: () => void yes() }, h('span', null, t('putout.yes'))),
    ),
  );
}

const KEYS = [
  ['keys.everywhere', [['N', 'keys.n'], ['/', 'keys.search'], ['Shift+1…9', 'keys.case'], ['?', 'keys.this'], ['Esc', 'keys.esc']]],
  ['keys.list', [['J', 'keys.j'], ['K', 'keys.k'], ['Enter', 'keys.enter']]],
  ['keys.session', [['H', 'keys.h'], ['S', 'keys.s'], ['M', 'keys.m'], ['C', 'keys.c'], ['1 2 3', 'keys.tabs'], ['[', 'keys.panel'], ['Shift+X', 'keys.close']]],
];

/** @param {() => void} leave */
function keysDialog(leave) {
  return dialog(
    { class: 'card dialog dialog--wide', 'aria-labelledby': 'dialog-title', key: 'keys' },
    leave,
    h(
      'div',
      { class: 'dialog__head' },
      h('h2', { class: 'dialog__title', id: 'dialog-title' }, t('keys.title')),
      h('button', { class: 'button button--icon button--bare', type: 'button', autofocus: true, 'aria-label': t('close'), onclick: leave }, icon('x')),
    ),
    h(
      'div',
      { class: 'keys' },
      KEYS.map(([group, keys]) =>
        h(
          'section',
          { key: String(group) },
          h('h3', null, t(String(group))),
          h('dl', null, /** @type {string[][]} */ (keys).map(([key, id]) => h('div', { key: id }, h('dt', null, key.split(' ').map((one) => h('kbd', { class: 'kbd', key: one }, one))), h('dd', null, t(id))))),
        ),
      ),
    ),
    h('p', { class: 'dialog__text' }, t('keys.off')),
  );
}
