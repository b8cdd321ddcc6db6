// @ts-check
/**
 * The channel to the server: opens, resumes, re-sends, and falls back from WebSocket to
 * server-sent events by itself. Each counted message arrives once and in order, over any number of
 * lost connections; after more than 256 messages or 60 s away, a `snapshot` stands for what was
 * missed.
 *
 * ```text
 * connecting ──▶ open ⇄ lost ──▶ closed {reason}
 * ```
 */

import { backOff } from './backoff.js';
import { EventStreamCarrier, WebSocketCarrier } from './carriers.js';
import { ChannelCore } from './channel.js';
import { environmentWith } from './environment.js';
import { LensError } from './errors.js';
import { SessionNetwork } from './network.js';

/** @typedef {import('./channel.js').Signal} Signal */
/** @typedef {'new' | 'connecting' | 'open' | 'lost' | 'closed'} ChannelState */

/** Silence after which a connection is dead: two of the server's pings. */
const SILENCE_MS = 30_000;
/** Time a new connection has for its `welcome`. A proxy may swallow frames without a word. */
const WELCOME_MS = 6_000;
/** Refusals that pass by themselves. */
const PASSING = new Set(['unavailable', 'rate_limited', 'internal', 'storage_failed']);

export class SignalingClient extends EventTarget {
  #core = new ChannelCore(channelName());
  #options;
  #environment;
  /** @type {ChannelState} */
  #state = 'new';
  /** @type {import('./carriers.js').Carrier | undefined} */
  #carrier;
  /** Which carrier's reports count. */
  #turn = 0;
  /** WebSockets do not pass here, as far as it seems. */
  #useEvents = false;
  #socketWorked = false;
  #attempt = 0;
  #timer = undefined;
  #watch = undefined;
  #heardAt = 0;
  #welcomed = false;
  #listening = new AbortController();

  /**
   * @param {object} options
   * @param {'customer' | 'console'} options.door
   * @param {string} [options.base] origin of the server; this page's own by default
   * @param {() => Promise<string>} [options.ticket] a one-use ticket for each connection, where
   *   there is no cookie
   * @param {Partial<import('./environment.js').Environment>} [environment] for tests
   */
  constructor(options, environment) {
    super();
    this.#options = { base: globalThis.location?.origin, ...options };
    this.#environment = environmentWith(environment);
  }

  /** The page's own name for the channel: kept over reconnects, new for each page load. */
  get channel() {
    return this.#core.name;
  }

  get state() {
    return this.#state;
  }

  /** `'websocket'` or `'events'`: what carries the channel now, or will be tried next. */
  get carrier() {
    return this.#useEvents ? 'events' : 'websocket';
  }

  /** Frames that were no envelope, and uncounted kinds of a newer server. */
  get ignored() {
    return this.#core.ignored;
  }

  /** Starts connecting. Repeating it is harmless. */
  open() {
    if (this.#state !== 'new') return;
    this.#setState('connecting');
    const { window, document } = this.#environment;
    const options = { signal: this.#listening.signal };
    window?.addEventListener('online', () => this.#reconnectNow('network'), options);
    window?.addEventListener('offline', () => this.#lose('offline'), options);
    document?.addEventListener('visibilitychange', () => this.#onVisible(), options);
    this.#connect();
  }

  /**
   * Sends a message; it waits through lost connections.
   * @param {Signal} signal `kind`, its fields, and `session` where the channel carries many
   * @param {{ signal?: AbortSignal }} [options] takes back a message that is not on its way yet
   * @returns {Promise<void>} when the server has dealt with it; rejected with a `LensError` when
   *   it could not take it
   */
  send(signal, { signal: abort } = {}) {
    if (this.#state === 'closed') return Promise.reject(closedError());
    const sent = this.#core.push(signal, abort);
    this.#flush();
    return sent;
  }

  /** Says goodbye and ends the channel for good. Repeating it is harmless. */
  close() {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') {
      this.#core.push({ kind: 'bye' }).catch(() => {});
      this.#flush();
    }
    this.#finish('left');
  }

  /**
   * The channel as a participant's `network`.
   * @param {{ session?: string }} [options] which session; a console's channel carries many
   */
  networkFor({ session } = {}) {
    return new SessionNetwork(this, session);
  }

  #connect() {
    const { ticket } = this.#options;
    const turn = ++this.#turn;
    this.#carrier?.close();
    this.#carrier = undefined;
    this.#welcomed = false;
    this.#heardAt = this.#environment.now();
    this.#watchSilence(WELCOME_MS);
    if (!ticket) return this.#openCarrier(turn, undefined);
    ticket().then(
      (text) => turn === this.#turn && this.#openCarrier(turn, text),
      () => turn === this.#turn && this.#lose('ticket'),
    );
  }

  /**
   * @param {number} turn
   * @param {string | undefined} ticket
   */
  #openCarrier(turn, ticket) {
    const { base, door } = this.#options;
    const Carrier = this.#useEvents ? EventStreamCarrier : WebSocketCarrier;
    try {
      this.#carrier = new Carrier({
        base,
        door,
        hello: this.#core.hello(),
        ticket,
        environment: this.#environment,
        onFrame: (text) => turn === this.#turn && this.#onFrame(text),
        onEnd: (error) => turn === this.#turn && this.#onEnd(error),
      });
    } catch {
      this.#onEnd();
    }
  }

  /** @param {string} text */
  #onFrame(text) {
    this.#heardAt = this.#environment.now();
    const heard = this.#core.receive(text);
    if (heard.type === 'open') {
      this.#attempt = 0;
      this.#welcomed = true;
      this.#socketWorked ||= !this.#useEvents;
      this.#watchSilence(SILENCE_MS);
      this.#setState('open', { resumed: heard.resumed });
    } else if (heard.type === 'refused') {
      this.#refused(new LensError(heard.code, { detail: heard.detail }));
      return;
    } else if (heard.type === 'broken') {
      this.#lose('broken');
      return;
    } else if (heard.type === 'signal') {
      this.#deliver(heard.signal);
    }
    this.#flush();
  }

