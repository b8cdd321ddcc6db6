/** Sign in. The error tells nothing about the account. */

import { codeOf } from '../../common/api.js';
import { h, icon } from '../../common/dom.js';
import { LANGUAGES, language, t } from '../../common/i18n.js';

/** @typedef {import('../ui.js').Ui} Ui */

/**
 * @param {Ui} ui
 * @param {(language: string) => void} speak
 */
export function loginView(ui, speak) {
  const { form } = ui;
  return h(
    'div',
    { class: 'login', key: 'login', 'data-state': form.wrong ? 'wrong' : 'signed-out' },
    h(
      'main',
      { class: 'login__side', id: 'main' },
      h('p', { class: 'login__brand' }, icon('logo'), t('brand')),
      h(
        'form',
        { class: 'login__form', novalidate: true, onsubmit: (/** @type {Event} */ event) => void signIn(ui, event) },
        h('h1', { class: 'login__title', 'data-heading': true, tabindex: -1 }, t('login.title')),
        h(
          'div',
          { class: 'field' },
          h('label', { class: 'field__label', for: 'email' }, t('login.email')),
          h('input', { class: 'input', id: 'email', name: 'email', type: 'email', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', 'aria-invalid': form.wrong ? 'true' : undefined, mount: (/** @type {HTMLElement} */ field) => field.focus() }),
        ),
        passwordField(ui),
        h('button', { class: 'button button--primary', type: 'submit', 'aria-busy': form.busy ? 'true' : undefined }, h('span', null, t('login.go'))),
        h('p', { class: 'field__hint' }, t('login.forgot')),
      ),
      h(
        'footer',
        { class: 'login__foot' },
        h('span', null, location.host),
        h('a', { href: '/' }, t('login.customer')),
        h(
          'select',
          { class: 'login__language', 'aria-label': t('language'), '.value': language(), onchange: (/** @type {Event} */ event) => speak(/** @type {HTMLSelectElement} */ (event.target).value) },
          Object.entries(LANGUAGES).map(([code, name]) => h('option', { value: code, lang: code, key: code }, name)),
        ),
      ),
    ),
    h(
      'aside',
      { class: 'login__show', 'aria-label': t('login.about') },
      h('img', { src: '/assets/scene.svg', alt: '' }),
      h(
        'svg',
        { class: 'login__marks', viewBox: '0 0 1600 1000', preserveAspectRatio: 'xMidYMid slice', 'aria-hidden': 'true' },
        h('path', { class: 'mark mark--under', d: MARKS }),
        h('path', { class: 'mark', d: MARKS }),
      ),
      h('div', { class: 'login__card' }, h('p', null, t('login.claim')), h('p', null, t('login.claim.text'))),
    ),
  );
}

/** A ring around the socket, and an arrow from the plug to it. */
const MARKS = 'M516 470C602 470 640 530 640 596S600 724 516 724 392 662 392 596 430 470 516 470zM690 756C672 856 560 868 512 776M486 820l24-48 46 26';

/** @param {Ui} ui */
function passwordField(ui) {
  const { form } = ui;
  return h(
    'div',
    { class: 'field' },
    h('label', { class: 'field__label', for: 'password' }, t('login.password')),
    h(
      'div',
      { class: 'reveal' },
      h('input', { class: 'input', id: 'password', name: 'password', type: form.shown ? 'text' : 'password', autocomplete: 'current-password', 'aria-invalid': form.wrong ? 'true' : undefined, 'aria-describedby': form.wrong ? 'login-error' : undefined }),
      h(
        'button',
        { class: 'button button--icon button--bare', type: 'button', 'aria-label': t(form.shown ? 'login.hide' : 'login.show'), onclick: () => ((form.shown = !form.shown), ui.changed()) },
        icon(form.shown ? 'eye-off' : 'eye'),
      ),
    ),
    form.wrong && h('p', { class: 'field__error', id: 'login-error', role: 'alert' }, icon('alert'), h('span', null, t(form.wrong))),
  );
}

/**
 * @param {Ui} ui
 * @param {Event} event
 */
async function signIn(ui, event) {
  event.preventDefault();
  const fields = new FormData(/** @type {HTMLFormElement} */ (event.target));
  const { form, store } = ui;
  if (form.busy) return;
  form.wrong = '';
  if (!fields.get('email') || !fields.get('password')) form.wrong = 'login.empty';
  else {
    form.busy = true;
    ui.changed();
    try {
      await store.signIn(String(fields.get('email')), String(fields.get('password')));
    } catch (error) {
      const code = codeOf(error);
      form.wrong = code === 'offline' ? 'error.offline' : code === 'rate_limited' ? 'login.slow' : code === 'bad_credentials' ? 'login.wrong' : 'error.server';
    }
    form.busy = false;
  }
  ui.changed();
  if (form.wrong) document.getElementById('password')?.focus();
}
