/**
 * The customer's side of one session: facts, and what taps and messages do to them. No drawing.
 * Event: `change`. The views read the fields; `screenOf` says which page they make.
 */

import { codeOf, get, post } from '../common/api.js';
import { language } from '../common/i18n.js';
import { Capture, CaptureFailed } from './capture.js';
import { Chat } from './chat.js';
import { consentSentences, fingerprint } from './consent.js';
import { Line } from './line.js';
import { BREAK_END_MS, BREAK_SHOWN_MS, isEnded, isStarted } from './screen.js';
import { Seen } from './seen.js';

/** @typedef {import('../common/types.js').CustomerView} CustomerView */
/** @typedef {import('../common/types.js').Presence} Presence */
/** @typedef {'customer' | 'technician' | 'timeout' | 'put_out' | 'refused'} EndedBy */
/** @typedef {import('./entry.js').Complaint} Complaint */

/** Live capture is cut when the page goes; a problem of these kinds has a page of its own. */
/** @type {Record<string, import('../common/types.js').CameraState>} */
const CAMERA_OF_PROBLEM = { denied: 'denied', none: 'missing', busy: 'busy', other: 'off' };

export class CustomerSession extends EventTarget {
  /** @param {CustomerView} view */
  constructor(view) {
    super();
    this.busy = false;
    /** @type {Complaint | null} */
    this.complaint = null;
    this.view = view;
    /** @type {{ by: EndedBy } | null} */
    this.ended = null;
    this.replaced = false;
    /** @type {'voice' | 'only'} */
    this.choice = 'voice';
    this.asking = false;
    /** @type {import('./capture.js').CaptureProblem | null} */
    this.problem = null;
    this.chatOnly = false;
    this.lost = false;
    /** @type {'user' | 'call' | 'away' | null} */
    this.paused = null;
    this.muted = false;
    this.gaveUp = false;
    this.brokenSince = 0;
    this.wasConnected = false;
    this.waitingSince = Date.now();
    this.capture = new Capture();
    this.line = new Line();
    this.chat = new Chat(this.line, () => this.changed());
    this.seen = new Seen(view.session);
    /** Called just before the picture changes or goes, to keep its last frame. */
    this.keepStill = () => {};
    this.toldPresence = '';
    this.#listen();
    this.#look(view);
  }

