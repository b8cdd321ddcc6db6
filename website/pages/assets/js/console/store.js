/**
 * What this console knows: who is signed in, all sessions it may see, those it takes part in, and
 * the signalling channel that keeps all of it fresh. No drawing. Events: `change`, `arrived`
 * (detail: session), `told` (detail: {id, session}: something a technician should read for a moment).
 */

import { codeOf, get, patch, post } from '../common/api.js';
import { Case } from './case.js';
import { isEnded } from './words.js';

/** @typedef {import('../common/types.js').SessionView} SessionView */
/** @typedef {import('../common/types.js').Invitation} Invitation */
/** @typedef {import('../common/types.js').Me} Me */


export class Store extends EventTarget {
  constructor() {
    super();
    /** @type {Me | null} */
    this.me = null;
    /** Whether it is known yet who is signed in. */
    this.booting = true;
    /** @type {Map<string, SessionView>} */
    this.sessions = new Map();
    /** Whether the list was read at least once, and whether the last try failed. */
    this.loaded = false;
    this.failed = '';
    /** @type {SessionView[] | null} */
    this.past = null;
    this.pastFailed = false;
    /** Secrets of invitations made by this page; nowhere else. @type {Map<string, Invitation>} */
    this.invitations = new Map();
    /** @type {Map<string, Case>} */
    this.cases = new Map();
    /** @type {import('/sdk/index.js').SignalingClient | null} */
    this.client = null;
    /** @type {'idle' | import('/sdk/index.js').ChannelState} */
    this.line = 'idle';
    /** @type {((channel: string) => void)[]} */
    this.waitingForChannel = [];
  }

  // ---- who is here ----

  async begin() {
    try {
      await this.#enter(await get('/api/me'));
    } catch (error) {
      this.failed = codeOf(error) === 'not_signed_in' || codeOf(error) === 'token_invalid' ? '' : codeOf(error);
    }
    this.booting = false;
    this.changed();
  }

  /**
   * @param {string} email
   * @param {string} password
   */
  async signIn(email, password) {
    await this.#enter(await post('/api/login', { email, password }));
    this.changed();
  }

  /** @param {Me} me */
  async #enter(me) {
    this.me = me;
    this.failed = '';
    this.loadSessions();
    await this.signalling();
  }

  async signOut() {
    await post('/api/logout').catch(() => {});
    this.#forget();
  }

  #forget() {
    for (const it of this.cases.values()) it.end();
    this.client?.close();
    this.client = null;
    this.me = null;
    this.sessions.clear();
    this.cases.clear();
    this.invitations.clear();
    this.loaded = false;
    this.past = null;
    this.changed();
  }

  // ---- signalling ----

  async signalling() {
    if (this.client) return this.client;
    const { SignalingClient } = await import('/sdk/index.js');
    if (this.client) return this.client;
    const client = new SignalingClient({ door: 'console', base: location.origin });
    this.client = client;
    client.addEventListener('signal', (event) => this.#signalCame(event.detail));
    client.addEventListener('state', (event) => this.#lineChanged(event.detail));
    client.open();
    return client;
  }

  /** The signalling channel's name, once it is open: offers go there. */
  async channel() {
    const client = await this.signalling();
    if (this.line === 'open') return client.channel;
    return new Promise((resolve) => this.waitingForChannel.push(resolve));
  }

  /** @param {import('/sdk/index.js').Signal} signal */
  async tell(signal) {
    const client = await this.signalling();
    return client.send(signal);
  }

  /** @param {import('/sdk/index.js').SignalingEvents['state']} detail */
  #lineChanged({ state, reason }) {
    this.line = state;
    if (state === 'open') {
      const channel = this.client?.channel ?? '';
      for (const resolve of this.waitingForChannel.splice(0)) resolve(channel);
    }
    if (state === 'closed' && reason !== 'left') void this.#lineEnded();
    this.changed();
  }

  /** The channel ended for good: the login may have, too. */
  async #lineEnded() {
    this.client = null;
    try {
      this.me = await get('/api/me');
      await this.signalling();
    } catch (error) {
      if (codeOf(error) !== 'offline') this.#forget();
    }
  }

  /** @param {any} signal */
  #signalCame(signal) {
    if (signal.kind === 'session' && signal.view) this.take(signal.view);
    else if (signal.kind === 'snapshot') void this.loadSessions();
    else if (signal.kind === 'chat') this.#chatCame(signal);
    this.changed();
  }

  /** @param {any} signal */
  #chatCame(signal) {
    if (signal.session) this.caseOf(signal.session).chat.take(signal);
  }

  // ---- sessions ----

  async loadSessions() {
    try {
      const { sessions } = await get('/api/sessions?filter=all&state=open');
      const open = new Set(sessions.map((/** @type {SessionView} */ session) => session.id));
      // What is not open any more is kept only while it is on screen.
      for (const [id, session] of this.sessions) if (!open.has(id) && !isEnded(session)) void this.refresh(id);
      for (const session of sessions) this.take(session);
      this.loaded = true;
      this.failed = '';
    } catch (error) {
      if (codeOf(error) === 'not_signed_in') return this.#forget();
      this.failed = codeOf(error);
    }
    this.changed();
  }

  /** @param {string} q */
  async loadPast(q) {
    try {
      const { sessions } = await get(`/api/sessions?filter=all&state=closed&q=${encodeURIComponent(q)}`);
      this.past = sessions;
      this.pastFailed = false;
    } catch {
      this.pastFailed = true;
    }
    this.changed();
  }

  /** @param {string} id */
  async refresh(id) {
    try {
      this.take(await get(`/api/sessions/${id}`));
    } catch (error) {
      if (['session_not_found', 'not_found', 'forbidden'].includes(codeOf(error))) this.sessions.delete(id);
    }
    this.changed();
  }

  /**
   * Takes what the server says about a session.
   * @param {SessionView} session
   */
  take(session) {
    const former = this.sessions.get(session.id);
    this.sessions.set(session.id, session);
    const it = this.cases.get(session.id);
    if (it && former && former.state !== session.state) void it.loadLog();
    if (it && (isEnded(session) || session.state === 'created')) it.end();
    if (former && former.state !== 'waiting' && session.state === 'waiting') {
      this.dispatchEvent(new CustomEvent('arrived', { detail: session }));
    }
    this.changed();
  }

  /** @param {string} id */
  caseOf(id) {
    let it = this.cases.get(id);
    if (!it) {
      it = new Case(this, id);
      this.cases.set(id, it);
    }
    return it;
  }

  async create() {
    const { session, invitation } = await post('/api/sessions', {});
    this.invitations.set(session.id, invitation);
    this.take(session);
    return session.id;
  }

  /** @param {string} id */
  async invite(id) {
    const invitation = await post(`/api/sessions/${id}/invitation`, {});
    this.invitations.set(id, invitation);
    await this.refresh(id);
  }

  /**
   * @param {string} id
   * @param {{ reference?: string, customer_name?: string }} description
   */
  async describe(id, description) {
    this.take(await patch(`/api/sessions/${id}`, description));
  }

  /** The number that was given out for a session, while this page knows it. @param {string} id */
  pinOf(id) {
    return this.invitations.get(id)?.pin;
  }

  get waiting() {
    return [...this.sessions.values()].filter((session) => session.state === 'waiting').length;
  }

  /**
   * @param {string} id
   * @param {string} session
   */
  say(id, session) {
    this.dispatchEvent(new CustomEvent('told', { detail: { id, session } }));
  }

  changed() {
    this.dispatchEvent(new Event('change'));
  }
}
