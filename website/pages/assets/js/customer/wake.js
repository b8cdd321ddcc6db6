/** Keeps the screen awake while the camera is on, where the browser can. */

/** @type {any} */
let lock = null;
let wanted = false;

/** @param {boolean} awake */
export function keepAwake(awake) {
  if (wanted === awake && (lock || !awake)) return;
  wanted = awake;
  if (awake) void take();
  else {
    void lock?.release().catch(() => {});
    lock = null;
  }
}

async function take() {
  const api = /** @type {any} */ (navigator).wakeLock;
  if (!api || document.hidden || lock) return;
  try {
    const taken = await api.request('screen');
    if (!wanted) return void taken.release().catch(() => {});
    lock = taken;
    taken.addEventListener('release', () => {
      if (lock === taken) lock = null;
    });
  } catch {
    // Refused on low battery: the screen may go dark, nothing else changes.
  }
}

document.addEventListener('visibilitychange', () => {
  if (wanted) void take();
});
