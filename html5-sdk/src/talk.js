// @ts-check
/**
 * What participants say to each other over the server's data channel: chat, commands, annotations.
 *
 * Messages are JSON texts that the server relays, unread, to all the others of the conference; the
 * words stand in `protocol/src/peer.rs`, and every face of the SDK has the same. `from` is what a
 * sender says of itself: members of one conference can forge each other.
 *
 * What cannot leave now waits, in order, over new generations; chat and commands are never dropped
 * but refused (`would_block`) while 64 messages wait.
 */

import { LensError } from './errors.js';

/** @typedef {import('../index.js').Command} Command */
/** @typedef {import('../index.js').CommandOutcome} CommandOutcome */
/** @typedef {import('../index.js').Annotation} Annotation */

/** Messages that may wait for the channel. */
const MOST_WAITING = 64;
/** Most that may wait before answers to others are left out: whoever asks without end while our way is
 * full gets none. */
const MOST_BEFORE_ANSWERS = 256;
/** Bytes that the browser may hold for the network before messages wait here. */
const BUFFERED = 256 * 1024;
/** Longest message the server relays, in bytes. */
const MESSAGE_BYTES = 64 * 1024;
/** How long a command waits for its answer. The customer may have to read and tap. */
const ANSWER_MS = 60_000;
/** Most that are remembered to hear us: more than a conference has. */
const MOST_MET = 64;
/** Commands of others that may wait for an answer; the oldest of more is answered `failed`. */
const MOST_UNANSWERED = 64;
const CHAT_CHARS = 2_000;
const LABEL_CHARS = 200;
const MOST_POINTS = 512;

const OUTCOMES = new Set(['done', 'refused', 'unsupported', 'failed']);
const SHAPES = new Set(['stroke', 'arrow', 'ellipse', 'rectangle', 'point', 'text']);

/** Reads the arguments of each command; null for such as it does not take.
 * @type {Record<string, (given: Record<string, any>) => Record<string, any> | null>} */
const COMMANDS = {
  torch: ({ on }) => (typeof on === 'boolean' ? { on } : null),
  freeze: ({ on }) => (typeof on === 'boolean' ? { on } : null),
  zoom: ({ factor }) => (factor >= 1 && factor <= 100 ? { factor } : null),
  snapshot: () => ({}),
  switch_camera: ({ facing }) => {
    if (facing === undefined) return {};
    return facing === 'front' || facing === 'back' ? { facing } : null;
  },
};

export class Talk {
  #us;
  #emit;
  #environment;
  /** @type {RTCDataChannel | null} */
  #channel = null;
  /** What carries it, where the browser shows that. @type {RTCSctpTransport | null} */
  #transport = null;
  /** The channel on which all others were told. @type {RTCDataChannel | null} */
  #greeted = null;
  /** Oldest first. @type {Record<string, any>[]} */
  #waiting = [];
  #lastId = 0;
  /** Our commands by id. @type {Map<number, { settle: (outcome: unknown) => void }>} */
  #asked = new Map();
  /** How commands of others are answered, by the id the page has of them, oldest first.
   * @type {Map<number, (outcome: CommandOutcome) => void>} */
  #unanswered = new Map();
  #lastRequest = 0;
  /** Who has said that they hear us, since our channel opened. @type {Set<string>} */
  #met = new Set();
  #over = false;
  /** Messages of a kind, or a form, that says nothing to this build. */
  ignored = 0;

  /**
   * @param {object} of
   * @param {() => string | null} of.us the participant's id
   * @param {(type: string, detail: object) => void} of.emit
   * @param {import('./environment.js').Environment} of.environment
   */
  constructor({ us, emit, environment }) {
    this.#us = us;
    this.#emit = emit;
    this.#environment = environment;
  }

