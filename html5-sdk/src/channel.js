// @ts-check
/**
 * The peer's end of a signalling channel, without socket or clock: numbers what is sent, keeps it
 * until it is acknowledged, and lets each message of the server through once and in order. The
 * twin of `signaling/src/core/peer.rs`; the words on the wire stand in `protocol/src/signal.rs`.
 */

import { LensError } from './errors.js';

/** Longest message the server takes, in bytes (`protocol/src/limits.rs`). */
const MESSAGE_BYTES = 96 * 1024;
/** Messages that may wait for an acknowledgement: what the server takes at once after a cut. */
const MOST_WAITING = 256;
/** Unacknowledged messages of the server after which it is told, to keep its window free. */
const ACK_EVERY = 32;

/**
 * @typedef {{ kind: string, session?: string, [field: string]: any }} Signal
 * @typedef {{ seq: number, signal: Signal, settle: (error?: unknown) => void }} Waiting
 * @typedef {{ type: 'open', resumed: boolean }
 *   | { type: 'signal', signal: Signal }
 *   | { type: 'refused', code: string, detail?: string }
 *   | { type: 'nothing' }
 *   | { type: 'broken' }} Heard
 */

export class ChannelCore {
  /** The hub's name for this channel's life. @type {string | undefined} */
  #hub;
  #lastSeq = 0;
  #startingOver = true;
  #open = false;
  /** What the server knows that we have. */
  #acknowledged = 0;
  #lastGiven = 0;
  /** Not acknowledged, oldest first. @type {Waiting[]} */
  #waiting = [];
  /** How many of them are written to this connection. */
  #written = 0;
  #pongDue = false;
  /** Messages of a kind that says nothing to this build, and frames that are no envelope. */
  ignored = 0;

  /** @param {string} name the page's name for the channel */
  constructor(name) {
    this.name = name;
  }

