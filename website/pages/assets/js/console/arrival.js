/** Tells a technician who looks elsewhere that a customer waits: a sound, the title, a notice. */

import { t } from '../common/i18n.js';
import { prefs } from './prefs.js';

/** @type {AudioContext | null} */
let audio = null;

/** Browsers let a page sound only after a tap or key: this makes use of the first one. */
export function readySound() {
  const ready = () => {
    audio ??= typeof AudioContext === 'function' ? new AudioContext() : null;
    void audio?.resume().catch(() => {});
  };
  addEventListener('pointerdown', ready, { once: true });
  addEventListener('keydown', ready, { once: true });
}

/** Two soft notes, a fifth apart. */
export function chime() {
  if (!prefs.chime || !audio || audio.state !== 'running') return;
  const start = audio.currentTime;
  for (const [at, pitch] of /** @type {const} */ ([[0, 659.3], [0.16, 987.8]])) {
    const tone = audio.createOscillator();
    const level = audio.createGain();
    tone.frequency.value = pitch;
    level.gain.setValueAtTime(0, start + at);
    level.gain.linearRampToValueAtTime(0.18, start + at + 0.02);
    level.gain.exponentialRampToValueAtTime(0.001, start + at + 0.5);
    tone.connect(level).connect(audio.destination);
    tone.start(start + at);
    tone.stop(start + at + 0.55);
  }
}

/**
 * @param {string} name
 * @param {() => void} open
 */
export function notify(name, open) {
  if (!document.hidden || typeof Notification !== 'function' || Notification.permission !== 'granted') return;
  const notice = new Notification(t('arrival.title', { name }), { tag: 'lens-arrival' });
  notice.onclick = () => {
    window.focus();
    open();
    notice.close();
  };
}
