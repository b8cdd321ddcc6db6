/**
 * Everything that lies over the picture: waiting with the own preview, live, paused, held, broken.
 * One layout, so that Stop never moves; a table says what differs.
 */

import { h, icon } from '../../common/dom.js';
import { firstName, initials } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { BREAK_TIP_MS, LONG_WAIT_MS } from '../screen.js';
import { chatDrawer, peopleDrawer } from './drawer.js';

/** @typedef {import('../session.js').CustomerSession} CustomerSession */
/** @typedef {import('../screen.js').Screen} Screen */
/**
 * @typedef {object} Word
 * @property {string} title
 * @property {string} [text]
 * @property {string} [mark] icon in the disc; a turning ring without
 * @property {string} [act] label of the one button, which turns the camera on
 */

/** @type {Partial<Record<Screen, Word>>} */
const WORDS = {
  waiting_off: { title: 'wait.title', text: 'wait.text', mark: 'camera-off' },
  chat_only: { title: 'chatonly.title', text: 'chatonly.text', mark: 'chat' },
  back: { title: 'back', text: 'back.text', mark: 'camera-off', act: 'consent.yes' },
  lost: { title: 'camera.lost.title', text: 'camera.lost.text', mark: 'camera-off', act: 'consent.yes' },
  connecting: { title: 'connecting.title', text: 'connecting.text' },
  paused: { title: 'paused.title', mark: 'camera-off' },
  call: { title: 'paused.call', text: 'paused.call.text', mark: 'call' },
  away: { title: 'paused.away', text: 'paused.away.text', mark: 'camera-off' },
  hold: { title: 'hold.title', text: 'hold.text', mark: 'hold' },
  reconnecting: { title: 'reconnect.title', text: 'reconnect.text' },
  offline: { title: 'offline.title', text: 'offline.text', mark: 'wifi-off', act: 'try.again' },
};

/** States whose last picture stays, blurred and grey, under the word. */
const KEEPS_STILL = new Set(['connecting', 'paused', 'call', 'away', 'hold', 'reconnecting', 'offline']);
const SHOWS_PICTURE = new Set(['waiting', 'live']);

/** Keeps the last frame of the preview when it stops. */
export const still = document.createElement('canvas');
let stillDrawn = false;

/** Draws the preview's present frame into {@link still}, small: it is shown blurred. */
export function keepStill() {
  const video = /** @type {HTMLVideoElement | null} */ (document.querySelector('[data-testid="own-preview"]'));
  if (!video || video.videoWidth === 0) return;
  const scale = Math.min(1, 480 / Math.max(video.videoWidth, video.videoHeight));
  still.width = Math.max(1, Math.round(video.videoWidth * scale));
  still.height = Math.max(1, Math.round(video.videoHeight * scale));
  still.getContext('2d')?.drawImage(video, 0, 0, still.width, still.height);
  stillDrawn = true;
}

/**
 * @param {CustomerSession} s
 * @param {Screen} screen
 * @param {{ people: boolean, showPeople: (open: boolean) => void, now: number }} ui
 */
export function livePage(s, screen, ui) {
  const word = WORDS[screen];
  const drawer = s.chat.open ? chatDrawer(s) : ui.people ? peopleDrawer(s, () => ui.showPeople(false)) : null;
  return h(
    'main',
    { class: 'stage stage--picture on-stage', key: 'live', id: 'main', 'data-state': screen },
    !word && screen === 'live' && h('h1', { class: 'unseen', 'data-heading': true, tabindex: -1, key: 'h1' }, t('live.heading', { name: techName(s) })),
    h(
      'div',
      { class: 'view', key: 'view' },
      picture(s, screen),
      chips(s, screen, ui),
      word && bigWord(s, screen, word),
      says(s, screen, ui),
      drawer,
    ),
    bar(s, screen, ui),
  );
}

/** @param {CustomerSession} s */
const techName = (s) => s.view.technician.name;
/** @param {CustomerSession} s */
const techFirst = (s) => s.view.technician.first_name;

/**
 * @param {CustomerSession} s
 * @param {Screen} screen
 */
