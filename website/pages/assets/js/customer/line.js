/**
 * The line between this page and the session: signalling and the media participant, both from the
 * SDK, which is loaded only once somebody is in a session. Events: `signal` (detail: the message),
 * `change` (one of the fields below), `gaveup` (a minute without connection: capture was stopped).
 */

import { Sound } from '../common/sound.js';

/** @typedef {'video' | 'audio'} Kind */


export class Line extends EventTarget {
  constructor() {
    super();
    /** @type {'idle' | import('/sdk/index.js').ChannelState} */
    this.signalling = 'idle';
    /** Why signalling was closed for good. */
    this.closedBecause = '';
    /** @type {import('/sdk/index.js').ParticipantState} */
    this.media = 'new';
    this.sound = new Sound();
    this.sound.addEventListener('change', () => this.#changed());
    /** @type {import('/sdk/index.js').SignalingClient | null} */
    this.client = null;
    /** @type {import('/sdk/index.js').Participant | null} */
    this.participant = null;
    /** @type {Record<Kind, MediaStreamTrack | null>} */
    this.wanted = { video: null, audio: null };
    /** @type {Record<Kind, MediaStreamTrack | null>} */
    this.published = { video: null, audio: null };
    this.publishing = false;
  }

  /** Opens signalling; repeatable. */
  async open() {
    if (this.client) return;
    const { SignalingClient } = await import('/sdk/index.js');
    if (this.client) return;
    this.client = new SignalingClient({ door: 'customer', base: location.origin });
    this.client.addEventListener('signal', (event) => {
      this.dispatchEvent(new CustomEvent('signal', { detail: event.detail }));
    });
    this.client.addEventListener('state', (event) => {
      this.signalling = event.detail.state;
      if (event.detail.state === 'closed') this.closedBecause = event.detail.reason ?? '';
      this.#changed();
    });
    this.client.open();
  }

  /**
   * Prepares the media side; nothing is sent before the server's offer.
   * @param {string} session
   * @param {boolean} [again] whether an earlier page took part already: then the offer is asked for
   */
  async prepare(session, again = false) {
    await this.open();
    if (this.participant) return;
    const { Participant } = await import('/sdk/index.js');
    if (this.participant || !this.client) return;
    const participant = new Participant({ network: this.client.networkFor({ session }) });
    this.participant = participant;
    participant.addEventListener('statechange', (event) => {
      if (this.participant !== participant) return;
      this.media = event.detail.state;
      this.#changed();
    });
    participant.addEventListener('track', ({ detail }) => {
      if (detail.kind === 'audio') this.sound.add(detail.participant, detail.stream);
    });
    participant.addEventListener('trackend', ({ detail }) => {
      if (detail.kind === 'audio') this.sound.remove(detail.participant);
    });
    participant.addEventListener('capturestopped', () => this.dispatchEvent(new Event('gaveup')));
    if (again) participant.requestOffer('reload');
    void this.#publish();
  }

  /**
   * What should be sent from now on; null sends nothing and keeps the place.
   * @param {Record<Kind, MediaStreamTrack | null>} tracks
   */
  send(tracks) {
    this.wanted = { ...tracks };
    void this.#publish();
  }

  /** Brings what is sent in step with what is wanted, one change after the other. */
  async #publish() {
    if (this.publishing || !this.participant) return;
    this.publishing = true;
    try {
      for (let kind = this.#next(); kind && this.participant; kind = this.#next()) {
        const track = this.wanted[kind];
        this.published[kind] = track;
        if (track) await this.participant.publish(track);
        else await this.participant.unpublish(kind);
      }
    } catch {
      // The participant closed meanwhile; its state says so.
    } finally {
      this.publishing = false;
    }
  }

  /** @returns {Kind | undefined} */
  #next() {
    if (this.published.video !== this.wanted.video) return 'video';
    if (this.published.audio !== this.wanted.audio) return 'audio';
    return undefined;
  }

  /**
   * @param {import('/sdk/index.js').Signal} signal
   * @returns {Promise<void>}
   */
  async say(signal) {
    if (!this.client) throw new Error('not open');
    await this.client.send(signal);
  }

  /**
   * Asks for a new path now instead of waiting for the next try.
   * @param {string} session
   */
  async hurry(session) {
    const isOver = this.media === 'failed' || this.media === 'closed';
    if (isOver) this.dropMedia();
    if (this.participant) this.participant.requestOffer('network');
    else await this.prepare(session, true);
  }

  /** Lets go of the media side; signalling stays. */
  dropMedia() {
    this.participant?.close();
    this.participant = null;
    this.media = 'new';
    this.published = { video: null, audio: null };
    this.sound.stop();
  }

  /** Ends everything. */
  close() {
    this.dropMedia();
    this.client?.close();
    this.client = null;
    this.signalling = 'idle';
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}
