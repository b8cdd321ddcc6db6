// An integrator's page, as small as it gets: the HTML5 SDK over the HTTP API, without our pages and
// without our signalling. It answers offers by PUT with its media token, from another origin.

import { Participant } from '/sdk/index.js';
import { BITS, BLACK, HEIGHT, LAYOUT, WHITE, WIDTH, isWhite } from '/picture.mjs';

/** Carries a participant's signals by the HTTP API. */
class HttpNetwork extends EventTarget {
  constructor(base) {
    super();
    this.base = base;
    this.token = '';
  }

  /** Offers come with the right to answer them. */
  authorise(offer) {
    this.token = offer.media_token ?? this.token;
  }

  async send(signal) {
    if (signal.kind !== 'answer') return;
    const { conference, participant, generation, negotiation_id, sdp } = signal;
    const url = `${this.base}/v1/conferences/${conference}/participants/${participant}/answer`;
    const response = await fetch(url, {
      method: 'PUT',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ generation, negotiation_id, sdp }),
    });
    if (!response.ok) throw new Error(`the answer was refused: ${await response.text()}`);
  }
}

let network;
let participant;
const tracks = [];
const states = [];
const ears = [];
const heard = [];

const harness = {
  /** Makes the participant. */
  begin(base) {
    network = new HttpNetwork(base);
    participant = new Participant({ network });
    participant.addEventListener('statechange', (event) => {
      states.push({ at: Date.now(), ...event.detail });
    });
    participant.addEventListener('track', (event) => show(event.detail));
    for (const type of ['chat', 'command', 'annotation', 'annotationclear']) {
      participant.addEventListener(type, ({ detail }) => heard.push({ type, ...detail }));
    }
    // A customer with a lamp and no wish to be seen closely.
    participant.addEventListener('command', ({ detail: { id, command } }) => {
      participant.replyCommand(id, { torch: 'done', zoom: 'refused' }[command.command] ?? 'unsupported');
    });
  },

  /** Gives it an offer; later ones are new generations. */
  receive(offer) {
    network.authorise(offer);
    participant.receive(offer);
  },

  /** A roster, as signalling would bring it. */
  signal(signal) {
    network.dispatchEvent(new CustomEvent('signal', { detail: signal }));
  },

  async publishCamera() {
    const video = { width: 640, height: 480, frameRate: 30 };
    const stream = await navigator.mediaDevices.getUserMedia({ video });
    await participant.publish(stream.getVideoTracks()[0]);
  },

  /** Publishes the counted picture from a canvas: for browsers without a camera file. */
  async publishCanvas(framesPerSecond) {
    await participant.publish(countedCanvas(framesPerSecond).getVideoTracks()[0]);
  },

  /** Publishes a voice of one frequency. */
  async publishTone(hertz) {
    const context = new AudioContext();
    const oscillator = new OscillatorNode(context, { frequency: hertz });
    const destination = new MediaStreamAudioDestinationNode(context);
    oscillator.connect(destination);
    oscillator.start();
    await context.resume();
    await participant.publish(destination.stream.getAudioTracks()[0]);
  },

  /** Publishes the browser's own (fake) microphone. */
  async publishMicrophone() {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    await participant.publish(stream.getAudioTracks()[0]);
  },

  chat: (text) => participant.sendChat(text),
  ask: (command) => participant.sendCommand(command),
  annotate: (annotation) => participant.sendAnnotation(annotation),
  clear: (id) => participant.clearAnnotations(id),
  heard: () => heard,
  /** Says in how many lines the picture is shown. */
  setPictureSize: (size) => participant.setPictureSize(size),

  unpublish: (kind) => participant.unpublish(kind),
  stats: () => participant.stats(),
  state: () => participant.state,
  states: () => states,
  tracks: () => tracks.map(({ kind, mid, participant: from }) => ({ kind, mid, participant: from })),
  close: () => participant.close(),

  /** The loudest frequency now of each voice that is heard, with its level in decibels. */
  hears() {
    return ears.map(({ analyser }) => {
      const levels = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(levels);
      const loudest = levels.reduce((best, level, i) => (level > levels[best] ? i : best), 0);
      const hertz = (loudest * analyser.context.sampleRate) / analyser.fftSize;
      return { hertz: Math.round(hertz), decibels: Math.round(levels[loudest]) };
    });
  },
};
globalThis.harness = harness;

function show({ kind, track, mid, participant: from }) {
  tracks.push({ kind, mid, participant: from });
  const element = document.createElement(kind);
  element.autoplay = true;
  element.muted = true;
  element.playsInline = true;
  element.srcObject = new MediaStream([track]);
  document.querySelector('#videos').append(element);
  element.play().catch(() => {});
  if (kind === 'audio') ears.push(listen(element.srcObject));
}

function listen(stream) {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 4096, smoothingTimeConstant: 0.2 });
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(analyser);
  context.resume();
  return { analyser };
}

function countedCanvas(framesPerSecond) {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  const context = canvas.getContext('2d');
  let number = 0;
  const draw = () => {
    context.fillStyle = 'rgb(96, 96, 96)';
    context.fillRect(0, 0, WIDTH, HEIGHT);
    for (let row = 0; row < 3; row += 1) {
      for (let column = 0; column < BITS; column += 1) {
        const level = isWhite(number, row, column) ? WHITE : BLACK;
        context.fillStyle = `rgb(${level}, ${level}, ${level})`;
        context.fillRect(
          (LAYOUT.left + column * LAYOUT.block) * WIDTH,
          (LAYOUT.top + row * LAYOUT.row) * HEIGHT,
          LAYOUT.block * WIDTH,
          LAYOUT.row * HEIGHT,
        );
      }
    }
    number = (number + 1) % 65_536;
  };
  draw();
  setInterval(draw, 1000 / framesPerSecond);
  return canvas.captureStream(framesPerSecond);
}
