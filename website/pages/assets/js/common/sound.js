/**
 * Plays the voices of a session: one audio element per track, outside the picture, so that the
 * picture may start by itself where sound needs a gesture. Event: `change`.
 */

export class Sound extends EventTarget {
  constructor() {
    super();
    /** @type {Map<MediaStreamTrack, HTMLAudioElement>} */
    this.players = new Map();
    this.on = true;
    /** Whether the browser wants a tap before it plays. */
    this.blocked = false;
  }

  /** @param {MediaStreamTrack} track */
  add(track) {
    if (this.players.has(track)) return;
    const player = new Audio();
    player.srcObject = new MediaStream([track]);
    player.muted = !this.on;
    this.players.set(track, player);
    track.addEventListener('ended', () => this.remove(track), { once: true });
    void this.#play(player);
  }

  /** @param {MediaStreamTrack} track */
  remove(track) {
    const player = this.players.get(track);
    if (!player) return;
    player.pause();
    player.srcObject = null;
    this.players.delete(track);
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    for (const player of this.players.values()) player.muted = !on;
    if (on) this.unblock();
    this.dispatchEvent(new Event('change'));
  }

  /** Tries again to play: call it from a tap or click. */
  unblock() {
    this.blocked = false;
    for (const player of this.players.values()) void this.#play(player);
    this.dispatchEvent(new Event('change'));
  }

  stop() {
    for (const track of [...this.players.keys()]) this.remove(track);
  }

  /** @param {HTMLAudioElement} player */
  async #play(player) {
    try {
      await player.play();
    } catch (error) {
      // AbortError is a player that was stopped before it began: nothing to ask a tap for.
      if (!(error instanceof DOMException) || error.name !== 'NotAllowedError') return;
      this.blocked = true;
      this.dispatchEvent(new Event('change'));
    }
  }
}
