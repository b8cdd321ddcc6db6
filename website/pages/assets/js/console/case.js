/**
 * One session as this console takes part in it: its media, its chat, its log. Lives on while other
 * sessions are on screen, so that going back to it loses nothing. Event: `change`.
 */

import { codeOf, get, post, Problem } from '../common/api.js';
import { Sound } from '../common/sound.js';
import { CaseChat } from './case-chat.js';
import { judge } from './quality.js';
import { Shown } from './shown.js';

/** @typedef {import('./store.js').Store} Store */
/** @typedef {import('../common/types.js').Stats} Stats */
/** @typedef {import('../common/types.js').Timeline} Timeline */
/** @typedef {import('../common/types.js').SessionEvent} SessionEvent */
/** @typedef {{ at: number, fps: number, kbps: number, rtt: number }} Sample */

/** Samples kept for the charts: one a second. */
const HISTORY = 60;
/** Seconds between two looks at the server's side of the connections. */
const TIMELINE_EVERY = 5;

export class Case extends EventTarget {
  /**
   * @param {Store} store
   * @param {string} id
   */
  constructor(store, id) {
    super();
    this.store = store;
    this.id = id;
    /** Which request is on its way, if any: `start`, `join`, `offer` … */
    this.entering = '';
    /** Whether somebody else was faster to start it. */
    this.overtaken = false;
    this.busy = '';
    /** Why the last try to take part failed. @type {{ code: string, trace: string, detail: string } | null} */
    this.failure = null;
    /** @type {import('/sdk/index.js').Participant | null} */
    this.participant = null;
    /** @type {import('/sdk/index.js').ParticipantState} */
    this.media = 'new';
    this.connectingSince = 0;
    this.picture = new MediaStream();
    this.pictureSeen = false;
    /** How large it is shown; undefined before it ever was.
     * @type {{ height: number } | null | undefined} */
    this.pictureSize = undefined;
    this.shown = new Shown((size) => {
      this.pictureSize = size;
      this.participant?.setPictureSize(size);
    });
    this.frames = 0;
    this.lastFrameAt = 0;
    this.sound = new Sound();
    this.sound.addEventListener('change', () => this.changed());
    /** @type {MediaStreamTrack | null} */
    this.microphone = null;
    /** Whether the microphone is to be opened as soon as the connection stands. */
    this.microphoneDue = false;
    this.chat = new CaseChat(this);
    /** @type {SessionEvent[]} */
    this.log = [];
    this.logFailed = false;
    /** @type {Stats | null} */
    this.stats = null;
    /** @type {Sample[]} */
    this.samples = [];
    /** @type {{ customer: Timeline | null, own: Timeline | null }} */
    this.timelines = { customer: null, own: null };
    this.ticks = 0;
    this.onScreen = false;
  }

  get session() {
    return this.store.sessions.get(this.id);
  }

  /** What this technician is in it. */
  get role() {
    const me = this.store.me?.technician.id;
    const mine = this.session?.people.find((person) => person.technician === me);
    if (mine) return mine.role;
    return this.session?.lead?.id === me ? 'technician' : null;
  }

  get takesPart() {
    return this.participant !== null;
  }

  get hasVoice() {
    return this.session?.capabilities.includes('voice') ?? false;
  }

  get quality() {
    const flowing = this.media === 'connected' && this.pictureSeen && this.frozenFor(Date.now()) < 2_000;
    return judge(this.stats, this.timelines.customer?.stats ?? null, flowing);
  }

  /** @param {number} now */
  frozenFor(now) {
    return this.lastFrameAt ? now - this.lastFrameAt : 0;
  }

  // ---- taking part ----

  /** Called for a session that comes onto the screen: reads its past, and comes back into it. */
  async open() {
    await Promise.all([this.chat.load(), this.loadLog()]);
    if (this.role && !this.participant && !this.entering && this.session?.conference) await this.restart();
  }

  start() {
    return this.#enter('start');
  }

  join() {
    return this.#enter('join');
  }

