// Stands in for the SDK in the tests of page states: no network, no media engine. The test tells it
// what the server and the other side do, through `globalThis.lensStage`.

const clients = [];
const participants = [];

globalThis.lensStage = {
  sent: [],
  signal: (signal) => emit(clients, 'signal', signal),
  signalling: (state, reason) => emit(clients, 'state', { state, reason }),
  media(state, code) {
    for (const participant of participants) participant.state = state;
    emit(participants, 'statechange', { state, code });
  },
  track(kind, track) {
    const stream = new MediaStream([track]);
    emit(participants, 'track', { kind, track, stream, participant: 'p-camera', mid: '0' });
  },
  stats: {},
  published: () => participants.map((participant) => Object.keys(participant.tracks)),
};

function emit(targets, type, detail) {
  for (const target of targets) target.dispatchEvent(new CustomEvent(type, { detail }));
}

export class SignalingClient extends EventTarget {
  channel = 'stage-channel-0001';

  constructor() {
    super();
    clients.push(this);
  }

  open() {
    const state = globalThis.lensSignalling ?? 'open';
    queueMicrotask(() => this.dispatchEvent(new CustomEvent('state', { detail: { state } })));
  }

  async send(signal) {
    globalThis.lensStage.sent.push(signal);
  }

  networkFor() {
    return this;
  }

  close() {
    clients.splice(clients.indexOf(this), 1);
  }
}

export class Participant extends EventTarget {
  state = 'new';
  tracks = {};

  constructor() {
    super();
    participants.push(this);
  }

  receive() {
    this.state = 'connecting';
    this.dispatchEvent(new CustomEvent('statechange', { detail: { state: 'connecting' } }));
  }

  requestOffer() {}

  setPictureSize() {}

  async publish(track) {
    this.tracks[track.kind] = track;
  }

  async unpublish(kind) {
    delete this.tracks[kind];
  }

  async stats() {
    return globalThis.lensStage.stats;
  }

  close() {
    this.state = 'closed';
    participants.splice(participants.indexOf(this), 1);
  }
}
