// The page of the browser's testee: verbs of the runner become calls of the HTML5 SDK, its events lines
// for the runner. Loaded by browser.mjs.

import { Participant } from '/sdk/index.js';

/** Signals on their way: settled by the runner's `sent` and `failed`. */
const carried = new Map();
let lastSignal = 0;
let participant;

const say = (event, detail) => globalThis.say({ event, ...detail });

class RunnersNetwork extends EventTarget {
  send(signal) {
    const id = ++lastSignal;
    say('signal', { signal_id: id, signal });
    return new Promise((resolve, reject) => carried.set(id, { resolve, reject }));
  }
}

const network = new RunnersNetwork();

const EVENTS = {
  statechange: ({ state, code }) => say('state', { state, code }),
  generation: (detail) => say('generation', detail),
  chat: (detail) => say('chat', detail),
  annotation: (detail) => say('annotation', detail),
  annotationclear: (detail) => say('annotation_clear', detail),
  track: ({ kind, stream }) => kind === 'video' && show(stream),
  // As every testee: a lamp, no wish to be seen closely, nothing else.
  command: ({ id, from, command }) => {
    say('command', { from, command });
    participant.replyCommand(id, { torch: 'done', zoom: 'refused' }[command.command] ?? 'unsupported');
  },
};

const VERBS = {
  begin: () => {
    participant = new Participant({ network });
    for (const [type, heard] of Object.entries(EVENTS)) {
      participant.addEventListener(type, ({ detail }) => heard(detail));
    }
  },
  receive: ({ signal }) => network.dispatchEvent(new CustomEvent('signal', { detail: signal })),
  sent: ({ signal_id: id }) => carried.get(id)?.resolve(),
  failed: ({ signal_id: id }) => carried.get(id)?.reject(new Error('not carried')),
  publish: async () => {
    const video = { width: 640, height: 480, frameRate: 30 };
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    await participant.publish(stream.getVideoTracks()[0]);
  },
  unpublish: () => participant.unpublish('video'),
  chat: ({ text }) => ({ id: participant.sendChat(text) }),
  // The answer comes as an event, as on the faces that have no promises; a refusal of the SDK's own
  // is there at once.
  command: async ({ command }) => {
    let refused = null;
    participant.sendCommand(command).then(
      (outcome) => say('command_reply', { outcome }),
      (error) => (refused = error),
    );
    await new Promise((resolve) => setTimeout(resolve));
    if (refused) throw refused;
  },
  annotate: ({ annotation }) => participant.sendAnnotation(annotation),
  clear: ({ annotation }) => participant.clearAnnotations(annotation),
  state: () => ({ state: participant.state, generation: participant.generation }),
  // What a page can count of itself: its connections, each of which has the browser's threads and sockets.
  cycle: async ({ times }) => {
    const { sdp, ...offer } = await emptyOffer();
    let open = 0;
    // Each scenario has a page of its own: nobody else meets this.
    globalThis.RTCPeerConnection = new Proxy(RTCPeerConnection, {
      construct(target, given) {
        const connection = new target(...given);
        open += 1;
        const close = connection.close.bind(connection);
        connection.close = () => {
          open -= 1;
          close();
        };
        return connection;
      },
    });
    for (let time = 0; time < times; time += 1) {
      const one = new Participant({ network });
      one.receive({ ...offer, sdp });
      const made = one.state === 'connecting';
      one.close();
      if (!made) throw new Error(`participant ${time} could not be made`);
      if (time % 100 === 99) await collected();
    }
    return { left: { participants: open, threads: 0, descriptors: 0 } };
  },
  close: () => participant.close(),
  finish: () => participant.close(),
};

globalThis.testee = async (verb, words) => {
  if (!Object.hasOwn(VERBS, verb)) return { error: 'unsupported' };
  try {
    return { ok: (await VERBS[verb](words)) ?? {} };
  } catch (error) {
    const code = { InvalidStateError: 'closed', RangeError: 'invalid_argument' }[error.name] ?? error.code;
    return { error: code ?? 'internal', detail: error.message };
  }
};

/** Closed connections count in Chromium until they are collected, and 500 are allowed. */
async function collected() {
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    globalThis['gc']();
  }
}

async function emptyOffer() {
  const offerer = new RTCPeerConnection();
  offerer.addTransceiver('video', { direction: 'sendonly' });
  const { sdp } = await offerer.createOffer();
  offerer.close();
  return { conference: 'c', participant: 'p', generation: 1, negotiation_id: 1, sdp };
}

function show(stream) {
  const known = document.querySelector('video');
  const video = known ?? document.createElement('video');
  Object.assign(video, { autoplay: true, muted: true, playsInline: true, srcObject: stream });
  if (!known) document.querySelector('#videos').append(video);
  video.play().catch(() => {});
}
