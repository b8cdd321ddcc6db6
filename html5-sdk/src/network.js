// @ts-check
/**
 * The `Network` a participant needs: how its signals leave and how signals for it arrive. A host
 * program may bring its own; `SignalingClient.networkFor` gives this one.
 *
 * @typedef {import('./channel.js').Signal} Signal
 *
 * @typedef {object} Network
 * @property {(signal: Signal, options?: { signal?: AbortSignal }) => Promise<void>} send
 *   resolves when the server has it; rejects with a `LensError`. Trying again after a lost
 *   connection is the network's own work; a refusal is reported.
 * @property {(type: 'signal', listener: (event: CustomEvent<Signal>) => void, options?: { signal?:
 *   AbortSignal }) => void} addEventListener
 */

/** One session's part of a channel. */
export class SessionNetwork extends EventTarget {
  #client;
  #session;

  /**
   * @param {import('./signaling.js').SignalingClient} client
   * @param {string | undefined} session
   */
  constructor(client, session) {
    super();
    this.#client = client;
    this.#session = session;
    client.addEventListener('signal', (event) => {
      const signal = /** @type {CustomEvent<Signal>} */ (event).detail;
      // A customer's channel knows one session only and need not name it.
      if (session && signal.session && signal.session !== session) return;
      this.dispatchEvent(new CustomEvent('signal', { detail: signal }));
    });
  }

  /**
   * @param {Signal} signal
   * @param {{ signal?: AbortSignal }} [options]
   * @returns {Promise<void>}
   */
  send(signal, options) {
    const session = this.#session;
    return this.#client.send(session ? { ...signal, session } : signal, options);
  }
}
