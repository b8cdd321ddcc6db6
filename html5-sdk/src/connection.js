// @ts-check
/**
 * One generation of a participant: one offer, one RTCPeerConnection, one answer. Reports what
 * becomes of it; nothing after `close()`.
 */

import { LensError } from './errors.js';
import { askedLayers, shapeLayers } from './layers.js';
import { readPulse } from './stats.js';
import { applyTransform, transformConfiguration } from './transforms.js';

/**
 * @typedef {{ mid: string, kind: string, source?: string | null }} Slot
 *
 * @typedef {object} Offer a `ParticipantOffer` of the server
 * @property {string} conference
 * @property {string} participant
 * @property {number} generation
 * @property {number} negotiation_id
 * @property {string} sdp
 * @property {RTCIceServer[]} [ice_servers]
 * @property {Slot[]} [slots]
 *
 * @typedef {object} Reports
 * @property {() => void} onConnected also after trouble that passed by itself
 * @property {(reason: 'failed' | 'network') => void} onTrouble it may still recover
 * @property {() => void} onTracks a remote track arrived
 * @property {(channel: RTCDataChannel, transport: RTCSctpTransport | null) => void} onDataChannel
 *
 * @typedef {{ key: string, kind: 'video' | 'audio', mid: string, participant: string, track:
 *   MediaStreamTrack }} RemoteTrack
 */

/** How long `disconnected` may last: short cuts heal by themselves. */
const DISCONNECTED_MS = 2_000;
/** How long a new connection may take. */
const CONNECT_MS = 10_000;
const PULSE_EVERY_MS = 1_000;
/** The data channel that the server itself listens to (`protocol/src/wish.rs`). */
const CONTROL_CHANNEL = 'lens-control';
/** A gap between two looks at the pulse that only a sleeping page makes. */
const ASLEEP_MS = 3_000;

export class Connection {
  #environment;
  #reports;
  #pc;
  #closed = false;
  #trouble = false;
  #timer = undefined;
  #pulseTimer = undefined;
  /** @type {{ received: number, since: number, looked: number } | null} */
  #pulse = null;
  /** @type {Map<string, Slot>} */
  #slots = new Map();
  #transforms;
  /** Lines in which the picture is shown; undefined while nobody has said. @type {number | null | undefined} */
  #lines = undefined;
  /** @type {RTCDataChannel | null} */
  #control = null;
  /** Whether several people watch. */
  #several = false;
  /** Whether media could flow at least once. */
  wasConnected = false;