  /** @param {Signal} signal */
  #deliver(signal) {
    this.dispatchEvent(new CustomEvent('signal', { detail: signal }));
    if (signal.kind !== 'bye' || this.#state === 'closed') return;
    if (signal.reason === 'shutting_down') this.#lose('shutting_down');
    else this.#finish(signal.reason ?? 'bye');
  }

  /** The carrier ended by itself. @param {LensError} [error] */
  #onEnd(error) {
    if (error) this.#refused(error);
    else this.#lose('network');
  }

  /** @param {LensError} error */
  #refused(error) {
    if (error.retryable || PASSING.has(error.code)) this.#lose(error.code);
    else this.#finish(error.code);
  }

  /** @param {string} reason */
  #lose(reason) {
    if (this.#state === 'closed' || this.#state === 'new') return;
    this.#dropCarrier();
    // A WebSocket that never got its welcome may be barred here: try the other way, in turns.
    if (this.#welcomed) this.#useEvents &&= !this.#socketWorked;
    else if (reason !== 'offline' && reason !== 'ticket') this.#useEvents = !this.#useEvents;
    if (this.#state === 'open') this.#setState('lost', { reason });
    const wait = backOff(this.#attempt++, this.#environment.random);
    this.#environment.clearTimeout(this.#timer);
    this.#timer = this.#environment.setTimeout(() => this.#connect(), wait);
  }

  #dropCarrier() {
    this.#turn += 1;
    this.#carrier?.close();
    this.#carrier = undefined;
    this.#core.cut();
    this.#environment.clearTimeout(this.#watch);
  }

  /** The network may have changed under a connection that looks open. @param {string} reason */
  #reconnectNow(reason) {
    if (this.#state === 'closed' || this.#state === 'new') return;
    this.#dropCarrier();
    if (this.#state === 'open') this.#setState('lost', { reason });
    this.#attempt = 0;
    this.#environment.clearTimeout(this.#timer);
    this.#connect();
  }

  #onVisible() {
    if (this.#environment.document?.visibilityState !== 'visible') return;
    const silent = this.#environment.now() - this.#heardAt;
    // Timers of a hidden page sleep; what they would have done is done now.
    if (this.#state === 'lost' || silent > SILENCE_MS / 2) this.#reconnectNow('woken');
  }

  /** @param {number} limit */
  #watchSilence(limit) {
    const { clearTimeout, setTimeout, now } = this.#environment;
    clearTimeout(this.#watch);
    const check = () => {
      const left = this.#heardAt + limit - now();
      if (left <= 0) this.#lose('silent');
      else this.#watch = setTimeout(check, left);
    };
    this.#watch = setTimeout(check, limit);
  }

  #flush() {
    if (this.#state !== 'open') return;
    for (let text = this.#core.take(); text !== null; text = this.#core.take()) {
      this.#carrier?.send(text);
    }
  }

  /** @param {string} reason */
  #finish(reason) {
    this.#dropCarrier();
    this.#environment.clearTimeout(this.#timer);
    this.#listening.abort();
    this.#setState('closed', { reason });
    this.#core.end(closedError());
  }

  /**
   * @param {ChannelState} state
   * @param {object} [more]
   */
  #setState(state, more) {
    this.#state = state;
    this.dispatchEvent(new CustomEvent('state', { detail: { state, ...more } }));
  }
}

function closedError() {
  return new DOMException('the channel is closed', 'InvalidStateError');
}

/** 128 random bits. */
function channelName() {
  const bytes = globalThis.crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