  /** What a new connection begins with. */
  hello() {
    this.cut();
    return { channel: this.name, hub: this.#hub, last_seq: this.#lastSeq };
  }

  /** The connection is gone. */
  cut() {
    this.#open = false;
    this.#pongDue = false;
    this.#written = 0;
  }

  /**
   * Keeps a message until the server has acknowledged it.
   * @param {Signal} signal
   * @param {AbortSignal} [abort] takes the message back while it is not written
   * @returns {Promise<void>}
   */
  push(signal, abort) {
    const size = new TextEncoder().encode(JSON.stringify(signal)).length;
    if (size > MESSAGE_BYTES - 100) return Promise.reject(new LensError('payload_too_large'));
    if (this.#waiting.length >= MOST_WAITING) {
      const detail = 'too many messages wait for the connection';
      return Promise.reject(new LensError('unavailable', { detail }));
    }
    if (abort?.aborted) return Promise.reject(abort.reason);
    return new Promise((resolve, reject) => {
      const takeBack = () => {
        const at = this.#waiting.indexOf(waiting);
        // One that has its number stays: a hole would stop everything behind it.
        if (waiting.seq !== 0 || at < 0) return;
        this.#waiting.splice(at, 1);
        waiting.settle(abort?.reason);
      };
      /** @type {Waiting} */
      const waiting = {
        seq: 0,
        signal,
        settle: (error) => {
          abort?.removeEventListener('abort', takeBack);
          if (error === undefined) resolve();
          else reject(error);
        },
      };
      abort?.addEventListener('abort', takeBack, { once: true });
      this.#waiting.push(waiting);
    });
  }

  /**
   * The next frame to write.
   * @returns {string | null} null when nothing is due
   */
  take() {
    if (!this.#open) return null;
    const waiting = this.#waiting[this.#written];
    if (waiting) {
      this.#written += 1;
      if (waiting.seq === 0) waiting.seq = ++this.#lastGiven;
      return this.#frame(waiting.seq, waiting.signal);
    }
    if (this.#pongDue) {
      this.#pongDue = false;
      return this.#frame(0, { kind: 'pong' });
    }
    if (this.#lastSeq - this.#acknowledged >= ACK_EVERY) return this.#frame(0, { kind: 'ack' });
    return null;
  }

  /**
   * A frame of the server.
   * @param {string} text
   * @returns {Heard}
   */
  receive(text) {
    const frame = parse(text);
    if (!frame) {
      this.ignored += 1;
      return { type: 'broken' };
    }
    const { v: _, seq = 0, ack, ...signal } = frame;
    const heard = this.#hear(seq, /** @type {Signal} */ (signal));
    if (this.#open && Number.isSafeInteger(ack)) this.#acknowledge(ack);
    return heard;
  }

  /**
   * Nothing will be sent any more.
   * @param {unknown} error for those whose messages are not acknowledged
   */
  end(error) {
    this.cut();
    for (const waiting of this.#waiting.splice(0)) waiting.settle(error);
  }

  /**
   * @param {number} seq
   * @param {Signal} signal
   * @returns {Heard}
   */
  #hear(seq, signal) {
    if (signal.kind === 'welcome') return this.#welcome(signal);
    if (seq > 0) return this.#takeCounted(seq, signal);
    if (signal.kind === 'ping') this.#pongDue = true;
    else if (signal.kind === 'error') {
      return { type: 'refused', code: String(signal.code), detail: signal.detail };
    } else if (signal.kind !== 'ack') this.ignored += 1;
    return { type: 'nothing' };
  }

  /**
   * @param {Signal} welcome
   * @returns {Heard}
   */
  #welcome({ hub, resumed, received }) {
    if (hub !== this.#hub) {
      // Another life of the hub knows nothing of us: count anew.
      this.#lastGiven = 0;
      for (const waiting of this.#waiting) waiting.seq = waiting.seq && ++this.#lastGiven;
      this.#hub = hub;
      received = 0;
    }
    this.#startingOver = !resumed;
    this.#open = true;
    const beyond = this.#waiting.findIndex(({ seq }) => seq === 0 || seq > received);
    this.#written = beyond < 0 ? this.#waiting.length : beyond;
    return { type: 'open', resumed: Boolean(resumed) };
  }

  /**
   * @param {number} seq
   * @param {Signal} signal
   * @returns {Heard}
   */
  #takeCounted(seq, signal) {
    if (!this.#open) return { type: 'broken' };
    if (this.#startingOver) {
      this.#startingOver = false;
      this.#lastSeq = this.#acknowledged = seq - 1;
    }
    if (seq <= this.#lastSeq) return { type: 'nothing' };
    if (seq > this.#lastSeq + 1) return { type: 'broken' };
    this.#lastSeq = seq;
    if (signal.kind === 'error' && signal.in_reply_to) this.#refuse(signal);
    return { type: 'signal', signal };
  }

  /** A message the server could not take is settled with its error. @param {Signal} error */
  #refuse({ in_reply_to: seq, code, detail }) {
    const waiting = this.#waiting.find((candidate) => candidate.seq === seq);
    waiting?.settle(new LensError(String(code), { detail }));
  }

  /** @param {number} ack */
  #acknowledge(ack) {
    while (this.#waiting[0]?.seq > 0 && this.#waiting[0].seq <= ack) {
      this.#waiting.shift()?.settle();
      this.#written = Math.max(0, this.#written - 1);
    }
  }

  /**
   * @param {number} seq
   * @param {Signal} signal
   */
  #frame(seq, signal) {
    this.#acknowledged = this.#lastSeq;
    return JSON.stringify({ v: 1, seq, ack: this.#lastSeq, ...signal });
  }
}

/**
 * @param {string} text
 * @returns {Record<string, any> | null}
 */
function parse(text) {
  try {
    const frame = JSON.parse(text);
    const { kind, seq = 0 } = frame;
    return typeof kind === 'string' && Number.isSafeInteger(seq) && seq >= 0 ? frame : null;
  } catch {
    return null;
  }
}