  #listen() {
    this.capture.addEventListener('change', () => this.#captureChanged());
    this.capture.addEventListener('ended', () => {
      this.keepStill();
      this.lost = true;
      this.changed();
    });
    this.line.addEventListener('change', () => this.#lineChanged());
    this.line.addEventListener('gaveup', () => this.#giveUp());
    this.line.addEventListener('signal', (event) => this.#take(/** @type {CustomEvent} */ (event).detail));
    addEventListener('online', () => this.changed());
    addEventListener('offline', () => this.changed());
    document.addEventListener('visibilitychange', () => this.#visibilityChanged());
  }

  /** Opens the line; a session that ran before this page was loaded is taken up again. */
  async begin() {
    if (this.ended) return;
    await this.line.open();
    if (this.view.agreed) await this.line.prepare(this.view.session, isStarted(this.view.state));
  }

  // ---- agreeing ----

  /** The agreeing tap: the consent is stored first, only then the browser is asked. */
  async agree() {
    if (this.busy) return;
    this.busy = true;
    this.complaint = null;
    this.changed();
    const voice = this.choice === 'voice';
    const sentences = consentSentences(this.view);
    try {
      const view = await post('/api/customer/consent', {
        capabilities: voice ? ['camera', 'voice'] : ['camera'],
        text_version: this.view.consent.version,
        locale: language(),
        text_sha256: await fingerprint(sentences),
        shown_name: this.view.technician.name,
      });
      this.asking = true;
      this.#look(view);
      void this.line.prepare(view.session);
      await this.turnOn();
    } catch (error) {
      await this.#agreeFailed(error);
    }
    this.busy = false;
    this.changed();
  }

  /** @param {unknown} error */
  async #agreeFailed(error) {
    this.asking = false;
    const code = codeOf(error);
    this.complaint = { id: code === 'offline' ? 'pin.offline' : code === 'consent_changed' ? 'consent.changed' : 'error.again' };
    if (code === 'consent_changed' || code === 'session_closed' || code === 'wrong_state') {
      await get('/api/customer').then((view) => this.#look(view), () => {});
    }
  }

  /** Opens camera and microphone as agreed; from a tap only. */
  async turnOn() {
    if (!this.view.agreed) return;
    this.asking = true;
    this.problem = null;
    this.lost = false;
    this.gaveUp = false;
    this.chatOnly = false;
    this.changed();
    try {
      await this.capture.open(this.view.agreed.includes('voice'));
      this.paused = null;
    } catch (error) {
      if (this.ended) return;
      this.problem = error instanceof CaptureFailed ? error.problem : 'other';
    }
    this.asking = false;
    if (!this.line.participant) await this.line.prepare(this.view.session);
    this.changed();
  }

  goOnWithChat() {
    this.chatOnly = true;
    this.chat.open = true;
    this.changed();
  }

  async refuse() {
    this.#finish('refused');
    await post('/api/customer/decline', {}, { keepalive: true }).catch(() => {});
  }

  // ---- while it runs ----

  /** Stop: cuts the camera first and tells the server after. */
  async stop() {
    this.#finish('customer');
    await post('/api/customer/leave', {}, { keepalive: true }).catch(() => {});
  }

  /** @param {EndedBy} by */
  #finish(by) {
    if (this.ended) return;
    this.capture.cut();
    this.line.close();
    this.ended = { by };
    if (!this.view.ended_at) this.view = { ...this.view, ended_at: new Date().toISOString() };
    this.chat.open = false;
    this.changed();
  }

  pause() {
    this.keepStill();
    this.paused = 'user';
    this.changed();
  }

  resume() {
    this.paused = null;
    this.changed();
  }

  toggleMute() {
    this.muted = !this.muted;
    this.changed();
  }

  async flip() {
    this.keepStill();
    try {
      await this.capture.flip();
    } catch (error) {
      this.problem = error instanceof CaptureFailed ? error.problem : 'other';
    }
    this.changed();
  }

  /** "Try again" after a long break, and "Try again now" in one. */
  async tryAgain() {
    void this.line.hurry(this.view.session);
    if (!this.gaveUp) return;
    this.brokenSince = Date.now();
    await this.turnOn();
  }

  goOnHere() {
    location.reload();
  }

  #captureChanged() {
    const interrupted = this.capture.interrupted && !document.hidden;
    if (interrupted && !this.paused && this.capture.video) {
      this.keepStill();
      this.paused = 'call';
    } else if (!interrupted && this.paused === 'call') this.paused = null;
    this.changed();
  }

  #visibilityChanged() {
    if (!this.capture.video) return this.changed();
    if (document.hidden && this.paused !== 'user') {
      this.keepStill();
      this.paused = 'away';
    }
    // Before the start nothing was shown to anybody: the own preview simply comes back.
    if (!document.hidden && this.paused === 'away' && !isStarted(this.view.state)) this.paused = null;
    this.changed();
  }

  #lineChanged() {
    if (this.line.media === 'connected') this.wasConnected = true;
    if (this.line.signalling === 'closed') this.#closedBy(this.line.closedBecause);
    this.changed();
  }

  /** @param {string} reason */
  #closedBy(reason) {
    if (reason === 'replaced') {
      this.capture.cut();
      this.line.dropMedia();
      this.replaced = true;
    } else if (reason === 'put_out') this.#finish('put_out');
    else if (reason !== 'left' && reason !== 'shutting_down' && !this.ended) {
      // The closing words may have been lost on the way: ask who ended it.
      get('/api/customer').then((view) => this.#look(view), () => this.#finish('technician'));
    }
  }