  /** A new generation: after a reload, a lost node, a failure. */
  restart() {
    return this.#enter('offer');
  }

  /** @param {'start' | 'join' | 'offer'} how */
  async #enter(how) {
    if (this.entering) return;
    this.entering = how;
    this.overtaken = false;
    this.failure = null;
    this.connectingSince = Date.now();
    this.changed();
    try {
      // First somebody who hears, then the call: rosters come by signalling, often before its answer.
      const [channel] = await Promise.all([this.store.channel(), this.#prepare()]);
      const taking = await post(`/api/sessions/${this.id}/${how}`, { channel });
      this.store.take(taking.session);
      this.participant?.receive(taking.offer);
      if (how === 'start' && this.hasVoice) this.#openMicrophoneLater();
    } catch (error) {
      await this.#enterFailed(how, error);
    }
    this.entering = '';
    this.changed();
  }

  /**
   * @param {'start' | 'join' | 'offer'} how
   * @param {unknown} error
   */
  async #enterFailed(how, error) {
    const code = codeOf(error);
    this.#dropMedia();
    if (code === 'already_started' || code === 'wrong_state' || code === 'session_closed') {
      await this.store.refresh(this.id);
      if (code === 'already_started') this.#overtake();
      if (code !== 'wrong_state') return;
    }
    const problem = error instanceof Problem ? error : new Problem('internal');
    this.failure = { code, trace: problem.trace, detail: problem.detail };
  }

