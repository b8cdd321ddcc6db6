// @ts-check
/**
 * Lens in the browser. Start with `Participant` (media) and `SignalingClient` (the channel to the
 * server); README.md leads to the first frame on one page.
 */

export { Participant } from './participant.js';
export { SignalingClient } from './signaling.js';
export { LensError, ERROR_CODES } from './errors.js';
export { readSessionLink, deriveLinkSecrets } from './link.js';
