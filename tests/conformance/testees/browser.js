// The page of the browser's testee: verbs of the runner become calls of the HTML5 SDK, its events lines
// for the runner. Loaded by browser.mjs.

import { Participant } from '/sdk/index.js';

/** Signals on their way: settled by the runner's `sent` and `failed`. */
const carried = new Map();
let lastSignal = 0;
let participant;
/** The worker that frames pass, where the runner wants one. @type {Worker | null} */
let worker = null;
/** What the page says to each who hears it. @type {string | null} */
let greeting = null;
/** What the page does in which event. */
let whim = { on: '', does: '', ms: 0, times: Infinity };
/** The event that said `closed` or `failed` has come; and what came after it. */
let over = false;
let late = 0;
let thrown = 0;

const say = (event, detail) => globalThis.say({ event, ...detail });

class RunnersNetwork extends EventTarget {
  send(signal) {
    const id = ++lastSignal;
    called('signal');
    say('signal', { signal_id: id, signal });
    return new Promise((resolve, reject) => carried.set(id, { resolve, reject }));
  }
}

const network = new RunnersNetwork();

const EVENTS = {
  statechange: ({ state, code }) => {
    say('state', { state, code });
    called('state');
    over = state === 'closed' || state === 'failed';
  },
  generation: (detail) => say('generation', detail),
  talkready: (detail) => {
    say('talk_ready', detail);
    if (greeting !== null) participant.sendChat(greeting);
  },
  chat: (detail) => {
    say('chat', detail);
    called('chat');
  },
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
  begin: ({ transform: turns }) => {
    worker = turns ? new Worker('/transform.js') : null;
    const transform = worker ? { worker } : undefined;
    const stages = { senderTransform: transform, receiverTransform: transform };
    participant = new Participant({ network, ...stages });
    [greeting, whim, over, late, thrown] = [null, { on: '', does: '', ms: 0, times: 0 }, false, 0, 0];
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
  state: () => ({ state: participant.state, generation: participant.generation, id: participant.id }),
  greet: ({ text }) => void (greeting = text),
  host: ({ on, does, ms = 0, times = Infinity }) => void (whim = { on, does, ms, times }),
  // The page pushes no frames and is given none: how many there were, only the worker knows.
  transformed: async () => {
    const { sender, receiver } = await new Promise((resolve) => {
      worker?.addEventListener('message', ({ data }) => resolve(data), { once: true });
      worker?.postMessage({ type: 'count' });
    });
    return { sent: sender, received: receiver };
  },
  stats: async () => {
    const { framesDecoded } = await participant.stats();
    return { frames_delivered: framesDecoded };
  },
  // Browsers hear of it by themselves.
  network_changed: () => {},
  ended: () => ({ late, thrown }),
  stale: async () => {
    participant.close();
    const calls = [
      () => participant.sendChat('late'),
      () => participant.sendCommand({ command: 'snapshot' }),
      () => participant.sendAnnotation({ id: 1, shape: 'point', points: [[0.5, 0.5]] }),
      () => participant.clearAnnotations(),
      () => participant.replyCommand(1, 'done'),
      () => participant.unpublish('video'),
    ];
    let done = 0;
    for (const call of calls) {
      const name = await Promise.resolve()
        .then(call)
        .then(() => 'done', (error) => error.name);
      if (name !== 'InvalidStateError') done += 1;
    }
    return { calls: calls.length, done };
  },
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

/** At the end of each event. */
function called(event) {
  if (over) late += 1;
  if (whim.on !== event || whim.times === 0) return;
  whim.times -= 1;
  if (whim.does === 'sleep') {
    const until = performance.now() + whim.ms;
    // A page that is busy.
    while (performance.now() < until);
  }
  if (whim.does === 'close') participant.close();
  if (whim.does === 'throw') {
    thrown += 1;
    throw new Error('on request');
  }
}

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
