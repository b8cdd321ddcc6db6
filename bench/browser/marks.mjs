// Notes in a page when each step of a connection is reached. Runs first in each document and
// stands alone. `globalThis.__marks` holds milliseconds since 1970 by name; the first time counts.

/** Runs first in each document. */
export function rememberMarks() {
  const now = () => performance.timeOrigin + performance.now();
  globalThis.__marks = {};
  globalThis.__mark = (name, at = now()) => {
    globalThis.__marks[name] ??= at;
  };
  const mark = globalThis.__mark;

  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Original {
    constructor(configuration) {
      super(configuration);
      mark('connection made');
      this.addEventListener('iceconnectionstatechange', () => {
        if (/^(connected|completed)$/.test(this.iceConnectionState)) mark('ICE connected');
      });
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected') mark('connected');
      });
      this.addEventListener('track', ({ track }) => {
        // Chromium unmutes a track when its first packet comes.
        if (track.kind === 'video') track.addEventListener('unmute', () => mark('first packet'));
      });
    }

    async setRemoteDescription(description) {
      mark('offer taken');
      await super.setRemoteDescription(description);
      mark('offer applied');
    }

    async setLocalDescription(description) {
      await super.setLocalDescription(description);
      mark('answer made');
      const transport = this.getTransceivers()[0]?.receiver.transport;
      transport?.addEventListener('statechange', () => {
        if (transport.state === 'connected') mark('DTLS done');
      });
    }
  };

  const fetched = globalThis.fetch;
  globalThis.fetch = async (resource, options) => {
    const response = await fetched(resource, options);
    if (options?.method === 'PUT' && String(resource).endsWith('/answer')) mark('answer taken');
    return response;
  };

  const isShown = (video) => video.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const untilShown = (video) => {
    if (isShown(video)) mark('first frame shown');
    else requestAnimationFrame(() => untilShown(video));
  };
  const seen = new WeakSet();
  const watch = (video) => {
    if (seen.has(video)) return;
    seen.add(video);
    const onFrame = (_, { receiveTime, processingDuration }) => {
      mark('first frame');
      if (receiveTime) mark('first frame received', performance.timeOrigin + receiveTime);
      globalThis.__marks.decodeMs ??= processingDuration * 1_000;
      untilShown(video);
    };
    video.requestVideoFrameCallback(onFrame);
  };
  const find = () => document.querySelectorAll('video').forEach(watch);
  document.addEventListener('DOMContentLoaded', find);
  new MutationObserver(find).observe(document, { childList: true, subtree: true });

  // When a person pressed a button, by its words.
  document.addEventListener(
    'click',
    (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      const words = button?.textContent?.trim().split(/\s+/)[0];
      if (words) mark(`pressed ${words}`, performance.timeOrigin + event.timeStamp);
    },
    true,
  );

  /** Forgets all marks, and watches the videos that are there anew. */
  globalThis.__forgetMarks = () => {
    globalThis.__marks = {};
    document.querySelectorAll('video').forEach((video) => {
      seen.delete(video);
      watch(video);
    });
  };
}

/**
 * Waits until `name` is marked, and returns all marks.
 * @param {any} page puppeteer's
 * @param {string} name
 * @param {number} [limitMs]
 * @returns {Promise<Record<string, number>>}
 */
export async function marksUntil(page, name, limitMs = 10_000) {
  const limit = { polling: 20, timeout: limitMs };
  const reached = page.waitForFunction((wanted) => wanted in globalThis.__marks, limit, name);
  await reached.catch(async () => {
    const marks = Object.keys(await page.evaluate(() => globalThis.__marks));
    throw new Error(`no "${name}" within ${limitMs} ms; there was: ${marks.join(', ')}`);
  });
  return page.evaluate(() => globalThis.__marks);
}
