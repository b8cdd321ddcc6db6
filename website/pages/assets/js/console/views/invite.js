/**
 * Inviting a customer: the number, the link, the code to scan, and words ready to be sent. As the
 * new-session panel beside the list (a dialog where there is no room), and on the stage of a
 * session that nobody has joined.
 */

import { copyText } from '../../common/copy.js';
import { h, icon } from '../../common/dom.js';
import { clock, pinInGroups } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { toast } from '../../common/toast.js';
import { isStarted, pillOf, titleOf } from '../words.js';
import { open, start } from './list.js';
import { failed, pill } from './parts.js';
import { qrCode } from './qr.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../../common/types.js').SessionView} SessionView */
/** @typedef {import('../../common/types.js').Invitation} Invitation */

const roomy = matchMedia('(min-width: 70em)');

/** @param {Ui} ui */
export function invitePanel(ui) {
  const panel = ui.panel;
  const session = panel?.id ? ui.store.sessions.get(panel.id) : undefined;
  const leave = () => {
    ui.set({ panel: null });
    /** @type {HTMLElement | null} */ (document.querySelector('.page__head .button'))?.focus();
  };
  return h(
    'dialog',
    {
      class: 'card panel',
      'aria-labelledby': 'panel-title',
      key: `panel-${roomy.matches ? 'beside' : 'over'}`,
      mount: (/** @type {HTMLDialogElement} */ element) => (roomy.matches ? element.show() : element.showModal()),
      oncancel: (/** @type {Event} */ event) => (event.preventDefault(), leave()),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'Escape') leave();
      },
    },
    h(
      'div',
      { class: 'card__head' },
      h('h2', { class: 'card__title', id: 'panel-title' }, t('list.new')),
      h('button', { class: 'button button--icon button--bare', type: 'button', 'aria-label': t('panel.close'), onclick: leave }, icon('x')),
    ),
    panel?.failed && failed(t('panel.failed'), () => void ui.newSession()),
    panel?.busy && h('div', { class: 'panel__body', 'aria-hidden': 'true' }, h('span', { class: 'blank blank--tall' })),
    session && [panelBody(ui, session), panelFoot(ui, session)],
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function panelBody(ui, session) {
  return h(
    'div',
    { class: 'panel__body', key: session.id },
    referenceField(ui, session),
    session.state === 'created' ? inviteCard(ui, session) : arrivedCard(ui, session),
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function referenceField(ui, session) {
  const save = (/** @type {Event} */ event) => {
    const reference = /** @type {HTMLInputElement} */ (event.target).value.trim();
    if (reference === (session.reference ?? '')) return;
    ui.store.describe(session.id, { reference }).catch(() => toast(t('told.refused'), { mark: 'alert' }));
  };
  return h(
    'div',
    { class: 'field' },
    h('label', { class: 'field__label', for: 'reference' }, t('panel.reference'), ' ', h('span', { class: 'quiet-text' }, t('panel.optional'))),
    h('input', { class: 'input', id: 'reference', maxlength: 128, placeholder: t('panel.reference.hint'), onchange: save, mount: (/** @type {HTMLInputElement} */ field) => (field.value = session.reference ?? '') }),
  );
}

/**
 * The invitation itself; where its secrets are not known to this page, a way to a new one.
 * @param {Ui} ui
 * @param {SessionView} session
 */
export function inviteCard(ui, session) {
  const invitation = ui.store.invitations.get(session.id);
  const left = invitation ? Date.parse(invitation.expires_at) - ui.now : 0;
  const usable = invitation && left > 0 && session.invitation?.id === invitation.id;
  if (!usable) return goneCard(ui, session, invitation !== undefined);
  const words = wordsFor(ui, invitation);
  return h(
    'div',
    { class: 'invite', key: `invite-${invitation.id}` },
    h(
      'div',
      { class: 'invite__pin' },
      h('p', { class: 'invite__digits' }, h('span', { class: 'unseen' }, `${t('pin.label')} `), h('bdi', { dir: 'ltr' }, pinInGroups(invitation.pin))),
      h('button', { class: 'button button--icon', type: 'button', 'aria-label': t('copy.pin'), onclick: () => void copy(invitation.pin, 'copied.pin') }, icon('copy')),
      h('p', { class: 'invite__say' }, t('invite.valid', { time: clock(left) }), ' ', h('strong', null, shortUrl(invitation.pin_url))),
    ),
    h('div', { class: 'invite__qr' }, qrCode(invitation.qr_svg, t('invite.qr')), h('p', null, t('invite.scan'))),
    h(
      'div',
      { class: 'invite__copies' },
      copyButton('link', 'copy.link', () => copy(invitation.link, 'copied.link')),
      copyButton('sms', 'copy.text', () => copy(words.text, 'copied.text')),
      copyButton('mail', 'copy.mail', () => copy(words.mail, 'copied.mail')),
    ),
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 * @param {boolean} known whether this page made the former one
 */
function goneCard(ui, session, known) {
  const renew = async (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    button.setAttribute('aria-busy', 'true');
    await ui.store.invite(session.id).catch(() => toast(t('told.refused'), { mark: 'alert' }));
    button.removeAttribute('aria-busy');
  };
  return h(
    'div',
    { class: 'invite invite--gone', key: 'gone' },
    h('p', null, t(known ? 'invite.expired' : session.invitation ? 'invite.shown_once' : 'invite.none')),
    h('button', { class: 'button button--primary', type: 'button', onclick: (/** @type {Event} */ event) => void renew(event) }, icon('key'), h('span', null, t('invite.renew'))),
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function arrivedCard(ui, session) {
  const waits = session.state === 'waiting';
  return h(
    'div',
    { class: 'invite invite--here', key: 'here' },
    h('span', { class: 'avatar avatar--lg avatar--customer', 'aria-hidden': 'true' }, icon('phone')),
    h('p', { class: 'invite__name' }, titleOf(session)),
    h('p', { class: 'quiet-text' }, session.customer_device ?? ''),
    h('p', null, t(waits ? 'arrived.waiting' : isStarted(session) ? 'arrived.started' : 'arrived.reading')),
    waits && h('button', { class: 'button button--primary', type: 'button', onclick: () => (ui.set({ panel: null }), start(ui, session.id)) }, icon('camera'), h('span', null, t('act.start'))),
    !waits && h('button', { class: 'button button--outline', type: 'button', onclick: () => open(ui, session.id) }, h('span', null, t('act.open'))),
  );
}

/**
 * @param {Ui} ui
 * @param {SessionView} session
 */
function panelFoot(ui, session) {
  return h(
    'p',
    { class: 'panel__foot', role: 'status' },
    pill(pillOf(session)),
    h('span', null, t(session.state === 'created' ? 'panel.foot' : 'panel.foot.here')),
  );
}

/**
 * @param {string} mark
 * @param {string} id
 * @param {() => Promise<void>} run
 */
const copyButton = (mark, id, run) => h('button', { class: 'button button--outline', type: 'button', key: id, onclick: () => void run() }, icon(mark), h('span', null, t(id)));

/**
 * @param {string} text
 * @param {string} said
 */
export async function copy(text, said) {
  const worked = await copyText(text);
  toast(t(worked ? said : 'copied.not'), { mark: worked ? 'check' : 'alert' });
}

/**
 * @param {Ui} ui
 * @param {Invitation} invitation
 */
function wordsFor(ui, invitation) {
  const params = {
    org: ui.store.me?.organisation ?? '',
    name: ui.store.me?.technician.name ?? '',
    link: invitation.link,
    pin: pinInGroups(invitation.pin),
    url: invitation.pin_url,
  };
  return { text: t('words.text', params), mail: t('words.mail', params) };
}

/** @param {string} url */
const shortUrl = (url) => url.replace(/^https?:\/\//, '').replace(/\/$/, '');
