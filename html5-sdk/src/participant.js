// @ts-check
/**
 * One endpoint in a conference: answers the server's offers, sends what is published, and hands
 * out what the others send.
 *
 * ```text
 * new ──▶ connecting ──▶ connected ⇄ reconnecting
 *                  any ──▶ closed | failed {code}      never left again
 * ```
 *
 * Each offer carries a generation. A newer one replaces the RTCPeerConnection while the former
 * still plays: published tracks go over to it, and each remote stream keeps its MediaStream, whose
 * track is exchanged when the new one flows. No method blocks or calls back on its caller's stack;
 * events come in order, and none after the one that says `closed` or `failed`.
 */

import { backOff } from './backoff.js';
import { Connection } from './connection.js';
import { environmentWith } from './environment.js';
import { LensError } from './errors.js';
import { StatsReader } from './stats.js';
import { Talk } from './talk.js';
import { requireTransforms } from './transforms.js';

/** @typedef {import('./connection.js').Offer} Offer */
/** @typedef {import('./connection.js').RemoteTrack} RemoteTrack */
/** @typedef {import('./channel.js').Signal} Signal */
/** @typedef {'new' | 'connecting' | 'connected' | 'reconnecting' | 'closed' | 'failed'} State */

/** How long a new generation's tracks may take to flow before they replace the old ones anyway:
 * a paused camera sends nothing. */
const HANDOVER_MS = 1_500;
/** How long to wait for an asked-for offer before asking again. */
const OFFER_MS = 5_000;
/** Without connection for this long, capture stops: nobody films for nobody unknowingly. */
const CAPTURE_MS = 60_000;
/** Sizes of the picture are told at most this often: a window that is dragged has a new one with
 * each frame. */
const SIZE_MS = 250;
/** Most lines that the server takes: 8K (`protocol/src/limits.rs`). */
const MOST_LINES = 4_320;
/** Refusals after which another offer will never come. */
const FINAL = new Set([
  'not_signed_in', 'forbidden', 'session_not_found', 'session_closed', 'conference_not_found',
  'conference_ended',
]);

export class Participant extends EventTarget {
  #network;
  #options;
  #environment;
  /** @type {State} */
  #state = 'new';
  /** What plays now. @type {Connection | null} */
  #current = null;
  /** The newest generation, while it is not `#current`. @type {Connection | null} */
  #next = null;
  /** The newest offer that was taken, whatever became of it. @type {Offer | null} */
  #offer = null;
  /** Tracks by kind. @type {Map<'video' | 'audio', MediaStreamTrack>} */
  #published = new Map();
  /** What the page was told of. @type {Map<string, RemoteTrack & { stream: MediaStream }>} */
  #shown = new Map();
  /** @type {RTCDataChannel | null} */
  #dataChannel = null;
  /** @type {Signal[]} */
  #roster = [];
  /** Who is in which section, as the last roster said, and for whom it said so.
   * @type {{ you: string, sources: Map<string, string> } | null} */
  #occupied = null;
  /** The offer being asked for. @type {AbortController | null} */
  #request = null;
  #attempt = 0;
  #captureTimer = undefined;
  /** In how many lines the page shows the picture, once it has said. @type {number | null | undefined} */
  #lines = undefined;
  #sizeTimer = undefined;
  #stats = new StatsReader();
  #talk;
  #ended = new AbortController();
  #over = false;

