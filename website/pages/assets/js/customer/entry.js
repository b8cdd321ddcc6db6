/**
 * Coming in: by PIN, by link, or back into a session this browser is in already. Knows nothing of
 * cameras; what comes after is loaded once somebody is in. Event: `change`.
 */

import { codeOf, get, post, Problem } from '../common/api.js';
import { language } from '../common/i18n.js';
import { proofOf } from './link-secret.js';

/** @typedef {import('../common/types.js').CustomerView} CustomerView */
/** What is wrong with the last try: a text id and its number. */
/** @typedef {{ id: string, n?: number }} Complaint */

const ENDED = new Set(['closed', 'aborted', 'timed_out']);
/** Answers that all mean the same to a customer: ask for a new one. */
const UNKNOWN = new Set(['invitation_not_found', 'invitation_taken', 'not_found', 'session_closed', 'invalid_value']);
const FULL = new Set(['no_media_node', 'node_full', 'unavailable']);

export class Entry extends EventTarget {
  /**
   * @param {string | null} secret of a session link
   * @param {import('./device.js').Obstacle | null} obstacle
   * @param {(view: CustomerView) => Promise<void>} enter called with the session once inside
   */
  constructor(secret, obstacle, enter) {
    super();
    this.secret = secret;
    this.obstacle = obstacle;
    this.enter = enter;
    this.booting = true;
    this.busy = false;
    /** @type {Complaint | null} */
    this.complaint = null;
  }

  /** Finds out whether this browser is in a session already. */
  async begin() {
    try {
      if (this.obstacle) return;
      const view = await get('/api/customer');
      // A fresh link or "another PIN" means a new session, unless the old one still runs.
      const wantsNew = this.secret !== null || new URLSearchParams(location.search).has('new');
      const isOver = ENDED.has(view.state) || view.ended_by !== null;
      if (!(wantsNew && isOver)) await this.enter(view);
    } catch (error) {
      if (codeOf(error) === 'offline') this.complaint = { id: 'pin.offline' };
    } finally {
      this.booting = false;
      this.#changed();
    }
  }

  /** @param {string} typed */
  async redeemPin(typed) {
    const pin = typed.replace(/\D/g, '');
    if (pin === '') return this.#complain({ id: 'pin.empty' });
    if (pin.length < 6) return this.#complain({ id: 'pin.short' });
    await this.#redeem({ pin, locale: language() });
  }

  async redeemLink() {
    if (!this.secret) return;
    await this.#redeem({ ...(await proofOf(this.secret)), locale: language() });
  }

  /** @param {object} proof */
  async #redeem(proof) {
    if (this.busy) return;
    this.busy = true;
    this.complaint = null;
    this.#changed();
    try {
      const view = await post('/api/invitations/redeem', proof);
      // The secret has done its work: it must not stay in the address.
      if (this.secret) history.replaceState(null, '', location.pathname);
      await this.enter(view);
      this.secret = null;
    } catch (error) {
      this.complaint = this.#complaintAbout(error);
    }
    this.busy = false;
    this.#changed();
  }

  /**
   * @param {unknown} error
   * @returns {Complaint}
   */
  #complaintAbout(error) {
    const code = codeOf(error);
    if (code === 'offline') return { id: 'pin.offline' };
    if (code === 'rate_limited') return { id: 'pin.slow', n: (error instanceof Problem && error.wait) || 30 };
    if (FULL.has(code)) return { id: 'error.full' };
    if (UNKNOWN.has(code)) return { id: this.secret ? 'link.bad' : 'pin.wrong' };
    return { id: 'error.again' };
  }

  /** @param {Complaint} complaint */
  #complain(complaint) {
    this.complaint = complaint;
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
