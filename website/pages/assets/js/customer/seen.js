/**
 * Who saw the picture and for how long, for the receipt. Counted here while it is live, and kept
 * for the tab, so that a reload loses nothing.
 */

const KEPT = 'lens.seen';

export class Seen {
  /** @param {string} session */
  constructor(session) {
    this.session = session;
    /** @type {Record<string, number>} milliseconds by full name */
    this.total = {};
    this.last = 0;
    try {
      const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '{}');
      if (kept.session === session) this.total = kept.total;
    } catch {
      this.total = {};
    }
  }

  /**
   * Counts the time since the last call for these people; call it about once a second.
   * @param {string[]} names
   * @param {number} now
   */
  count(names, now) {
    const passed = this.last ? Math.min(now - this.last, 5_000) : 0;
    this.last = now;
    for (const name of names) this.total[name] = (this.total[name] ?? 0) + passed;
    sessionStorage.setItem(KEPT, JSON.stringify({ session: this.session, total: this.total }));
  }

  /** The picture is not live now. */
  rest() {
    this.last = 0;
  }
}
