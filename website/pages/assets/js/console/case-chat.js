/** The chat of one session, as technicians see it. */

import { get } from '../common/api.js';

/** @typedef {import('../common/types.js').ChatLine} ChatLine */
/** @typedef {{ clientId: string, text: string, at: string, failed: boolean }} Pending */

export class CaseChat {
  /** @param {import('./case.js').Case} owner */
  constructor(owner) {
    this.owner = owner;
    /** @type {ChatLine[]} */
    this.lines = [];
    /** @type {Pending[]} */
    this.pending = [];
    this.unread = 0;
    this.failed = false;
    /** Whether the lines are on screen now. */
    this.open = false;
    this.draftKey = `lens.draft.${owner.id}`;
    this.draft = sessionStorage.getItem(this.draftKey) ?? '';
  }

  async load() {
    try {
      this.know(await get(`/api/sessions/${this.owner.id}/chat`));
      this.failed = false;
    } catch {
      this.failed = true;
    }
    this.owner.changed();
  }

  /** @param {ChatLine[]} lines */
  know(lines) {
    const kept = new Map(this.lines.map((line) => [line.id, line]));
    for (const line of lines) kept.set(line.id, line);
    this.lines = [...kept.values()].sort((a, b) => a.at.localeCompare(b.at) || a.id.localeCompare(b.id));
  }

  /** @param {ChatLine} line */
  take(line) {
    this.pending = this.pending.filter((pending) => pending.clientId !== line.client_id);
    const isNew = !this.lines.some((known) => known.id === line.id);
    this.know([line]);
    if (isNew && !this.open && line.from === 'customer') this.unread += 1;
    this.owner.changed();
  }

  /** @param {string} text */
  type(text) {
    this.draft = text;
    sessionStorage.setItem(this.draftKey, text);
  }

  /** @param {string} [text] */
  send(text = this.draft) {
    const line = text.trim().slice(0, 2_000);
    if (line === '') return;
    if (text === this.draft) this.type('');
    /** @type {Pending} */
    const pending = { clientId: crypto.randomUUID(), text: line, at: new Date().toISOString(), failed: false };
    this.pending.push(pending);
    this.#send(pending);
  }

  /** @param {Pending} pending */
  retry(pending) {
    pending.failed = false;
    this.#send(pending);
  }

  /** @param {Pending} pending */
  #send(pending) {
    const signal = { kind: 'chat', session: this.owner.id, client_id: pending.clientId, text: pending.text };
    this.owner.store.tell(signal).catch(() => {
      pending.failed = true;
      this.owner.changed();
    });
    this.owner.changed();
  }
}
