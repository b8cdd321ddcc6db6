/**
 * Plays the voices of a session: one audio element each, outside the picture, so that the picture
 * may start by itself where sound needs a gesture. Event: `change`.
 */

export class Sound extends EventTarget {
  constructor() {
    super();
    /** By whose voice it is. @type {Map<string, HTMLAudioElement>} */
    this.players = new Map();
    this.on = true;
    /** Whether nobody looks at the session now: then nothing is heard of it either. */
    this.away = false;
    /** Whether the browser wants a tap before it plays. */
    this.blocked = false;
  }

  /**
   * @param {string} who
   * @param {MediaStream} stream in which a new connection's track may take the former's place
   */
  add(who, stream) {
    const player = this.players.get(who) ?? new Audio();
    this.players.set(who, player);
    player.muted = !this.on || this.away;
    if (player.srcObject !== stream) player.srcObject = stream;
    void this.#play(player);
  }

  /** @param {string} who */
  remove(who) {
    const player = this.players.get(who);
    if (!player) return;
    player.pause();
    player.srcObject = null;
    this.players.delete(who);
  }

  /** @param {boolean} on */
  turn(on) {
    this.on = on;
    this.#mute();
    if (on) this.unblock();
    this.dispatchEvent(new Event('change'));
  }

  /** @param {boolean} away */
  leave(away) {
    this.away = away;
    this.#mute();
  }

  /** Tries again to play: call it from a tap or click. */
  unblock() {
    this.blocked = false;
    for (const player of this.players.values()) void this.#play(player);
    this.dispatchEvent(new Event('change'));
  }

  stop() {
    for (const who of [...this.players.keys()]) this.remove(who);
  }

  #mute() {
    for (const player of this.players.values()) player.muted = !this.on || this.away;
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
