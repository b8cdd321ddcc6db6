/** What the stage shows: a pure function of the session's and the connection's facts. */

import { isEnded, isPaused, isStarted } from './words.js';

/** @typedef {import('./case.js').Case} Case */
/**
 * @typedef {'missing' | 'created' | 'joined' | 'before' | 'outside' | 'connecting' | 'live' | 'paused' | 'nocamera' | 'hold'
 *   | 'reconnecting' | 'offline' | 'node' | 'failed' | 'closed'} Stage
 */

/** The stage keeps quiet about a break shorter than this, in milliseconds. */
export const FROZEN_MS = 1_000;

/**
 * @param {Case} it
 * @param {number} now
 * @returns {Stage}
 */
export function stageOf(it, now) {
  const session = it.session;
  if (!session) return 'missing';
  if (isEnded(session)) return 'closed';
  if (it.failure) return 'failed';
  if (session.state === 'created') return 'created';
  if (session.state === 'connecting') return 'joined';
  if (session.state === 'waiting') return it.entering ? 'connecting' : 'before';
  if (!isStarted(session)) return 'before';
  if (!it.takesPart && !it.entering) return 'outside';
  return startedStage(it, now);
}

/**
 * @param {Case} it
 * @param {number} now
 * @returns {Stage}
 */
function startedStage(it, now) {
  const session = /** @type {import('../common/types.js').SessionView} */ (it.session);
  if (session.trouble === 'node') return 'node';
  if (it.media === 'failed') return 'failed';
  if (session.state === 'offline') return 'offline';
  if (it.media === 'reconnecting' && it.pictureSeen) return 'reconnecting';
  if (session.state === 'reconnecting' && session.trouble !== 'technician') return 'reconnecting';
  if (session.state === 'on_hold') return 'hold';
  if (isPaused(session)) return 'paused';
  if (['denied', 'missing', 'busy', 'lost', 'off'].includes(session.presence.camera)) return 'nocamera';
  if (!it.pictureSeen || it.media !== 'connected') return 'connecting';
  return it.frozenFor(now) > FROZEN_MS ? 'reconnecting' : 'live';
}

/**
 * Whose side a break is on, in one word.
 * @param {Case} it
 * @returns {'customer' | 'technician' | 'node' | 'unknown'}
 */
export function sideOf(it) {
  if (it.media === 'reconnecting' || !navigator.onLine) return 'technician';
  return it.session?.trouble ?? (it.session?.customer_online === false ? 'customer' : 'unknown');
}
