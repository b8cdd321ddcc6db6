/** The set-up's first step: who runs this server, with a password the server calls good. */

import { codeOf, post } from '../common/api.js';
import { h, icon } from '../common/dom.js';
import { has, t } from '../common/i18n.js';

/** @typedef {'organisation' | 'name' | 'email' | 'password'} Field */

/** The server is asked about a password once typing rests for this long, in milliseconds. */
const REST_MS = 300;
const FIELDS = /** @type {const} */ (['organisation', 'name', 'email', 'password']);

export class Account {
  /**
   * @param {string} token
   * @param {() => void} changed
   * @param {(next: 'check' | 'used') => void} done
   */
  constructor(token, changed, done) {
    this.token = token;
    this.changed = changed;
    this.done = done;
    /** @type {Record<Field, string>} */
    this.values = { organisation: '', name: '', email: '', password: '' };
    /** What is wrong with a field, as a text id. @type {Partial<Record<Field | 'all', string>>} */
    this.wrong = {};
    /** @type {{ score: number, accepted: boolean, advice: string | null } | null} */
    this.strength = null;
    this.shown = false;
    this.busy = false;
    this.submitted = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /**
   * @param {Field} field
   * @param {string} value
   */
  type(field, value) {
    this.values[field] = value;
    if (this.submitted) this.judge();
    if (field === 'password') this.#ask();
    this.changed();
  }

  #ask() {
    clearTimeout(this.timer);
    const { password, organisation, name, email } = this.values;
    if (password === '') {
      this.strength = null;
      return;
    }
    this.timer = setTimeout(async () => {
      const about = [organisation, name, email].filter((word) => word !== '');
      const strength = await post('/api/password/strength', { password, about }).catch(() => null);
      if (this.values.password !== password) return;
      this.strength = strength;
      if (strength?.accepted) delete this.wrong.password;
      this.changed();
    }, REST_MS);
  }

  judge() {
    this.wrong = {};
    for (const field of FIELDS) if (this.values[field].trim() === '') this.wrong[field] = `setup.missing.${field}`;
    if (!/^\S+@\S+\.?\S*$/.test(this.values.email.trim())) this.wrong.email = 'setup.missing.email';
    if (!this.wrong.password && this.strength && !this.strength.accepted) this.wrong.password = 'setup.weak';
  }

  async submit() {
    this.submitted = true;
    this.judge();
    if (Object.keys(this.wrong).length > 0 || this.busy) return this.changed();
    this.busy = true;
    this.changed();
    const { organisation, name, email, password } = this.values;
    try {
      await post('/api/setup', { token: this.token, organisation: organisation.trim(), name: name.trim(), email: email.trim(), password });
      this.done('check');
    } catch (error) {
      this.#refused(codeOf(error));
    }
    this.busy = false;
    this.changed();
  }

  /** @param {string} code */
  #refused(code) {
    if (['setup_closed', 'token_invalid', 'not_found'].includes(code)) this.done('used');
    else if (code === 'weak_password') this.wrong.password = 'setup.weak';
    else this.wrong.all = code === 'offline' ? 'error.offline' : 'setup.failed';
  }
}

/** @param {Account} account */
export function accountStep(account) {
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    await account.submit();
    queueMicrotask(() => /** @type {HTMLElement | null} */ (document.querySelector('[aria-invalid="true"]'))?.focus());
  };
  return h(
    'section',
    { class: 'card first__card', key: 'account' },
    h('h1', { 'data-heading': true, tabindex: -1 }, t('setup.title')),
    h('p', { class: 'first__lead' }, t('setup.lead')),
    h(
      'form',
      { class: 'first__form', novalidate: true, onsubmit: (/** @type {Event} */ event) => void submit(event) },
      field(account, 'organisation', { autocomplete: 'organization', maxlength: 80, placeholder: t('setup.organisation.hint') }),
      field(account, 'name', { autocomplete: 'name', maxlength: 80 }),
      field(account, 'email', { type: 'email', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', maxlength: 254 }),
      passwordField(account),
      account.wrong.all && wrong('all', account.wrong.all),
      h('div', null, h('button', { class: 'button button--primary', type: 'submit', 'aria-busy': account.busy ? 'true' : undefined }, h('span', null, t('setup.go')))),
    ),
  );
}

/**
 * @param {Account} account
 * @param {Field} name
 * @param {Record<string, any>} more
 */
function field(account, name, more) {
  const complaint = account.wrong[name];
  return h('div', { class: 'field', key: name }, h('label', { class: 'field__label', for: name }, t(`setup.${name}`)), input(account, name, more), complaint && wrong(name, complaint));
}

/**
 * @param {Account} account
 * @param {Field} name
 * @param {Record<string, any>} more
 */
function input(account, name, more) {
  const complaint = account.wrong[name];
  return h('input', {
    class: 'input',
    id: name,
    name,
    '.value': account.values[name],
    'aria-invalid': complaint ? 'true' : undefined,
    'aria-describedby': complaint ? `${name}-wrong` : name === 'password' ? 'password-hint' : undefined,
    oninput: (/** @type {Event} */ event) => account.type(name, /** @type {HTMLInputElement} */ (event.target).value),
    ...more,
  });
}

/**
 * @param {string} name
 * @param {string} id
 */
const wrong = (name, id) => h('p', { class: 'field__error', id: `${name}-wrong`, role: 'alert', key: `${name}-wrong` }, icon('alert'), h('span', null, t(id)));

/** @param {Account} account */
function passwordField(account) {
  const { strength } = account;
  const complaint = account.wrong.password;
  return h(
    'div',
    { class: 'field', key: 'password' },
    h('label', { class: 'field__label', for: 'password' }, t('setup.password')),
    h(
      'div',
      { class: 'reveal' },
      input(account, 'password', { type: account.shown ? 'text' : 'password', autocomplete: 'new-password', maxlength: 256 }),
      h(
        'button',
        {
          class: 'button button--icon button--bare',
          type: 'button',
          'aria-label': t(account.shown ? 'login.hide' : 'login.show'),
          onclick: () => {
            account.shown = !account.shown;
            account.changed();
          },
        },
        icon(account.shown ? 'eye-off' : 'eye'),
      ),
    ),
    strength && meter(strength),
    complaint ? wrong('password', complaint) : h('p', { class: 'field__hint', id: 'password-hint', role: 'status' }, strength ? strengthWords(strength) : t('setup.password.hint')),
  );
}

/** @param {{ score: number, accepted: boolean }} strength */
const meter = ({ score, accepted }) =>
  h('div', { class: 'meter', role: 'img', 'aria-label': `${t('setup.strength.label')}: ${t(`setup.strength.${score}`)}`, 'data-accepted': accepted }, [1, 2, 3, 4].map((step) => h('span', { key: step, 'data-on': score >= step })));

/** @param {{ score: number, advice: string | null }} strength */
function strengthWords({ score, advice }) {
  const id = `setup.strength.${score}`;
  const word = has(id) ? t(id) : '';
  return advice ? `${word}. ${advice}` : word;
}