function picture(s, screen) {
  const showStill = KEEPS_STILL.has(screen) && stillDrawn;
  return [
    h('video', {
      key: 'preview',
      class: 'picture',
      'data-testid': 'own-preview',
      'data-facing': s.capture.facing ?? undefined,
      'aria-label': t('live.preview'),
      hidden: !SHOWS_PICTURE.has(screen),
      autoplay: true,
      playsinline: true,
      '.muted': true,
      '.srcObject': s.capture.stream,
      update: (/** @type {HTMLVideoElement} */ video) => {
        if (video.paused && s.capture.video) void video.play().catch(() => {});
      },
    }),
    showStill &&
      h('div', { key: 'still', class: 'still-place', 'aria-hidden': 'true', mount: (/** @type {HTMLElement} */ place) => {
        still.className = 'still';
        place.append(still);
      } }),
  ];
}

/**
 * @param {CustomerSession} s
 * @param {Screen} screen
 * @param {{ showPeople: (open: boolean) => void }} ui
 */
function chips(s, screen, ui) {
  const stateChip = {
    live: h('span', { class: 'chip' }, h('span', { class: 'chip__dot' }), t('live.chip')),
    waiting: h('span', { class: 'chip' }, icon('eye'), t('wait.chip')),
    paused: h('span', { class: 'chip' }, icon('pause'), t('paused.chip')),
    call: h('span', { class: 'chip' }, icon('pause'), t('paused.chip')),
    away: h('span', { class: 'chip' }, icon('pause'), t('paused.chip')),
    hold: h('span', { class: 'chip' }, icon('hold'), t('hold.chip')),
  }[/** @type {string} */ (screen)];
  const names = s.view.watchers.map((watcher) => watcher.first_name);
  const showsPeople = ['live', 'paused', 'call', 'away', 'hold', 'chat_only'].includes(screen) && names.length > 0;
  const base = screen === 'live' ? 'live.seen' : 'live.here';
  const people =
    showsPeople &&
    h(
      'button',
      { class: 'chip', type: 'button', key: 'people', onclick: () => ui.showPeople(true) },
      icon(screen === 'live' ? 'eye' : 'people'),
      h('span', null, namesSentence(base, names)),
    );
  return h('div', { class: 'chips', key: 'chips' }, stateChip ?? h('span'), people);
}

/**
 * @param {string} base
 * @param {string[]} names
 */
function namesSentence(base, names) {
  const [a, b] = names;
  if (names.length === 1) return t(`${base}.1`, { a });
  if (names.length === 2) return t(`${base}.2`, { a, b });
  return t(`${base}.n`, { a, n: names.length - 1 });
}

/**
 * @param {CustomerSession} s
 * @param {Screen} screen
 * @param {Word} word
 */
function bigWord(s, screen, word) {
  const tech = techFirst(s);
  const text = screen === 'paused' ? pausedText(s) : (word.text ?? '');
  const broken = screen === 'reconnecting' || screen === 'offline' || screen === 'connecting';
  return h(
    'div',
    { class: 'word', key: 'word', role: broken ? 'alert' : 'status' },
    word.mark ? h('span', { class: 'word__disc' }, icon(word.mark)) : icon('turn', 'icon ring'),
    h('h1', { 'data-heading': true, tabindex: -1 }, t(word.title, { tech })),
    text && h('p', null, t(text, { tech })),
    word.act &&
      h(
        'button',
        {
          class: 'button button--primary button--big',
          type: 'button',
          'aria-busy': s.asking ? 'true' : undefined,
          onclick: () => (screen === 'offline' ? s.tryAgain() : s.turnOn()),
        },
        h('span', null, t(word.act)),
      ),
  );
}

/** @param {CustomerSession} s */
function pausedText(s) {
  if (!s.capture.audio) return 'paused.text.only';
  return s.muted ? 'paused.text.muted' : 'paused.text';
}

/**
 * What lies at the picture's lower edge: the wait, a tip, the last chat line.
 * @param {CustomerSession} s
 * @param {Screen} screen
 * @param {{ now: number }} ui
 */
