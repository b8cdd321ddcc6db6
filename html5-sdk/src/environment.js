// @ts-check
/**
 * What the SDK takes from the browser, in one place, so that tests can stand in for it.
 *
 * @typedef {object} Environment
 * @property {typeof globalThis.WebSocket} WebSocket
 * @property {typeof globalThis.fetch} fetch
 * @property {typeof globalThis.RTCPeerConnection} RTCPeerConnection
 * @property {typeof globalThis.MediaStream} MediaStream
 * @property {(handler: () => void, ms: number) => any} setTimeout
 * @property {(timer: any) => void} clearTimeout
 * @property {() => number} now milliseconds of a clock that is never set back
 * @property {() => number} random
 * @property {EventTarget | undefined} window
 * @property {EventTarget & { visibilityState?: string } | undefined} document
 * @property {() => boolean} onLine
 */

/**
 * The browser, with what `replaced` names replaced.
 * @param {Partial<Environment>} [replaced]
 * @returns {Environment}
 */
export function environmentWith(replaced = {}) {
  return {
    WebSocket: globalThis.WebSocket,
    // Called as a method of anything but the window, these throw.
    fetch: (...call) => globalThis.fetch(...call),
    RTCPeerConnection: globalThis.RTCPeerConnection,
    MediaStream: globalThis.MediaStream,
    setTimeout: (handler, ms) => globalThis.setTimeout(handler, ms),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    now: () => performance.now(),
    random: () => Math.random(),
    window: globalThis.window,
    document: globalThis.document,
    onLine: () => globalThis.navigator?.onLine !== false,
    ...replaced,
  };
}
