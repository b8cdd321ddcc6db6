/** What this browser is, as far as words and ways on depend on it. */

/** @typedef {'ios' | 'android' | 'desktop'} Platform */
/** @typedef {'inapp' | 'insecure' | 'old'} Obstacle */

/** Marks that apps put into the name of the browser they show pages in. */
const APPS = /FBAN|FBAV|FB_IAB|Instagram|Line\/|MicroMessenger|Snapchat|TikTok|musical_ly|BytedanceWebview|LinkedInApp|Twitter|Pinterest|; wv\)/;

/** @returns {Platform} */
export function platform() {
  const agent = navigator.userAgent;
  if (/iPhone|iPad|iPod/.test(agent)) return 'ios';
  // An iPad asks for desktop pages by calling itself a Mac.
  if (/Macintosh/.test(agent) && navigator.maxTouchPoints > 1) return 'ios';
  return /Android/.test(agent) ? 'android' : 'desktop';
}

/** Whether the page is shown inside another app. */
export const insideApp = () => APPS.test(navigator.userAgent);

/**
 * What makes the camera impossible here, known before anything is asked of the customer.
 * @returns {Obstacle | null}
 */
export function obstacle() {
  if (!window.isSecureContext) return 'insecure';
  const camera = typeof navigator.mediaDevices?.getUserMedia === 'function';
  if (!camera && insideApp()) return 'inapp';
  const media = typeof RTCPeerConnection === 'function' && typeof RTCRtpTransceiver === 'function';
  return camera && media && crypto.subtle ? null : 'old';
}
