/** Sessions in words and marks: pure functions from what the server says to what is read. */

import { clock, firstName, pinInGroups } from '../common/format.js';
import { has, t } from '../common/i18n.js';

/** @typedef {import('../common/types.js').SessionView} SessionView */
/** @typedef {import('../common/types.js').SessionEvent} SessionEvent */
/** @typedef {{ tone: string, mark: string, word: string, state: string }} Pill */

const ENDED = new Set(['closed', 'aborted', 'timed_out']);
const STARTED = new Set(['active', 'on_hold', 'reconnecting', 'offline']);

/** @param {SessionView} session */
export const isEnded = (session) => ENDED.has(session.state);
/** @param {SessionView} session */
export const isStarted = (session) => STARTED.has(session.state);
/** @param {SessionView} session */
export const isPaused = (session) => session.presence.camera.startsWith('paused');

/**
 * @param {SessionView} session
 * @param {number} [now] with it, a live session says for how long
 * @returns {Pill}
 */
export function pillOf(session, now) {
  const { state } = session;
  if (state === 'active') return activePill(session, now);
  if (state === 'closed') return { tone: 'idle', mark: 'tick', word: closedWord(session), state };
  const [tone, mark] = /** @type {Record<string, [string, string]>} */ ({
    created: ['info', 'ring'],
    connecting: ['info', 'ring'],
    waiting: ['wait', 'wait'],
    on_hold: ['hold', 'bars'],
    reconnecting: ['wait', 'broken'],
    offline: ['bad', 'cross'],
    aborted: ['idle', 'tick'],
    timed_out: ['idle', 'tick'],
  })[state] ?? ['idle', 'ring'];
  return { tone, mark, word: t(`state.${state}`), state };
}

/**
 * Never "Live" while the picture stands still.
 * @param {SessionView} session
 * @param {number} [now]
 * @returns {Pill}
 */
function activePill(session, now) {
  const { camera } = session.presence;
  if (isPaused(session)) return { tone: 'info', mark: 'bars', word: t('state.paused'), state: 'paused' };
  if (camera === 'preview') return { tone: 'info', mark: 'ring', word: t('state.connecting'), state: 'connecting' };
  if (camera !== 'live') return { tone: 'info', mark: 'ring', word: t('state.no_camera'), state: 'no_camera' };
  const word = now && session.started_at ? t('state.live.for', { time: clock(now - Date.parse(session.started_at)) }) : t('state.active');
  return { tone: 'live', mark: 'dot', word, state: 'live' };
}

/** @param {SessionView} session */
function closedWord(session) {
  return session.close_reason ? t(`closed.${session.close_reason}`) : t('state.closed');
}

/**
 * How a session is called: the customer's name, else the number that was given out, else the ticket.
 * @param {SessionView} session
 * @param {string} [pin] when this page made it
 */
export function titleOf(session, pin) {
  if (session.customer_name) return session.customer_name;
  if (session.reference) return session.reference;
  if (pin) return t('pin.named', { pin: pinInGroups(pin) });
  return session.customer_device ?? t('customer.unknown');
}

/**
 * @param {SessionView} session
 * @param {string} [pin]
 */
export function factsOf(session, pin) {
  const title = titleOf(session, pin);
  const facts = [session.reference, session.customer_device, pin ? t('pin.named', { pin: pinInGroups(pin) }) : null];
  return facts.filter((fact) => fact && fact !== title).join(' · ');
}

/** @param {SessionView} session */
export const customerFirst = (session) => (session.customer_name ? firstName(session.customer_name) : t('customer.unknown'));

/**
 * An event in words, with its mark.
 * @param {SessionEvent} event
 * @returns {{ text: string, mark: string, tone: string }}
 */
export function eventWords(event) {
  const body = event.body ?? {};
  const [mark, tone] = EVENT_MARKS[event.kind] ?? ['info', ''];
  const who = body.who === 'customer' ? t('customer.unknown') : (body.who ?? body.name ?? event.actor ?? '');
  /** @type {Record<string, string>} */
  const params = { name: String(body.name ?? event.actor ?? ''), who: String(who) };
  let id = `event.${event.kind}`;
  if (event.kind === 'consent.given') id += (body.capabilities ?? []).includes('voice') ? '.voice' : '.only';
  if (event.kind === 'invitation.redeemed') id += body.by === 'link' ? '.link' : '.pin';
  if (event.kind === 'session.reconnecting' && body.trouble) id += `.${body.trouble}`;
  if (event.kind === 'camera.turned') id += body.facing === 'front' ? '.front' : '.back';
  if (event.kind === 'session.closed' && body.reason) params.reason = t(`reason.${body.reason}`);
  const text = has(id) ? t(id, params) : has(`event.${event.kind}`) ? t(`event.${event.kind}`, params) : event.kind.replace(/[._]/g, ' ');
  return { text, mark, tone };
}

/** @type {Record<string, [string, string]>} */
const EVENT_MARKS = {
  'session.created': ['plus', ''],
  'session.described': ['info', ''],
  'invitation.made': ['key', ''],
  'invitation.redeemed': ['phone', ''],
  'invitation.ended': ['key', ''],
  'invitation.expired': ['clock', ''],
  'consent.given': ['check', 'good'],
  'consent.declined': ['x', 'warn'],
  'session.started': ['camera', ''],
  'watcher.joined': ['eye', ''],
  'watcher.left': ['eye-off', ''],
  'session.held': ['hold', ''],
  'session.resumed': ['play', ''],
  'media.connected': ['server', ''],
  'media.first_picture': ['camera', 'good'],
  'media.failed': ['alert', 'warn'],
  'media.node_lost': ['server', 'warn'],
  'session.reconnecting': ['wifi-off', 'warn'],
  'session.recovered': ['camera', 'good'],
  'session.offline': ['wifi-off', 'warn'],
  'session.restarted': ['refresh', ''],
  'camera.off': ['camera-off', ''],
  'camera.preview': ['camera', ''],
  'camera.live': ['camera', 'good'],
  'camera.paused': ['pause', ''],
  'camera.paused_call': ['call', ''],
  'camera.paused_away': ['pause', ''],
  'camera.denied': ['camera-off', 'warn'],
  'camera.missing': ['camera-off', 'warn'],
  'camera.busy': ['camera-off', 'warn'],
  'camera.lost': ['camera-off', 'warn'],
  'camera.turned': ['flip', ''],
  'voice.muted': ['mic-off', ''],
  'voice.unmuted': ['mic', ''],
  'customer.offline': ['wifi-off', 'warn'],
  'customer.online': ['phone', 'good'],
  'customer.put_out': ['remove', 'warn'],
  'chat.line': ['chat', ''],
  'session.left': ['logout', ''],
  'session.closed': ['check', ''],
  'session.timed_out': ['clock', ''],
};
