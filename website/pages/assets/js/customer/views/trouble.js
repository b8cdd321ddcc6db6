/** Pages for a camera that cannot be: one pattern, with the place to tap, and a way on. */

import { copyText } from '../../common/copy.js';
import { announce, h, icon } from '../../common/dom.js';
import { t } from '../../common/i18n.js';
import { platform } from '../device.js';
import { plainPage, title } from './frame.js';

/** @typedef {import('../session.js').CustomerSession} CustomerSession */
/** @typedef {import('./frame.js').Frame} Frame */

/** @type {Record<string, { icon: string, title: string, text: string }>} */
const PAGES = {
  inapp: { icon: 'globe', title: 'inapp.title', text: 'inapp.text' },
  insecure: { icon: 'lock', title: 'insecure.title', text: 'insecure' },
  old: { icon: 'alert', title: 'old.title', text: 'old.browser' },
  denied: { icon: 'camera-off', title: 'denied.title', text: '' },
  none: { icon: 'camera-off', title: 'camera.none.title', text: 'camera.none' },
  busy: { icon: 'camera-off', title: 'camera.busy.title', text: 'camera.busy' },
  error: { icon: 'alert', title: 'error.title', text: 'error.other' },
};

/**
 * @param {CustomerSession | null} s none before the session
 * @param {Frame} frame
 * @param {string} screen
 */
export function troublePage(s, frame, screen) {
  const page = PAGES[screen];
  const words = { org: s?.view.organisation ?? t('org.unknown'), tech: s?.view.technician.first_name ?? t('tech.unknown') };
  return plainPage(
    screen,
    frame,
    h('span', { class: 'disc disc--lg disc--warn' }, icon(page.icon)),
    title(t(page.title)),
    screen === 'denied' ? deniedText() : h('p', { class: 'lead' }, t(page.text, words)),
    (screen === 'denied' || screen === 'inapp') && placeToTap(screen),
    h('div', { class: 'actions' }, screen === 'inapp' ? copyButton() : s && waysOn(s)),
  );
}

/** The catalogue's sentence begins with what the title says already. */
function deniedText() {
  const where = platform();
  return [
    h('p', { class: 'lead' }, t(`denied.${where}`)),
    where === 'ios' && h('p', { class: 'lead' }, t('denied.ios.system')),
  ];
}

/** @param {CustomerSession} s */
function waysOn(s) {
  return [
    h(
      'button',
      { class: 'button button--primary button--big', type: 'button', key: 'again', 'aria-busy': s.asking ? 'true' : undefined, onclick: () => s.turnOn() },
      h('span', null, t('try.again')),
    ),
    h('button', { class: 'button button--outline button--big', type: 'button', key: 'chat', onclick: () => s.goOnWithChat() }, icon('chat', 'icon icon--lg'), h('span', null, t('denied.chat'))),
    h('button', { class: 'button button--quiet', type: 'button', key: 'no', onclick: () => s.stop() }, t('tool.stop')),
  ];
}

function copyButton() {
  const copy = async (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    const copied = await copyText(location.href);
    const said = t(copied ? 'inapp.copied' : 'copy.failed');
    const line = button.parentElement?.querySelector('[data-said]');
    if (line) line.textContent = said;
    announce(said);
  };
  return [
    h('button', { class: 'button button--primary button--big', type: 'button', key: 'copy', onclick: copy }, icon('copy', 'icon icon--lg'), h('span', null, t('inapp.copy'))),
    h('p', { class: 'lead', 'data-said': true, key: 'said' }),
  ];
}

/**
 * A drawing of the browser with the place to tap marked; the sentence above says the same.
 * @param {string} screen
 */
function placeToTap(screen) {
  const below = screen === 'denied' && platform() === 'ios';
  const spot = screen === 'inapp' ? { x: 286, y: below ? 100 : 38 } : { x: 34, y: below ? 100 : 38 };
  const y = below ? 82 : 20;
  return h(
    'div',
    { class: 'place', 'aria-hidden': 'true' },
    h(
      'svg',
      { viewBox: '0 0 320 132' },
      h('rect', { x: 1, y: 1, width: 318, height: 130, rx: 14 }),
      h('rect', { x: 14, y, width: 292, height: 36, rx: 18 }),
      h('path', { d: `M62 ${y + 18}h132` }),
      screen === 'inapp'
        ? h('path', { d: `M286 ${y + 10}v.1M286 ${y + 18}v.1M286 ${y + 26}v.1`, 'stroke-width': 4 })
        : h('path', { d: `M27 ${y + 14}h14M27 ${y + 22}h14M31 ${y + 11}v6M37 ${y + 19}v6` }),
      h('path', { d: below ? 'M30 30h120M30 50h84' : 'M30 84h120M30 104h84' }),
      h('circle', { class: 'place__spot', cx: spot.x, cy: spot.y, r: 21 }),
    ),
  );
}