  /**
   * @param {object} options
   * @param {import('./network.js').Network} options.network
   * @param {AbortSignal} [options.signal] closes the participant
   * @param {import('./transforms.js').FrameTransform} [options.senderTransform]
   * @param {import('./transforms.js').FrameTransform} [options.receiverTransform]
   * @param {Partial<import('./environment.js').Environment>} [environment] for tests
   * @throws {DOMException} NotSupportedError when the browser has no frame transforms
   */
  constructor(options, environment) {
    super();
    requireTransforms([options.senderTransform, options.receiverTransform]);
    this.#options = options;
    this.#network = options.network;
    this.#environment = environmentWith(environment);
    this.#talk = new Talk({
      us: () => this.id,
      emit: (type, detail) => this.#emit(type, detail),
      environment: this.#environment,
    });
    const listening = { signal: this.#ended.signal };
    this.#network.addEventListener('signal', ({ detail }) => this.#onSignal(detail), listening);
    this.#environment.window?.addEventListener('online', () => this.#onOnline(), listening);
    options.signal?.addEventListener('abort', () => this.close(), listening);
    if (options.signal?.aborted) this.close();
  }

  get state() {
    return this.#state;
  }

  /** The participant's id, once an offer has named it. @returns {string | null} */
  get id() {
    return this.#offer?.participant ?? null;
  }

  /** The generation that plays, or is about to; 0 before the first. */
  get generation() {
    return (this.#current ?? this.#next)?.offer.generation ?? 0;
  }

  /** Who takes part, as the last roster said. */
  get participants() {
    return this.#roster;
  }

  /** The server's data channel of the newest generation, when it has opened one. */
  get dataChannel() {
    return this.#dataChannel;
  }

  /**
   * Takes an offer; one that is older than what is there already is ignored. A server that has
   * lost its conference makes another, in which this end has another id: that counts as newer.
   * @param {Offer} offer
   */
  receive(offer) {
    if (this.#over) return;
    if (this.#offer && !isNewer(offer, this.#offer)) return;
    this.#offer = offer;
    this.#settleRequest();
    this.#next?.close();
    const connection = this.#open(offer);
    if (!connection) return;
    // The offer may come by another way than the rosters, and after one that belongs to it.
    if (this.#occupied?.you === offer.participant) connection.occupy(this.#occupied.sources);
    connection.watchedBy(viewersIn(this.#roster));
    if (this.#lines !== undefined) connection.showIn(this.#lines);
    this.#next = connection;
    if (this.#state === 'new') this.#setState('connecting');
    connection.answer(this.#published).then(
      (sdp) => this.#sendAnswer(connection, sdp),
      (error) => this.#onUnanswered(connection, error),
    );
  }

  /**
   * Asks for an offer: after a page was loaded anew, or by a person's wish. Without a call, a
   * broken connection asks by itself.
   * @param {'reload' | 'restart' | 'network' | 'failed'} [reason]
   */
  requestOffer(reason = 'reload') {
    if (this.#over) return;
    this.#settleRequest();
    this.#attempt = 0;
    this.#ask(reason);
  }

  /**
   * Sends a track: now, or as soon as there is a connection; also in every later generation. A
   * second one of the same kind replaces the first.
   * @param {MediaStreamTrack} track
   * @returns {Promise<void>} when the present connection, if any, has taken it
   */
  async publish(track) {
    this.#requireOpen();
    const kind = /** @type {'video' | 'audio'} */ (track.kind);
    const newest = this.#newest;
    if (newest && !newest.hasSlotFor(kind)) {
      throw new LensError('wrong_state', { detail: `this participant has no slot for ${kind}` });
    }
    this.#published.set(kind, track);
    await this.#replace(kind, track);
  }

  /**
   * Stops sending; the slot stays, so that publishing again is quick. The track itself goes on.
   * @param {'video' | 'audio'} kind
   * @returns {Promise<void>}
   */
  async unpublish(kind) {
    this.#requireOpen();
    this.#published.delete(kind);
    await this.#replace(kind, null);
  }

  /**
   * Says a line to everybody in the conference. Kept by nobody: what has to be on record goes
   * through the session's chat.
   * @param {string} text 1 to 2,000 characters
   * @returns {number} the line's id
   * @throws {RangeError} for a text that is empty or too long
   * @throws {LensError} `would_block` while 64 messages wait for the connection
   */
  sendChat(text) {
    this.#requireOpen();
    return this.#talk.chat(text);
  }

  /**
   * Asks the camera's side for something. It may refuse; that is an answer, not an error.
   * @param {import('./talk.js').Command} command
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<import('./talk.js').CommandOutcome>} rejects with `timeout` after a minute
   *   without an answer, with `would_block` as `sendChat`, with a RangeError for a bad argument
   */
  async sendCommand(command, { signal } = {}) {
    this.#requireOpen();
    return this.#talk.command(command, signal);
  }

  /**
   * Answers a command of a `command` event. A second answer is ignored.
   * @param {number} id
   * @param {import('./talk.js').CommandOutcome} outcome
   */
  replyCommand(id, outcome) {
    this.#requireOpen();
    this.#talk.reply(id, outcome);
  }

  /**
   * Draws on the camera's picture; another with the same `id` replaces it.
   * @param {import('./talk.js').Annotation} annotation
   * @throws {RangeError | LensError} outside its limits; `would_block` as `sendChat`
   */
  sendAnnotation(annotation) {
    this.#requireOpen();
    this.#talk.annotate(annotation);
  }

  /** Takes one of our drawings away, or all. @param {number} [id] */
  clearAnnotations(id) {
    this.#requireOpen();
    this.#talk.clear(id);
  }

  /**
   * Says how large the picture is shown, so that none comes that is larger than that needs, from a
   * camera that sends several sizes. May be called with each change of a layout: it is told at
   * most four times a second, and again to each new generation.
   * @param {{ height: number } | null} size height in pixels of the screen: CSS pixels times
   *   `devicePixelRatio`; 0 for a picture that is hidden, which becomes the smallest; null for no
   *   limit
   * @throws {RangeError} for a height that is negative or no number
   */
  setPictureSize(size) {
    if (size && !(size.height >= 0)) throw new RangeError('the height of a picture is 0 or more');
    if (this.#over) return;
    this.#lines = size ? Math.min(Math.ceil(size.height), MOST_LINES) : null;
    this.#sizeTimer ??= this.#environment.setTimeout(() => {
      this.#sizeTimer = undefined;
      if (this.#over) return;
      this.#current?.showIn(this.#lines ?? null);
      this.#next?.showIn(this.#lines ?? null);
    }, SIZE_MS);
  }

  /**
   * Figures of the connection; all null before there is one. Rates count from the former call.
   * @returns {Promise<import('./stats.js').Stats>}
   */
  async stats() {
    const report = await (this.#current ?? this.#next)?.getStats().catch(() => null);
    return this.#stats.read(report ?? /** @type {RTCStatsReport} */ (new Map()));
  }

  /** Ends it: nothing is sent or played any more. Tracks are not stopped. Idempotent. */
  close() {
    this.#end('closed');
  }

  get #newest() {
    return this.#next ?? this.#current;
  }

  /**
   * @param {Offer} offer
   * @returns {Connection | null}
   */
  #open(offer) {
    const { senderTransform, receiverTransform } = this.#options;
    /** @type {Connection} */
    let connection;
    const own = (/** @type {() => void} */ report) => {
      if (!this.#over && (connection === this.#current || connection === this.#next)) report();
    };
    const reports = {
      onConnected: () => own(() => this.#onConnected(connection)),
      onTrouble: (/** @type {'failed' | 'network'} */ reason) =>
        own(() => this.#onTrouble(connection, reason)),
      onTracks: () => own(() => this.#show()),
      onDataChannel: (
        /** @type {RTCDataChannel} */ channel,
        /** @type {RTCSctpTransport | null} */ transport,
      ) =>
        own(() => {
          this.#dataChannel = channel;
          this.#talk.attach(channel, transport);
          this.#emit('datachannel', { channel });
        }),
    };
    try {
      const environment = this.#environment;
      connection = new Connection(offer, {
        environment, reports, senderTransform, receiverTransform,
      });
      return connection;
    } catch (error) {
      // No RTCPeerConnection at all: switched off, or one too many in this page.
      console.error('Lens: no RTCPeerConnection', error);
      this.#end('failed', 'internal');
      return null;
    }
  }

  /**
   * @param {Connection} connection
   * @param {string} sdp
   */
  #sendAnswer(connection, sdp) {
    if (connection !== this.#next || this.#over) return;
    const { conference, participant, generation, negotiation_id } = connection.offer;
    const answer = { kind: 'answer', conference, participant, generation, negotiation_id, sdp };
    // A track published meanwhile may have missed the answer's moment.
    for (const [kind, track] of this.#published) void connection.publish(kind, track).catch(() => {});
    this.#carry(answer, this.#ended.signal).catch((error) => {
      if (connection !== this.#next || this.#over) return;
      this.#onUnanswered(connection, error);
    });
  }

  /**
   * @param {Connection} connection
   * @param {any} error
   */
  #onUnanswered(connection, error) {
    if (connection !== this.#next || this.#over) return;
    // An offer that was answered or replaced meanwhile: the newer one is on its way.
    if (error?.code === 'already_answered') return;
    if (FINAL.has(error?.code)) this.#end('failed', error.code);
    else this.#onTrouble(connection, 'failed');
  }

  /** @param {Signal} signal */
  #onSignal(signal) {
    if (this.#over) return;
    if (signal.kind === 'offer') this.receive(/** @type {any} */ (signal));
    else if (signal.kind === 'roster') this.#onRoster(signal);
    else if (signal.kind === 'command') this.#onCommand(signal);
    else if (signal.kind === 'bye' && signal.reason !== 'shutting_down') this.close();
  }

  /** A command that came by signalling is answered there. @param {Signal} signal */
  #onCommand(signal) {
    this.#talk.signalled(signal, (outcome) => {
      const reply = { kind: 'command_reply', id: signal.id, outcome };
      void this.#carry(reply, this.#ended.signal).catch(() => {});
    });
  }

  /** @param {Signal} roster */
  #onRoster({ you, participants }) {
    if (this.id && you !== this.id) return;
    /** @type {Map<string, string>} */
    const sources = new Map();
    for (const { participant, slots } of participants ?? []) {
      if (participant === you) continue;
      for (const { mid } of slots ?? []) sources.set(mid, participant);
    }
    this.#occupied = { you, sources };
    this.#current?.occupy(sources);
    this.#next?.occupy(sources);
    this.#roster = participants ?? [];
    this.#current?.watchedBy(viewersIn(this.#roster));
    this.#next?.watchedBy(viewersIn(this.#roster));
    this.#emit('roster', { participants: this.#roster });
    this.#show();
  }

  /** @param {Connection} connection */
  #onConnected(connection) {
    this.#attempt = 0;
    this.#environment.clearTimeout(this.#captureTimer);
    if (connection === this.#next) this.#promote(connection);
    // A former generation that healed makes the asked-for one unnecessary.
    else this.#settleRequest();
    this.#setState('connected');
  }

  /**
   * The new generation takes over; the old one plays on until the new one flows.
   * @param {Connection} connection
   */
  #promote(connection) {
    const former = this.#current;
    this.#current = connection;
    this.#next = null;
    this.#settleRequest();
    this.#stats = new StatsReader();
    this.#emit('generation', { generation: connection.offer.generation });
    if (!former) return this.#show();
    // What was silent before need not be waited for: a voice nobody has, a camera that is paused.
    void connection.flowing(former.flows(), HANDOVER_MS).then(() => {
      if (!this.#over && connection === this.#current) this.#show();
      former.close();
    });
  }

  /**
   * @param {Connection} connection
   * @param {'failed' | 'network'} reason
   */
  #onTrouble(connection, reason) {
    if (connection === this.#next) {
      connection.close();
      this.#next = null;
    }
    if (!this.#current?.isHealthy) {
      if (this.#state === 'connected') this.#startCaptureTimer();
      if (this.#state !== 'connecting') this.#setState('reconnecting');
    }
    if (!this.#next) this.#ask(reason);
  }

  /** @param {string} reason */
  #ask(reason) {
    if (this.#request) return;
    const request = new AbortController();
    this.#request = request;
    const again = () => {
      if (this.#request !== request) return;
      this.#request = null;
      this.#ask(reason);
    };
    const send = () => {
      const signal = { kind: 'offer_request', generation: this.#offer?.generation, reason };
      this.#carry(signal, request.signal).then(
        () => this.#environment.setTimeout(again, OFFER_MS),
        (error) => {
          if (this.#request !== request || this.#over) return;
          if (FINAL.has(error?.code)) this.#end('failed', error.code);
          else again();
        },
      );
    };
    const wait = backOff(this.#attempt++, this.#environment.random);
    const timer = this.#environment.setTimeout(send, wait);
    request.signal.addEventListener('abort', () => this.#environment.clearTimeout(timer));
  }

  #settleRequest() {
    this.#request?.abort();
    this.#request = null;
  }

  #onOnline() {
    this.#newest?.check();
  }

  #startCaptureTimer() {
    const { clearTimeout, setTimeout } = this.#environment;
    clearTimeout(this.#captureTimer);
    this.#captureTimer = setTimeout(() => {
      if (this.#over || this.#published.size === 0) return;
      for (const [kind, track] of this.#published) {
        track.stop();
        void this.#replace(kind, null).catch(() => {});
      }
      this.#published.clear();
      this.#emit('capturestopped', {});
    }, CAPTURE_MS);
  }

  /**
   * @param {'video' | 'audio'} kind
   * @param {MediaStreamTrack | null} track
   */
  async #replace(kind, track) {
    const connections = [this.#current, this.#next].filter((connection) => connection !== null);
    await Promise.all(connections.map((connection) => connection.publish(kind, track)));
  }

  /** Tells the page what changed in who is seen and heard. */
  #show() {
    const playing = this.#current ?? this.#next;
    const wanted = new Map(playing?.remoteTracks().map((remote) => [remote.key, remote]));
    for (const [key, shown] of this.#shown) {
      if (wanted.has(key)) continue;
      this.#shown.delete(key);
      const { kind, mid, participant } = shown;
      this.#emit('trackend', { kind, mid, participant });
    }
    for (const [key, remote] of wanted) {
      const shown = this.#shown.get(key);
      if (shown?.track === remote.track) continue;
      const stream = shown?.stream ?? new this.#environment.MediaStream();
      if (shown) stream.removeTrack(shown.track);
      stream.addTrack(remote.track);
      this.#shown.set(key, { ...remote, stream });
      const { kind, track, participant, mid } = remote;
      this.#emit('track', { kind, track, stream, participant, mid });
    }
  }

  /**
   * A network that throws has failed as one that rejects has.
   * @param {Signal} signal
   * @param {AbortSignal} abort
   */
  async #carry(signal, abort) {
    await this.#network.send(signal, { signal: abort });
  }

  #requireOpen() {
    if (this.#over) throw new DOMException('the participant is closed', 'InvalidStateError');
  }

  /** @param {State} state */
  #setState(state) {
    if (this.#state === state) return;
    this.#state = state;
    this.#emit('statechange', { state });
  }

  /**
   * @param {'closed' | 'failed'} state
   * @param {string} [code]
   */
  #end(state, code) {
    if (this.#over) return;
    this.#over = true;
    this.#state = state;
    const detail = code ? { state, code } : { state };
    queueMicrotask(() => this.dispatchEvent(new CustomEvent('statechange', { detail })));
    this.#settleRequest();
    this.#environment.clearTimeout(this.#captureTimer);
    this.#environment.clearTimeout(this.#sizeTimer);
    this.#current?.close();
    this.#next?.close();
    this.#published.clear();
    const closed = new DOMException('the participant is closed', 'InvalidStateError');
    this.#talk.end(closed);
    this.#ended.abort(closed);
  }

  /**
   * Queues an event; once it is over, only the end itself is still told.
   * @param {string} type
   * @param {object} detail
   */
  #emit(type, detail) {
    queueMicrotask(() => {
      if (!this.#over) this.dispatchEvent(new CustomEvent(type, { detail }));
    });
  }
}

/** How many of a roster watch. @param {Signal[]} roster */
function viewersIn(roster) {
  return roster.filter(({ role }) => role === 'viewer').length;
}

/**
 * @param {Offer} offer
 * @param {Offer} than
 */
function isNewer(offer, than) {
  if (offer.participant !== than.participant || offer.conference !== than.conference) return true;
  if (offer.generation !== than.generation) return offer.generation > than.generation;
  return offer.negotiation_id > than.negotiation_id;
}
