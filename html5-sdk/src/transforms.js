// @ts-check
/**
 * The stage each encoded frame passes between codec and network: identity by default. End-to-end
 * encryption will live there; so an asked-for transform that cannot be had is an error, never
 * silently left out.
 *
 * A transform is a worker and what it is told. In the worker:
 *
 * ```js
 * onrtctransform = ({ transformer: { readable, writable, options } }) => …pipe…
 * ```
 *
 * Browsers without `RTCRtpScriptTransform` but with Chromium's older `createEncodedStreams` post
 * the same `{ readable, writable, options }` to the worker as a message with `type:
 * 'rtctransform'`. Others have no such stage; there a transform is a `NotSupportedError`.
 *
 * @typedef {{ worker: Worker, options?: Record<string, unknown> }} FrameTransform
 */

/** @returns {'script' | 'streams' | 'none'} what this browser has */
export function transformSupport() {
  if ('RTCRtpScriptTransform' in globalThis) return 'script';
  const sender = globalThis.RTCRtpSender?.prototype;
  return sender && 'createEncodedStreams' in sender ? 'streams' : 'none';
}

/**
 * @param {(FrameTransform | undefined)[]} transforms
 * @throws {DOMException} NotSupportedError
 */
export function requireTransforms(transforms) {
  if (transforms.some(Boolean) && transformSupport() === 'none') {
    throw new DOMException('this browser has no frame transforms', 'NotSupportedError');
  }
}

/**
 * What the RTCPeerConnection has to be told before.
 * @param {(FrameTransform | undefined)[]} transforms
 * @returns {object}
 */
export function transformConfiguration(transforms) {
  const streams = transforms.some(Boolean) && transformSupport() === 'streams';
  return streams ? { encodedInsertableStreams: true } : {};
}

/**
 * @param {RTCRtpSender | RTCRtpReceiver} end
 * @param {FrameTransform | undefined} transform
 * @param {object} context what the worker learns about this end besides its options
 */
export function applyTransform(end, transform, context) {
  if (!transform) return;
  const options = { ...transform.options, ...context };
  if (transformSupport() === 'script') {
    const { RTCRtpScriptTransform } = /** @type {any} */ (globalThis);
    end.transform = new RTCRtpScriptTransform(transform.worker, options);
    return;
  }
  const { readable, writable } = /** @type {any} */ (end).createEncodedStreams();
  const message = { type: 'rtctransform', readable, writable, options };
  transform.worker.postMessage(message, [readable, writable]);
}