  /**
   * @param {Offer} offer
   * @param {object} options
   * @param {import('./environment.js').Environment} options.environment
   * @param {Reports} options.reports
   * @param {import('./transforms.js').FrameTransform} [options.senderTransform]
   * @param {import('./transforms.js').FrameTransform} [options.receiverTransform]
   */
  constructor(offer, { environment, reports, senderTransform, receiverTransform }) {
    this.offer = offer;
    this.#environment = environment;
    this.#reports = reports;
    this.#transforms = { senderTransform, receiverTransform };
    for (const slot of offer.slots ?? []) this.#slots.set(slot.mid, { ...slot });
    const pc = new environment.RTCPeerConnection({
      iceServers: offer.ice_servers ?? [],
      bundlePolicy: 'max-bundle',
      ...transformConfiguration([senderTransform, receiverTransform]),
    });
    this.#pc = pc;
    pc.ontrack = ({ transceiver, receiver }) => {
      if (this.#closed) return;
      applyTransform(receiver, receiverTransform, { mid: transceiver.mid, side: 'receiver' });
      this.#reports.onTracks();
    };
    pc.ondatachannel = ({ channel }) => {
      if (!this.#closed) this.#reports.onDataChannel(channel, pc.sctp ?? null);
    };
    pc.onconnectionstatechange = () => this.#onState();
    this.#timer = environment.setTimeout(() => this.#onTrouble('failed'), CONNECT_MS);
  }

  /** Whether media can flow now. */
  get isHealthy() {
    return this.wasConnected && !this.#trouble && !this.#closed;
  }

  /**
   * Answers the offer. The SFU is ICE-lite and learns our candidates from our checks: the answer
   * does not wait for any.
   * @param {Map<string, MediaStreamTrack>} published track by kind
   * @returns {Promise<string>} the SDP
   * @throws {LensError} `invalid_sdp` when the browser does not take the offer
   */
  async answer(published) {
    const pc = this.#pc;
    try {
      await pc.setRemoteDescription({ type: 'offer', sdp: this.offer.sdp });
      await Promise.all(
        this.#upward().map(async ({ kind, transceiver }) => {
          transceiver.direction = 'sendonly';
          const { sender, mid } = transceiver;
          applyTransform(sender, this.#transforms.senderTransform, { mid, side: 'sender' });
          await sender.replaceTrack(published.get(kind) ?? null);
          if (kind === 'video') await this.#shape(transceiver);
        }),
      );
      const answer = await pc.createAnswer();
      await pc.setLocalDescription(answer);
      return pc.localDescription?.sdp ?? answer.sdp ?? '';
    } catch (error) {
      throw new LensError('invalid_sdp', { detail: String(error), cause: error });
    }
  }

  /**
   * Sends another track in the slot of its kind, without negotiation.
   * @param {'video' | 'audio'} kind
   * @param {MediaStreamTrack | null} track
   */
  async publish(kind, track) {
    const up = this.#upward().find((slot) => slot.kind === kind);
    // Before the offer is applied there is no sender; `answer` will take it.
    if (!up) return;
    await up.transceiver.sender.replaceTrack(track);
  }

  /**
   * How many watch: a camera whose server asks for it sends several sizes to more than one.
   * @param {number} viewers
   */
  watchedBy(viewers) {
    if (viewers > 1 === this.#several) return;
    this.#several = viewers > 1;
    for (const { kind, transceiver } of this.#upward()) {
      if (kind === 'video') void this.#shape(transceiver);
    }
  }

  /**
   * In how many lines the picture is shown: a larger one need not come. Told now, or once there is
   * a connection to tell it on.
   * @param {number | null} lines null for no limit
   */
  showIn(lines) {
    this.#lines = lines;
    this.#tellLines();
  }

  /** Whether the layout has a slot for sending this. @param {string} kind */
  hasSlotFor(kind) {
    if (this.#slots.size === 0) return true;
    return [...this.#slots.values()].some((slot) => slot.kind === `${kind}_up`);
  }

  /**
   * Whose media comes in which section now. Sections are named anew in each generation: a roster
   * that names none of these belongs to another one, and says nothing here.
   * @param {Map<string, string>} sources by mid
   */
  occupy(sources) {
    const speaksOfUs = [...sources.keys()].some((mid) => this.#slots.has(mid));
    if (sources.size > 0 && !speaksOfUs) return;
    for (const slot of this.#slots.values()) {
      if (slot.kind.endsWith('_down')) slot.source = sources.get(slot.mid) ?? null;
    }
  }

  /** The tracks of everybody who is in a slot. @returns {RemoteTrack[]} */
  remoteTracks() {
    return this.#pc.getTransceivers().flatMap(({ mid, receiver }) => {
      const slot = this.#slots.get(mid ?? '');
      if (!mid || !slot?.source || !slot.kind.endsWith('_down') || !receiver.track) return [];
      const kind = /** @type {'video' | 'audio'} */ (receiver.track.kind);
      const key = `${slot.source} ${slot.kind}`;
      return [{ key, kind, mid, participant: slot.source, track: receiver.track }];
    });
  }

  /** Keys of the remote tracks in which media flows. @returns {Set<string>} */
  flows() {
    const flowing = this.remoteTracks().filter(({ track }) => !track.muted);
    return new Set(flowing.map(({ key }) => key));
  }

  /**
   * Returns when media flows in all tracks of `keys`, at most after `ms`.
   * @param {Set<string>} keys
   * @param {number} ms
   */
  async flowing(keys, ms) {
    const silent = this.remoteTracks().filter(({ key, track }) => keys.has(key) && track.muted);
    if (silent.length === 0) return;
    const unmuted = silent.map(
      ({ track }) =>
        new Promise((resolve) => track.addEventListener('unmute', resolve, { once: true })),
    );
    const limit = new Promise((resolve) => this.#environment.setTimeout(() => resolve(null), ms));
    await Promise.race([Promise.all(unmuted), limit]);
  }

  /** Asks whether anything still arrives; reports trouble if not. Harmless at any time. */
  check() {
    if (this.#pc.connectionState !== 'connected') this.#onTrouble('network');
  }

  /** @returns {Promise<RTCStatsReport>} */
  getStats() {
    return this.#pc.getStats();
  }

  /** Ends it. Repeating it is harmless. */
  close() {
    if (this.#closed) return;
    this.#closed = true;
    this.#environment.clearTimeout(this.#timer);
    this.#environment.clearTimeout(this.#pulseTimer);
    const pc = this.#pc;
    pc.ontrack = pc.ondatachannel = pc.onconnectionstatechange = null;
    pc.close();
  }

  /** @param {RTCRtpTransceiver} transceiver */
  async #shape({ sender, mid }) {
    if (this.#closed) return;
    await shapeLayers(sender, askedLayers(this.offer.sdp, mid), this.#several);
  }

  #upward() {
    return this.#pc.getTransceivers().flatMap((transceiver) => {
      const slot = this.#slots.get(transceiver.mid ?? '');
      // A screen has its own slot, never the camera's; nothing publishes to it yet.
      const kind = slot && /^(video|audio|screen)_up$/.exec(slot.kind)?.[1];
      return kind ? [{ kind, transceiver }] : [];
    });
  }

  #tellLines() {
    if (this.#closed || !this.wasConnected || this.#lines === undefined) return;
    if (!this.#control) {
      this.#control = this.#pc.createDataChannel(CONTROL_CHANNEL);
      this.#control.onopen = () => this.#tellLines();
    }
    if (this.#control.readyState !== 'open') return;
    this.#control.send(JSON.stringify({ max_height: this.#lines }));
  }

  #onState() {
    if (this.#closed) return;
    const { clearTimeout, setTimeout } = this.#environment;
    const state = this.#pc.connectionState;
    if (state === 'connected') {
      clearTimeout(this.#timer);
      this.#trouble = false;
      this.wasConnected = true;
      this.#pulse = null;
      this.#watchPulse();
      this.#tellLines();
      this.#reports.onConnected();
    } else if (state === 'disconnected') {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#onTrouble('failed'), DISCONNECTED_MS);
    } else if (state === 'failed' || state === 'closed') {
      this.#onTrouble('failed');
    }
  }

  /** @param {'failed' | 'network'} reason */
  #onTrouble(reason) {
    if (this.#closed || this.#trouble) return;
    this.#trouble = true;
    this.#environment.clearTimeout(this.#timer);
    this.#reports.onTrouble(reason);
  }

  #watchPulse() {
    this.#environment.clearTimeout(this.#pulseTimer);
    this.#pulseTimer = this.#environment.setTimeout(async () => {
      const report = await this.#pc.getStats().catch(() => null);
      if (this.#closed) return;
      if (report) this.#feel(readPulse(report));
      this.#watchPulse();
    }, PULSE_EVERY_MS);
  }

  /**
   * ICE takes up to half a minute to call a silent path `failed`; media that stops tells sooner.
   * @param {import('./stats.js').Pulse | null} pulse
   */
  #feel(pulse) {
    const now = this.#environment.now();
    const former = this.#pulse;
    if (!pulse) return;
    if (!former || former.received !== pulse.received || now - former.looked > ASLEEP_MS) {
      this.#pulse = { received: pulse.received, since: now, looked: now };
      if (former && former.received !== pulse.received) this.#healed();
      return;
    }
    former.looked = now;
    if (now - former.since >= pulse.limitMs) this.#onTrouble('failed');
  }

  #healed() {
    if (!this.#trouble || this.#pc.connectionState !== 'connected') return;
    this.#trouble = false;
    this.#reports.onConnected();
  }
}
