/** Which page state a customer in a session is in: a pure function of the session's facts. */

/** @typedef {import('./session.js').CustomerSession} CustomerSession */
/**
 * @typedef {'consent' | 'denied' | 'none' | 'busy' | 'error'
 *   | 'waiting' | 'waiting_off' | 'back' | 'lost' | 'connecting' | 'live' | 'paused' | 'call' | 'away' | 'hold'
 *   | 'chat_only' | 'reconnecting' | 'offline' | 'replaced' | 'ended'} Screen
 */

/** A break shorter than this shows nothing, in milliseconds. */
export const BREAK_SHOWN_MS = 1_000;
/** From then on the page gives a tip and a button. */
export const BREAK_TIP_MS = 5_000;
/** From then on the camera is cut. */
export const BREAK_END_MS = 60_000;
/** A wait longer than this gets a friendly word. */
export const LONG_WAIT_MS = 60_000;

const STARTED = new Set(['active', 'on_hold', 'reconnecting', 'offline']);
const ENDED = new Set(['closed', 'aborted', 'timed_out']);

/** @param {string | undefined} state */
export const isStarted = (state) => STARTED.has(state ?? '');
/** @param {string | undefined} state */
export const isEnded = (state) => ENDED.has(state ?? '');

/**
 * @param {CustomerSession} s
 * @param {number} now
 * @returns {Screen}
 */
export function screenOf(s, now) {
  if (s.ended) return 'ended';
  if (s.replaced) return 'replaced';
  if (!s.view.agreed) return 'consent';
  if (s.gaveUp) return 'offline';
  if (s.problem && !s.chatOnly) return s.problem === 'other' ? 'error' : s.problem;
  if (s.asking) return 'consent';
  const broken = s.brokenFor(now) >= BREAK_SHOWN_MS;
  return isStarted(s.view.state) ? startedScreen(s, broken) : waitingScreen(s, broken);
}

/**
 * @param {CustomerSession} s
 * @param {boolean} broken
 * @returns {Screen}
 */
function waitingScreen(s, broken) {
  if (broken) return 'reconnecting';
  if (s.lost) return 'lost';
  if (s.capture.video) return s.paused === 'call' ? 'call' : 'waiting';
  return s.chatOnly ? 'waiting_off' : 'back';
}

/**
 * @param {CustomerSession} s
 * @param {boolean} broken
 * @returns {Screen}
 */
function startedScreen(s, broken) {
  if (s.lost) return 'lost';
  if (!s.capture.video) {
    if (!s.chatOnly) return 'back';
    return broken ? 'reconnecting' : 'chat_only';
  }
  if (broken) return s.wasConnected ? 'reconnecting' : 'connecting';
  if (s.view.state === 'on_hold') return 'hold';
  if (s.paused === 'call') return 'call';
  if (s.paused === 'away') return 'away';
  if (s.paused === 'user') return 'paused';
  return 'live';
}
