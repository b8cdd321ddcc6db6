/**
 * The customer's own camera and microphone. Nothing here sends: it opens, cuts and watches.
 * Events: `change` (a track came, went, was muted by the system), `ended` (the camera stopped by
 * itself).
 */

/** @typedef {'denied' | 'none' | 'busy' | 'other'} CaptureProblem */
/** @typedef {'front' | 'back'} Facing */

const PICTURE = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const VOICE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Why the camera could not be opened. */
export class CaptureFailed extends Error {
  /** @param {CaptureProblem} problem */
  constructor(problem) {
    super(problem);
    this.problem = problem;
  }
}

export class Capture extends EventTarget {
  constructor() {
    super();
    /** @type {MediaStreamTrack | null} */
    this.video = null;
    /** @type {MediaStreamTrack | null} */
    this.audio = null;
    /** What the own preview shows. */
    this.stream = new MediaStream();
    /** @type {Facing | null} */
    this.facing = null;
    this.canFlip = false;
    /** Whether a voice was wanted and could not be had. */
    this.voiceRefused = false;
    /** Raised by each cut: a permission answered after it opens nothing. */
    this.turn = 0;
  }

  /** Whether the system took camera or microphone away for a while, as in a phone call. */
  get interrupted() {
    return Boolean(this.video?.muted || this.audio?.muted);
  }

  /**
   * Opens the camera, and the microphone when `voice`. A refused microphone does not cost the
   * camera. Rejects with {@link CaptureFailed}.
   * @param {boolean} voice
   */
  async open(voice) {
    this.cut();
    const turn = this.turn;
    const picture = { ...PICTURE, facingMode: { ideal: 'environment' } };
    const stream = await this.#ask(picture, voice);
    if (turn !== this.turn) {
      for (const track of stream.getTracks()) track.stop();
      throw new CaptureFailed('other');
    }
    this.#takeVideo(stream.getVideoTracks()[0] ?? null);
    this.#takeAudio(stream.getAudioTracks()[0] ?? null);
    this.voiceRefused = voice && !this.audio;
    this.canFlip = await severalCameras();
    this.#changed();
  }

  /**
   * @param {MediaTrackConstraints} picture
   * @param {boolean} voice
   */
  async #ask(picture, voice) {
    try {
      return await navigator.mediaDevices.getUserMedia({ video: picture, audio: voice ? VOICE : false });
    } catch (error) {
      if (!voice || (await isBlocked('camera'))) throw new CaptureFailed(problemOf(error));
    }
    try {
      return await navigator.mediaDevices.getUserMedia({ video: picture, audio: false });
    } catch (error) {
      throw new CaptureFailed(problemOf(error));
    }
  }

  /** Changes to the camera on the phone's other side; keeps the present one when there is none. */
  async flip() {
    const wanted = this.facing === 'front' ? 'environment' : 'user';
    const turn = this.turn;
    const former = this.video;
    const formerId = former?.getSettings().deviceId;
    // Phones open one camera at a time: the present one must go first.
    this.#dropVideo();
    /** @type {MediaStream} */
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { ...PICTURE, facingMode: { exact: wanted } } });
    } catch {
      const other = await anotherCamera(formerId);
      const device = other ?? formerId;
      stream = await navigator.mediaDevices
        .getUserMedia({ video: { ...PICTURE, ...(device ? { deviceId: { exact: device } } : {}) } })
        .catch((error) => {
          throw new CaptureFailed(problemOf(error));
        });
    }
    if (turn !== this.turn) {
      for (const track of stream.getTracks()) track.stop();
      return;
    }
    this.#takeVideo(stream.getVideoTracks()[0] ?? null);
    this.#changed();
  }

  /** Cuts camera and microphone at once. */
  cut() {
    this.turn += 1;
    this.#dropVideo();
    this.audio?.stop();
    this.audio = null;
    this.#changed();
  }

  #dropVideo() {
    if (!this.video) return;
    this.video.onended = null;
    this.video.stop();
    this.stream.removeTrack(this.video);
    this.video = null;
  }

  /** @param {MediaStreamTrack | null} track */
  #takeVideo(track) {
    this.video = track;
    if (!track) return;
    const seen = track.getSettings().facingMode;
    this.facing = seen === 'user' ? 'front' : seen === 'environment' ? 'back' : null;
    this.stream.addTrack(track);
    track.onmute = track.onunmute = () => this.#changed();
    track.onended = () => {
      if (this.video !== track) return;
      this.#dropVideo();
      this.dispatchEvent(new Event('ended'));
    };
  }

  /** @param {MediaStreamTrack | null} track */
  #takeAudio(track) {
    this.audio = track;
    if (track) track.onmute = track.onunmute = track.onended = () => this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/**
 * @param {unknown} error
 * @returns {CaptureProblem}
 */
function problemOf(error) {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied';
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'none';
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy';
  return 'other';
}

/** @param {'camera' | 'microphone'} what */
async function isBlocked(what) {
  try {
    const status = await navigator.permissions.query({ name: /** @type {PermissionName} */ (what) });
    return status.state === 'denied';
  } catch {
    return false;
  }
}

async function cameras() {
  const devices = await navigator.mediaDevices.enumerateDevices().catch(() => []);
  return devices.filter((device) => device.kind === 'videoinput');
}

const severalCameras = async () => (await cameras()).length > 1;

/** @param {string | undefined} than */
async function anotherCamera(than) {
  return (await cameras()).find((device) => device.deviceId && device.deviceId !== than)?.deviceId;
}