  /** @param {any} signal */
  #take(signal) {
    if (signal.kind === 'session' && signal.customer) this.#look(signal.customer);
    else if (signal.kind === 'snapshot' && signal.state?.session) {
      this.#look(signal.state);
      this.toldPresence = '';
    } else if (signal.kind === 'chat') this.chat.take(signal);
    else if (signal.kind === 'bye') this.#closedBy(signal.reason);
    else if (signal.kind === 'command') {
      void this.line.say({ kind: 'command_reply', id: signal.id, outcome: 'unsupported' }).catch(() => {});
    }
    this.changed();
  }

  /** @param {CustomerView} view */
  #look(view) {
    const former = this.view;
    this.view = view;
    this.chat.know(view.chat);
    if (view.state === 'on_hold' && former.state !== 'on_hold') this.keepStill();
    if (view.state === 'waiting' && former.state !== 'waiting') this.waitingSince = Date.now();
    if (former !== view) this.#tellWhoChanged(former, view);
    if (view.ended_by || isEnded(view.state)) this.#finish(view.ended_by ?? 'technician');
  }

  /**
   * @param {CustomerView} former
   * @param {CustomerView} view
   */
  #tellWhoChanged(former, view) {
    if (!isStarted(view.state) || !isStarted(former.state)) return;
    const before = new Set(former.watchers.map((watcher) => watcher.name));
    const after = new Set(view.watchers.map((watcher) => watcher.name));
    const joined = view.watchers.find((watcher) => !before.has(watcher.name));
    const left = former.watchers.find((watcher) => !after.has(watcher.name));
    if (joined) this.chat.notice('live.joined', joined.first_name);
    else if (left) this.chat.notice('live.left', left.first_name);
  }

  // ---- what follows from the facts ----

  /** Whether the picture may leave the phone now. */
  get maySend() {
    return !this.ended && !this.gaveUp && !this.paused && this.view.state !== 'on_hold';
  }

  /** @param {number} now */
  brokenFor(now) {
    return this.brokenSince ? now - this.brokenSince : 0;
  }

  get isBroken() {
    if (this.ended || this.replaced || !this.view.agreed) return false;
    if (!isStarted(this.view.state)) return this.line.signalling === 'lost';
    return this.line.media !== 'connected' || !navigator.onLine || this.view.trouble === 'node';
  }

  /** @returns {Presence} */
  get presence() {
    return { camera: this.#cameraState(), muted: this.muted || !this.capture.audio, facing: this.capture.facing ?? undefined };
  }

  /** @returns {import('../common/types.js').CameraState} */
  #cameraState() {
    if (this.problem) return CAMERA_OF_PROBLEM[this.problem];
    if (this.lost) return 'lost';
    if (!this.capture.video) return 'off';
    if (this.paused === 'call') return 'paused_call';
    if (this.paused === 'away') return 'paused_away';
    if (this.paused === 'user') return 'paused';
    return isStarted(this.view.state) ? 'live' : 'preview';
  }

  /** Once a second: breaks grow, the receipt counts. */
  tick() {
    const now = Date.now();
    this.changed();
    if (this.brokenFor(now) >= BREAK_END_MS && !this.gaveUp) this.#giveUp();
    const isLive = this.presence.camera === 'live' && this.maySend && this.line.media === 'connected';
    if (isLive) this.seen.count(this.view.watchers.map((watcher) => watcher.name), now);
    else this.seen.rest();
  }

  /** Nobody films for nobody: after a minute without connection the camera goes off. */
  #giveUp() {
    if (this.gaveUp || this.ended) return;
    this.keepStill();
    this.gaveUp = true;
    this.capture.cut();
  }

  /** Brings everything outside in step with the facts, then tells the views. */
  changed() {
    if (!this.isBroken) this.brokenSince = 0;
    else if (!this.brokenSince) {
      // What the server knows to be broken is no blink that heals within a second.
      this.brokenSince = Date.now() - (this.view.trouble === 'node' ? BREAK_SHOWN_MS : 0);
      this.keepStill();
    }
    this.#applyTracks();
    this.#tellPresence();
    this.dispatchEvent(new Event('change'));
  }

  #applyTracks() {
    const { video, audio } = this.capture;
    if (video) video.enabled = !this.paused || this.paused === 'call';
    if (audio) audio.enabled = !this.muted && this.maySendVoice;
    this.line.send({ video: this.maySend ? video : null, audio: this.maySendVoice ? audio : null });
  }

  /** A pause by tap stops the picture and lets the voice go on; any other stops both. */
  get maySendVoice() {
    return this.maySend || (this.paused === 'user' && !this.ended && !this.gaveUp && this.view.state !== 'on_hold');
  }

  #tellPresence() {
    if (!this.view.agreed || this.ended || this.line.signalling !== 'open') return;
    const presence = this.presence;
    const text = JSON.stringify(presence);
    if (text === this.toldPresence) return;
    this.toldPresence = text;
    void this.line.say({ kind: 'presence', ...presence }).catch(() => {
      this.toldPresence = '';
    });
  }
}
