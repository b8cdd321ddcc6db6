/** The set-up's second step: what this browser can tell about the server, and a trial session. */

import { get, post } from '../common/api.js';
import { h, icon } from '../common/dom.js';
import { t } from '../common/i18n.js';
import { pill } from '../console/views/parts.js';
import { qrCode } from '../console/views/qr.js';
import { pillOf } from '../console/words.js';

/** @typedef {import('../common/types.js').SessionView} SessionView */
/** @typedef {import('../common/types.js').Invitation} Invitation */
/** @typedef {{ name: string, state: 'good' | 'warn' | 'bad' | 'busy', text: string }} Check */

/** The channel is called broken after this long, in milliseconds: two tries by each of its ways. */
const LINE_MS = 15_000;

export class Checks {
  /** @param {() => void} changed */
  constructor(changed) {
    this.changed = changed;
    /** @type {Check[]} */
    this.list = [];
    /** @type {SessionView | null} */
    this.session = null;
    /** @type {Invitation | null} */
    this.invitation = null;
    this.busy = false;
  }

  async run() {
    this.list = [pagesCheck(), phoneCheck(), { name: 'check.line', state: 'busy', text: t('check.line.busy') }, videoCheck()];
    this.changed();
    const { SignalingClient } = await import('/sdk/index.js');
    const client = new SignalingClient({ door: 'console', base: location.origin });
    const timer = setTimeout(() => this.#line('bad', t('check.line.bad')), LINE_MS);
    client.addEventListener('state', ({ detail }) => {
      if (detail.state === 'closed') this.#line('bad', t('check.line.bad'));
      if (detail.state !== 'open') return;
      clearTimeout(timer);
      this.#line(client.carrier === 'events' ? 'warn' : 'good', t(`check.line.${client.carrier ?? 'websocket'}`));
    });
    client.addEventListener('signal', ({ detail }) => {
      if (detail.kind === 'session' && detail.view?.id === this.session?.id) this.session = detail.view;
      else if (detail.kind === 'snapshot') void this.#refresh();
      this.changed();
    });
    client.open();
  }

  /**
   * @param {Check['state']} state
   * @param {string} text
   */
  #line(state, text) {
    this.list = this.list.map((check) => (check.name === 'check.line' ? { ...check, state, text } : check));
    this.changed();
  }

  async #refresh() {
    if (!this.session) return;
    this.session = await get(`/api/sessions/${this.session.id}`).catch(() => this.session);
    this.changed();
  }

  async tryIt() {
    this.busy = true;
    this.changed();
    const made = await post('/api/sessions', {}).catch(() => null);
    this.session = made?.session ?? null;
    this.invitation = made?.invitation ?? null;
    this.busy = false;
    this.changed();
  }
}

/** @returns {Check} */
function pagesCheck() {
  const secure = window.isSecureContext && location.protocol === 'https:';
  return { name: 'check.pages', state: secure ? 'good' : 'bad', text: secure ? location.origin : t('check.pages.bad') };
}

/** @returns {Check} */
function phoneCheck() {
  const host = location.hostname.replace(/^\[|\]$/g, '');
  const own = host === 'localhost' || host.startsWith('127.') || host === '::1';
  return { name: 'check.phone', state: own ? 'warn' : 'good', text: t(own ? 'check.phone.warn' : 'check.phone.good', { host: location.host }) };
}

/** @returns {Check} */
function videoCheck() {
  const codecs = typeof RTCRtpReceiver === 'function' ? (RTCRtpReceiver.getCapabilities?.('video')?.codecs ?? []) : [];
  const plays = codecs.some(({ mimeType }) => mimeType.toLowerCase() === 'video/vp8');
  const names = [...new Set(codecs.map(({ mimeType }) => mimeType.split('/')[1]))].filter((name) => !/rtx|red|fec/i.test(name));
  return { name: 'check.video', state: plays ? 'good' : 'bad', text: plays ? names.join(', ') : t('check.video.bad') };
}

/** @param {Checks} checks */
export function checkStep(checks) {
  const { session } = checks;
  const ready = session && session.state !== 'created' && session.state !== 'connecting';
  return h(
    'section',
    { class: 'card first__card', key: 'check' },
    h('h1', { 'data-heading': true, tabindex: -1 }, t('check.title')),
    h('p', { class: 'first__lead' }, t('check.lead')),
    h('ul', { class: 'checks' }, checks.list.map(row)),
    session && checks.invitation && trial(session, checks.invitation),
    h(
      'div',
      { class: 'first__go' },
      !session && h('button', { class: 'button button--primary', type: 'button', key: 'make', 'aria-busy': checks.busy ? 'true' : undefined, onclick: () => void checks.tryIt() }, icon('phone'), h('span', null, t('try.make'))),
      ready && h('a', { class: 'button button--primary', key: 'start', href: `/console/sessions/${session.id}` }, t('try.start')),
      h('a', { class: 'button button--quiet', key: 'skip', href: '/console' }, t('try.skip')),
    ),
  );
}

/** @param {Check} check */
const row = ({ name, state, text }) =>
  h(
    'li',
    { class: 'check', 'data-state': state, key: name },
    h('span', { class: 'check__mark' }, icon(state === 'good' ? 'check' : state === 'busy' ? 'clock' : 'alert')),
    h('div', null, h('strong', null, t(name)), h('p', null, text)),
    h('span', { class: 'tag' }, t(`check.tag.${state}`)),
  );

/**
 * @param {SessionView} session
 * @param {Invitation} invitation
 */
function trial(session, invitation) {
  const words = { created: 'try.created', connecting: 'try.connecting' }[/** @type {string} */ (session.state)] ?? 'try.waiting';
  return h(
    'div',
    { class: 'try', key: 'trial' },
    qrCode(invitation.qr_svg, t('try.qr')),
    h('div', null, h('h2', null, t('try.title')), h('p', null, t('try.text')), h('p', null, t('try.text.certificate')), h('p', { class: 'try__state', role: 'status' }, pill(pillOf(session)), h('span', null, t(words)))),
  );
}
