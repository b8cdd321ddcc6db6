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

function show(stream) {
  const known = document.querySelector('video');
  const video = known ?? document.createElement('video');
  Object.assign(video, { autoplay: true, muted: true, playsInline: true, srcObject: stream });
  if (!known) document.querySelector('#videos').append(video);
  video.play().catch(() => {});
}
