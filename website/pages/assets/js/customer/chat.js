/** The customer's chat: kept lines, lines on their way, unread count, and what is shown for a moment. */

import { announce } from '../common/dom.js';
import { t } from '../common/i18n.js';

/** @typedef {import('../common/types.js').ChatLine} ChatLine */
/** @typedef {{ clientId: string, text: string, at: string, failed: boolean }} Pending */
/** @typedef {{ name: string, text: string, until: number }} Caption */

/** How long a line stays over the picture, in milliseconds. */
const CAPTION_MS = 8_000;
const DRAFT = 'lens.draft';

export class Chat {
  /**
   * @param {import('./line.js').Line} line
   * @param {() => void} changed
   */
  constructor(line, changed) {
    this.line = line;
    this.changed = changed;
    /** @type {ChatLine[]} */
    this.lines = [];
    /** @type {Pending[]} */
    this.pending = [];
    this.unread = 0;
    /** Whether the chat lies open. */
    this.open = false;
    /** @type {Caption | null} */
    this.caption = null;
    this.draft = sessionStorage.getItem(DRAFT) ?? '';
  }

  /** @param {ChatLine[]} lines the kept lines, as the server has them */
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
    if (!isNew || line.from === 'customer') return;
    if (this.open) return;
    this.unread += 1;
    this.#show({ name: line.name, text: line.text, until: Date.now() + CAPTION_MS });
    announce(`${line.name}: ${line.text}`);
  }

  /**
   * Says for a moment that somebody came or went.
   * @param {string} id
   * @param {string} name
   */
  notice(id, name) {
    const text = t(id, { name });
    this.#show({ name: '', text, until: Date.now() + CAPTION_MS });
    announce(text);
  }

  /** @param {Caption} caption */
  #show(caption) {
    this.caption = caption;
    setTimeout(() => {
      if (this.caption === caption) this.caption = null;
      this.changed();
    }, CAPTION_MS);
  }

  /** @param {string} text */
  type(text) {
    this.draft = text;
    sessionStorage.setItem(DRAFT, text);
  }

  send() {
    const text = this.draft.trim().slice(0, 2_000);
    if (text === '') return;
    this.type('');
    /** @type {Pending} */
    const pending = { clientId: crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, text, at: new Date().toISOString(), failed: false };
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
    this.line.say({ kind: 'chat', client_id: pending.clientId, text: pending.text }).catch(() => {
      pending.failed = true;
      this.changed();
    });
    this.changed();
  }

  toggle() {
    this.open = !this.open;
    if (this.open) {
      this.unread = 0;
      this.caption = null;
    }
    this.changed();
  }
}