  /** The list goes on saying so after the notice has gone. */
  #overtake() {
    this.overtaken = true;
    this.store.say('taken', this.id);
  }

  async #prepare() {
    if (this.participant && ['closed', 'failed'].includes(this.media)) this.#dropMedia();
    if (this.participant) return;
    const client = await this.store.signalling();
    const { Participant } = await import('/sdk/index.js');
    if (this.participant) return;
    const participant = new Participant({ network: client.networkFor({ session: this.id }) });
    this.participant = participant;
    participant.addEventListener('statechange', (event) => this.#mediaChanged(participant, event.detail));
    participant.addEventListener('track', (event) => this.#trackCame(participant, event.detail));
    participant.addEventListener('trackend', ({ detail }) => {
      if (detail.kind === 'audio') this.sound.remove(detail.participant);
    });
    participant.addEventListener('roster', () => this.changed());
    if (this.pictureSize !== undefined) participant.setPictureSize(this.pictureSize);
    if (this.microphone) void participant.publish(this.microphone);
  }

  /**
   * @param {import('/sdk/index.js').Participant} participant
   * @param {import('/sdk/index.js').ParticipantEvents['statechange']} detail
   */
  #mediaChanged(participant, { state, code }) {
    if (this.participant !== participant) return;
    if (state === 'connecting') this.connectingSince = Date.now();
    if (state === 'connected') this.lastFrameAt = Date.now();
    this.media = state;
    if (state === 'failed') this.failure = { code: code ?? 'media_failed', trace: '', detail: '' };
    if (state === 'failed' || state === 'connected') void this.loadTimelines();
    if (state === 'connected' && this.microphoneDue) void this.turnMicrophone(true);
    this.changed();
  }

  /**
   * @param {import('/sdk/index.js').Participant} participant
   * @param {import('/sdk/index.js').ParticipantEvents['track']} detail
   */
  #trackCame(participant, { kind, stream, participant: who }) {
    if (this.participant !== participant) return;
    if (kind === 'audio') this.sound.add(who, stream);
    else this.picture = stream;
    this.changed();
  }

  /** The page shows pictures of the customer now. */
  frameSeen() {
    this.lastFrameAt = Date.now();
    if (this.pictureSeen) return;
    this.pictureSeen = true;
    this.changed();
  }

  // A browser opens its microphone on the thread that makes the answer: at once, the picture would
  // come later, by 10 ms at rest and 100 ms on a busy machine.
  #openMicrophoneLater() {
    if (this.media === 'connected') void this.turnMicrophone(true);
    else this.microphoneDue = true;
  }

  /** @param {boolean} on */
  async turnMicrophone(on) {
    this.microphoneDue = false;
    if (!on) {
      this.microphone?.stop();
      this.microphone = null;
      await this.participant?.unpublish('audio');
      this.changed();
      return;
    }
    try {
      const constraints = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
      const stream = await navigator.mediaDevices.getUserMedia({ audio: constraints });
      this.microphone = stream.getAudioTracks()[0] ?? null;
      if (this.microphone) await this.participant?.publish(this.microphone);
    } catch {
      this.store.say('microphone', this.id);
    }
    this.changed();
  }

  /** The session leaves the screen: nobody must be heard who is not looked at. */
  leaveScreen() {
    this.onScreen = false;
    this.microphoneDue = false;
    if (this.microphone) void this.turnMicrophone(false);
    this.sound.leave(true);
  }

  comeOnScreen() {
    this.onScreen = true;
    this.sound.leave(false);
  }

  #dropMedia() {
    this.participant?.close();
    this.participant = null;
    this.media = 'new';
    this.stats = null;
    this.pictureSeen = false;
    this.lastFrameAt = 0;
    this.sound.stop();
    this.microphoneDue = false;
    if (this.microphone) void this.turnMicrophone(false);
  }

  /** The session is over, or somebody else's again. */
  end() {
    if (this.participant) this.#dropMedia();
    void this.loadLog();
  }

  // ---- deeds ----

  toggleHold() {
    return this.act(this.session?.state === 'on_hold' ? 'resume' : 'hold');
  }

  async stopWatching() {
    this.#dropMedia();
    await this.act('stop-watching');
  }

  /**
   * @param {string} deed last part of the address
   * @param {object} [body]
   */
  async act(deed, body) {
    if (this.busy) return false;
    this.busy = deed;
    this.changed();
    try {
      this.store.take(await post(`/api/sessions/${this.id}/${deed}`, body));
      return true;
    } catch (error) {
      this.store.say(codeOf(error) === 'offline' ? 'offline' : 'refused', this.id);
      await this.store.refresh(this.id);
      return false;
    } finally {
      this.busy = '';
      this.changed();
    }
  }

  // ---- what is read from the server ----

  async loadLog() {
    try {
      const after = this.log[this.log.length - 1]?.id;
      const path = `/api/sessions/${this.id}/log?limit=200${after ? `&after=${after}` : ''}`;
      const { events, next } = await get(path);
      const known = new Set(this.log.map((event) => event.id));
      this.log.push(...events.filter((/** @type {SessionEvent} */ event) => !known.has(event.id)));
      this.logFailed = false;
      if (next && events.length > 0) await this.loadLog();
    } catch {
      this.logFailed = true;
    }
    this.changed();
  }

  async loadTimelines() {
    const read = (/** @type {string} */ side) => get(`/api/sessions/${this.id}/timeline?side=${side}`).catch(() => null);
    const [customer, own] = await Promise.all([read('customer'), read('own')]);
    this.timelines = { customer: customer ?? this.timelines.customer, own: own ?? this.timelines.own };
    this.changed();
  }

  /** Once a second while it is open in this page. */
  async tick() {
    this.ticks += 1;
    if (!this.participant) return;
    const stats = await this.participant.stats().catch(() => null);
    if (stats) this.#takeStats(stats);
    const wants = this.onScreen && this.media === 'connected' && this.ticks % TIMELINE_EVERY === 0;
    if (wants) void this.loadTimelines();
  }

  /** @param {Stats} stats */
  #takeStats(stats) {
    this.stats = stats;
    const frames = stats.framesDecoded ?? 0;
    if (frames > this.frames) this.lastFrameAt = Date.now();
    this.frames = frames;
    const sample = { at: Date.now(), fps: stats.framesPerSecond ?? 0, kbps: stats.kbps ?? 0, rtt: stats.rttMs ?? 0 };
    this.samples = [...this.samples.slice(1 - HISTORY), sample];
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event('change'));
    this.store.changed();
  }
}
