/** An RTCPeerConnection without media: its SDP is the list of the offer's slots. */

class FakeTrack extends EventTarget {
  muted = true;
  readyState = 'live';
  constructor(kind) {
    super();
    this.kind = kind;
  }
  unmute() {
    this.muted = false;
    this.dispatchEvent(new Event('unmute'));
  }
  stop() {
    this.readyState = 'ended';
  }
}

export const track = (kind) => new FakeTrack(kind);

export class FakeStream {
  tracks = new Set();
  addTrack(added) {
    this.tracks.add(added);
  }
  removeTrack(removed) {
    this.tracks.delete(removed);
  }
  getTracks() {
    return [...this.tracks];
  }
}

/** A data channel whose network the test is. */
export class FakeChannel extends EventTarget {
  label = 'lens';
  readyState = 'connecting';
  bufferedAmount = 0;
  sent = [];
  /** Kept apart: what a channel says when it opens, and its answers to that. */
  hellos = [];
  send(text) {
    if (this.readyState !== 'open') throw new DOMException('not open', 'InvalidStateError');
    const message = JSON.parse(text);
    (message.kind === 'hello' ? this.hellos : this.sent).push(message);
  }
  // --- the test's side
  opens() {
    this.readyState = 'open';
    this.dispatchEvent(new Event('open'));
  }
  drains() {
    this.bufferedAmount = 0;
    this.dispatchEvent(new Event('bufferedamountlow'));
  }
  brings(message) {
    const data = typeof message === 'string' ? message : JSON.stringify({ v: 1, from: 'them', ...message });
    this.dispatchEvent(new MessageEvent('message', { data }));
  }
}

export function fakePeers() {
  const peers = [];
  class FakePeerConnection {
    connectionState = 'new';
    received = 0;
    opened = [];
    #transceivers = [];
    constructor(configuration) {
      this.configuration = configuration;
      peers.push(this);
    }
    async setRemoteDescription({ sdp }) {
      if (sdp === 'bad') throw new TypeError('no');
      await null;
      if (this.connectionState === 'closed') throw new DOMException('closed', 'InvalidStateError');
      for (const { mid, kind } of JSON.parse(sdp)) {
        const media = kind.startsWith('audio') ? 'audio' : 'video';
        const sender = { track: null, replaceTrack: async (next) => void (sender.track = next) };
        const receiver = { track: new FakeTrack(media) };
        const transceiver = { mid, sender, receiver, direction: 'recvonly', kind };
        this.#transceivers.push(transceiver);
        if (kind.endsWith('_down')) this.ontrack?.({ transceiver, receiver, track: receiver.track });
      }
    }
    getTransceivers() {
      return this.#transceivers;
    }
    async createAnswer() {
      return { type: 'answer', sdp: this.#transceivers.map(({ mid, direction }) => `${mid}:${direction}`).join(' ') };
    }
    async setLocalDescription(answer) {
      this.localDescription = answer;
    }
    createDataChannel(label) {
      const channel = { label, readyState: 'connecting', said: [], send: (text) => void channel.said.push(text) };
      this.opened.push(channel);
      return channel;
    }
    async getStats() {
      const pair = { id: 'p', type: 'candidate-pair', nominated: true, bytesReceived: this.received, responsesReceived: 0 };
      return new Map([['p', pair]]);
    }
    close() {
      this.connectionState = 'closed';
    }
    // --- the test's side
    turns(state) {
      this.connectionState = state;
      this.onconnectionstatechange?.();
    }
    slot(mid) {
      return this.#transceivers.find((transceiver) => transceiver.mid === mid);
    }
  }
  return { RTCPeerConnection: FakePeerConnection, peers };
}