function says(s, screen, ui) {
  const tech = techFirst(s);
  const caption = s.chat.caption;
  const isLong = screen === 'waiting' && ui.now - s.waitingSince > LONG_WAIT_MS;
  return h(
    'div',
    { class: 'says', key: 'says' },
    s.line.sound.blocked &&
      h('button', { class: 'button button--stage button--big', type: 'button', key: 'sound', onclick: () => s.line.sound.unblock() }, icon('speaker'), h('span', null, t('live.sound'))),
    s.capture.voiceRefused && (screen === 'live' || screen === 'waiting') && tip('mic', 'mic-off', t('mic.denied')),
    screen === 'waiting' &&
      h(
        'div',
        { class: 'tip', key: 'wait' },
        icon('clock'),
        h('div', null, h('h1', { class: 'tip__title', 'data-heading': true, tabindex: -1 }, t('wait.title', { tech })), h('p', null, t(isLong ? 'wait.long' : 'wait.preview', { tech }))),
      ),
    screen === 'reconnecting' && s.brokenFor(ui.now) >= BREAK_TIP_MS && tip('weak', 'wifi-off', t('reconnect.tip')),
    caption &&
      (caption.name
        ? h(
            'button',
            { class: 'tip', type: 'button', key: 'caption', onclick: () => s.chat.toggle() },
            h('span', { class: 'avatar', 'aria-hidden': 'true' }, initials(caption.name)),
            h('span', null, h('strong', null, firstName(caption.name)), caption.text),
          )
        : tip('caption', 'people', caption.text)),
  );
}

/**
 * @param {string} key
 * @param {string} mark
 * @param {string} text
 */
const tip = (key, mark, text) => h('p', { class: 'tip', key }, icon(mark), h('span', null, text));

/**
 * @param {CustomerSession} s
 * @param {Screen} screen
 * @param {{ now: number }} ui
 */
function bar(s, screen, ui) {
  const mayTry = screen === 'reconnecting' && s.brokenFor(ui.now) >= BREAK_TIP_MS;
  return h(
    'div',
    { class: 'bar', key: 'bar' },
    mayTry
      ? h('button', { class: 'button button--stage button--big', type: 'button', key: 'try', onclick: () => s.tryAgain() }, icon('refresh', 'icon icon--lg'), h('span', null, t('reconnect.try')))
      : tools(s, screen),
    h(
      'button',
      { class: 'button button--stop button--big', type: 'button', key: 'stop', onclick: () => s.stop() },
      icon('stop', 'icon icon--lg'),
      h('span', null, t('tool.stop')),
    ),
  );
}

/**
 * @param {CustomerSession} s
 * @param {Screen} screen
 */
function tools(s, screen) {
  const paused = s.paused !== null;
  const hasCamera = s.capture.video !== null;
  const canPause = screen === 'live' || screen === 'paused' || screen === 'away';
  const voice = s.capture.audio !== null;
  const unread = s.chat.unread;
  return h(
    'div',
    { class: 'tools', role: 'group', 'aria-label': t('tools.label'), key: 'tools' },
    hasCamera &&
      tool('pause', paused ? 'play' : 'pause', t(paused ? 'tool.resume' : 'tool.pause'), {
        disabled: !canPause,
        onclick: () => (paused ? s.resume() : s.pause()),
      }),
    voice &&
      tool('mute', s.muted ? 'mic-off' : 'mic', t(s.muted ? 'tool.unmute' : 'tool.mute'), {
        'data-on': s.muted,
        onclick: () => s.toggleMute(),
      }),
    hasCamera &&
      s.capture.canFlip &&
      tool('flip', 'flip', t('tool.flip'), { disabled: screen !== 'live' && screen !== 'waiting', onclick: () => s.flip() }),
    tool(
      'chat',
      'chat',
      t('tool.chat'),
      { 'data-on': s.chat.open, 'aria-expanded': s.chat.open, onclick: () => s.chat.toggle() },
      unread > 0 && h('span', { class: 'count', 'aria-hidden': 'true' }, unread),
      unread > 0 && h('span', { class: 'unseen' }, `, ${t('chat.unread', { n: unread })}`),
    ),
  );
}

/**
 * @param {string} key
 * @param {string} mark
 * @param {string} label
 * @param {Record<string, any>} more
 * @param {any} [badge]
 * @param {any} [spoken]
 */
function tool(key, mark, label, more, badge, spoken) {
  return h(
    'button',
    { class: 'tool', type: 'button', key, ...more },
    h('span', { class: 'tool__disc' }, icon(mark, 'icon icon--lg'), badge),
    h('span', null, label, spoken),
  );
}