  /**
   * The channel of the newest generation.
   * @param {RTCDataChannel} channel
   * @param {RTCSctpTransport | null} [transport] what carries it, where the browser shows that
   */
  attach(channel, transport = null) {
    this.#channel = channel;
    this.#transport = transport;
    channel.bufferedAmountLowThreshold = BUFFERED / 4;
    channel.addEventListener('open', () => this.#greet(channel));
    channel.addEventListener('bufferedamountlow', () => this.#flush());
    channel.addEventListener('message', ({ data }) => this.#hear(data));
    transport?.addEventListener('statechange', () => this.#greet(channel));
    this.#greet(channel);
  }

  /**
   * Whether what is sent now leaves. Chromium announces a channel that the other end has made as open, also when
   * its own end of SCTP waits for the acknowledgement of its cookie (RFC 9260 §5.1), because that was lost; what
   * is sent then is lost, without an error, and `open` comes once more when it is.
   */
  get #isOpen() {
    const carried = this.#transport?.state ?? 'connected';
    return this.#channel?.readyState === 'open' && carried === 'connected';
  }

  /**
   * Our channel has opened: all others are told, and answer. A channel that comes open says so once
   * more.
   * @param {RTCDataChannel} channel
   */
  #greet(channel) {
    if (this.#over || channel !== this.#channel || channel === this.#greeted || !this.#isOpen) return;
    this.#greeted = channel;
    this.#met.clear();
    // One that the former channel did not take will do.
    const [first] = this.#waiting;
    if (first?.kind !== 'hello' || first.to) this.#waiting.unshift({ kind: 'hello' });
    this.#flush();
  }

  /** @param {string} text @returns {number} */
  chat(text) {
    const { length } = [...text];
    if (length < 1 || length > CHAT_CHARS) throw new RangeError('a line of chat has 1 to 2,000 characters');
    const id = ++this.#lastId;
    this.#push({ kind: 'chat', id, text });
    return id;
  }

  /**
   * @param {Command} command
   * @param {AbortSignal} [abort]
   * @returns {Promise<CommandOutcome>}
   */
  async command({ command, ...given }, abort) {
    const words = Object.hasOwn(COMMANDS, command) ? COMMANDS[command](given) : null;
    if (!words) throw new RangeError(`no command, or not with these arguments: ${command}`);
    abort?.throwIfAborted();
    const id = ++this.#lastId;
    this.#push({ kind: 'command', id, command, arguments: words });
    const { promise, resolve, reject } = withResolvers();
    const { clearTimeout, setTimeout } = this.#environment;
    const late = () => reject(new LensError('timeout', { detail: command, retryable: true }));
    const timer = setTimeout(late, ANSWER_MS);
    const aborted = () => reject(abort?.reason);
    abort?.addEventListener('abort', aborted, { once: true });
    this.#asked.set(id, { settle: (outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)) });
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      abort?.removeEventListener('abort', aborted);
      this.#asked.delete(id);
    }
  }

  /**
   * @param {number} request
   * @param {CommandOutcome} outcome
   */
  reply(request, outcome) {
    if (!OUTCOMES.has(outcome)) throw new RangeError(`no outcome of a command: ${outcome}`);
    const answer = this.#unanswered.get(request);
    this.#unanswered.delete(request);
    answer?.(outcome);
  }

  /** @param {Annotation} annotation */
  annotate(annotation) {
    const drawing = readAnnotation(annotation);
    if (!drawing) throw new RangeError('an annotation outside its limits; see index.d.ts');
    this.#push({ kind: 'annotation', ...drawing });
  }

  /** @param {number} [id] */
  clear(id) {
    this.#push({ kind: 'annotation_clear', ...(id === undefined ? {} : { id }) });
  }

  /**
   * A command that came by signalling.
   * @param {Record<string, any>} signal
   * @param {(outcome: CommandOutcome) => void} answer
   */
  signalled(signal, answer) {
    this.#onCommand(null, signal, answer);
  }

  /** Nothing is said any more. @param {Error} error for those who wait for answers */
  end(error) {
    this.#over = true;
    this.#waiting = [];
    this.#unanswered.clear();
    for (const { settle } of this.#asked.values()) settle(error);
  }

  /** @param {Record<string, any>} body */
  #push(body) {
    if (this.#waiting.length >= MOST_WAITING) {
      const detail = `${MOST_WAITING} messages wait for the data channel`;
      throw new LensError('would_block', { detail, retryable: true });
    }
    this.#waiting.push(body);
    this.#flush();
  }

  #flush() {
    const channel = this.#channel;
    while (this.#waiting.length > 0 && channel && this.#isOpen) {
      if (channel.bufferedAmount > BUFFERED) return;
      const text = JSON.stringify({ v: 1, from: this.#us(), ...this.#waiting[0] });
      try {
        channel.send(text);
      } catch {
        // It closed under us; the next generation's channel takes it.
        return;
      }
      this.#waiting.shift();
    }
  }

  /** @param {unknown} data */
  #hear(data) {
    if (this.#over) return;
    const message = readMessage(data);
    if (!message || !this.#act(message)) this.ignored += 1;
  }

  /**
   * @param {Record<string, any>} message
   * @returns {boolean} whether it says anything to this build
   */
  #act({ kind, from, ...said }) {
    switch (kind) {
      case 'chat': {
        const { id, text } = said;
        const readable = typeof text === 'string' && text !== '' && [...text].length <= CHAT_CHARS;
        if (readable) this.#emit('chat', { from, id, text });
        return readable;
      }
      case 'command':
        return this.#onCommand(from, said, (outcome) => this.#answer(from, said.id, outcome));
      case 'command_reply':
        if (said.to !== this.#us()) return true;
        if (OUTCOMES.has(said.outcome)) this.#asked.get(said.id)?.settle(said.outcome);
        return OUTCOMES.has(said.outcome);
      case 'annotation': {
        const annotation = readAnnotation(said);
        if (annotation) this.#emit('annotation', { from, annotation });
        return annotation !== null;
      }
      case 'annotation_clear':
        this.#emit('annotationclear', { from, id: said.id });
        return true;
      case 'hello':
        this.#onHello(from, said.to);
        return true;
      default:
        return false;
    }
  }

  /**
   * A `hello` to nobody says that a channel has opened, and is answered; one to us is that answer,
   * and no news when the two crossed.
   * @param {string} from
   * @param {string | undefined} to
   */
  #onHello(from, to) {
    const opened = to === undefined;
    if (!opened && to !== this.#us()) return;
    if (opened || !this.#met.has(from)) this.#emit('talkready', { participant: from });
    if (this.#met.size < MOST_MET) this.#met.add(from);
    if (!opened) return;
    this.#pushAnswer({ kind: 'hello', to: from });
  }

  /**
   * @param {string | null} from
   * @param {Record<string, any>} said
   * @param {(outcome: CommandOutcome) => void} answer
   */
  #onCommand(from, { command, arguments: given }, answer) {
    const words = Object.hasOwn(COMMANDS, command) ? COMMANDS[command](given ?? {}) : null;
    if (!words) {
      answer('unsupported');
      return false;
    }
    const id = ++this.#lastRequest;
    this.#unanswered.set(id, answer);
    if (this.#unanswered.size > MOST_UNANSWERED) {
      const [[oldest]] = this.#unanswered;
      this.reply(oldest, 'failed');
    }
    this.#emit('command', { id, from, command: { command, ...words } });
    return true;
  }

  /**
   * Answers take no place from what the page says: those who ask are told even when it is full.
   * @param {string} to
   * @param {number} id
   * @param {CommandOutcome} outcome
   */
  #answer(to, id, outcome) {
    this.#pushAnswer({ kind: 'command_reply', to, id, outcome });
  }

  /** @param {Record<string, any>} body */
  #pushAnswer(body) {
    if (this.#waiting.length >= MOST_BEFORE_ANSWERS) return;
    this.#waiting.push(body);
    this.#flush();
  }
}

/** @returns {{ promise: Promise<any>, resolve: (value: any) => void, reject: (error: any) => void }} */
function withResolvers() {
  let resolve = () => {};
  let reject = () => {};
  const promise = new Promise((yes, no) => {
    resolve = /** @type {any} */ (yes);
    reject = /** @type {any} */ (no);
  });
  return { promise, resolve, reject };
}

/**
 * @param {unknown} data
 * @returns {Record<string, any> | null}
 */
function readMessage(data) {
  if (typeof data !== 'string' || data.length > MESSAGE_BYTES) return null;
  try {
    const message = JSON.parse(data);
    const readable = message?.v === 1 && typeof message.from === 'string';
    return readable && typeof message.kind === 'string' ? message : null;
  } catch {
    return null;
  }
}

/**
 * @param {any} given
 * @returns {Annotation | null} null when it is outside the limits
 */
function readAnnotation({ id, shape, points, color, width, text, pts_us: pts }) {
  const within = (/** @type {unknown} */ value) => typeof value === 'number' && value >= 0 && value <= 1;
  const isPoint = (/** @type {unknown} */ point) =>
    Array.isArray(point) && point.length === 2 && point.every(within);
  if (!Number.isSafeInteger(id) || !SHAPES.has(shape) || !Array.isArray(points)) return null;
  if (points.length < 1 || points.length > MOST_POINTS || !points.every(isPoint)) return null;
  if (width !== undefined && !within(width)) return null;
  if (text !== undefined && (typeof text !== 'string' || [...text].length > LABEL_CHARS)) return null;
  /** @type {Annotation} */
  const annotation = { id, shape, points };
  if (/^#[0-9a-f]{6}$/i.test(color)) annotation.color = color;
  if (width !== undefined) annotation.width = width;
  if (text !== undefined) annotation.text = text;
  if (Number.isSafeInteger(pts)) annotation.pts_us = pts;
  return annotation;
}
