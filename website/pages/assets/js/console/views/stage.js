/** The stage: the customer's picture, never cropped, and what has to be said about it. */

import { h, icon } from '../../common/dom.js';
import { clock } from '../../common/format.js';
import { has, t } from '../../common/i18n.js';
import { reportOf } from '../report.js';
import { sideOf } from '../stage.js';
import { customerFirst, titleOf } from '../words.js';
import { copy, inviteCard } from './invite.js';
import { join, start } from './list.js';
import { bars } from './parts.js';
import { qualityCard } from './quality.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */
/** @typedef {import('../stage.js').Stage} Stage */

/** Steps are named only when connecting takes longer than this, in milliseconds. */
const STEPS_AFTER_MS = 1_000;

/** The last picture stays, dimmed, in these states. */
const DIMMED = new Set(['paused', 'hold', 'reconnecting', 'offline', 'node', 'nocamera', 'failed']);

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {Stage} stage
 */
export function stageView(ui, it, stage) {
  const seen = it.pictureSeen && (stage === 'live' || DIMMED.has(stage));
  return h(
    'div',
    { class: 'stage', key: 'stage', 'data-state': stage, id: 'stage' },
    it.takesPart && video(it, stage, seen),
    it.takesPart && chips(ui, it, stage),
    word(ui, it, stage),
    ui.pop && it.takesPart && qualityCard(ui, it),
  );
}

/**
 * @param {Case} it
 * @param {Stage} stage
 * @param {boolean} seen
 */
function video(it, stage, seen) {
  return h('video', {
    key: 'video',
    class: 'stage__picture',
    'data-testid': 'remote-video',
    'data-dim': seen && stage !== 'live',
    'data-blur': stage === 'paused',
    'data-seen': seen,
    'aria-label': t('stage.picture', { name: it.session ? customerFirst(it.session) : '' }),
    autoplay: true,
    playsinline: true,
    '.muted': true,
    '.srcObject': it.picture,
    mount: (/** @type {HTMLVideoElement} */ element) => it.shown.begin(element),
    unmount: () => it.shown.end(),
    onloadeddata: () => it.frameSeen(),
    ontimeupdate: () => it.frameSeen(),
    update: (/** @type {HTMLVideoElement} */ element) => {
      if (element.paused && element.srcObject) void element.play().catch(() => {});
      if (element.readyState >= 2 && element.videoWidth > 0 && !it.pictureSeen) it.frameSeen();
    },
  });
}

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {Stage} stage
 */
function chips(ui, it, stage) {
  const name = it.session ? customerFirst(it.session) : '';
  const live = stage === 'live';
  return [
    h(
      'div',
      { class: 'over over--top-start', key: 'what' },
      live && h('span', { class: 'chip' }, h('span', { class: 'chip__dot' }), t('stage.camera', { name })),
      stage === 'hold' && h('span', { class: 'chip chip--hold' }, icon('hold'), t('state.on_hold')),
      live && it.session?.presence.muted && it.hasVoice && h('span', { class: 'chip' }, icon('mic-off'), t('stage.muted', { name })),
      it.sound.blocked && h('button', { class: 'chip chip--act', type: 'button', onclick: () => it.sound.unblock() }, icon('speaker'), t('stage.sound')),
    ),
    h(
      'div',
      { class: 'over over--top-end', key: 'quality' },
      it.pictureSeen &&
        it.stats &&
        h('button', { class: 'chip chip--act', type: 'button', id: 'quality', 'aria-expanded': ui.pop, 'aria-label': `${t('quality.label')}: ${t(`quality.${it.quality.level}`)}`, onclick: () => ui.set({ pop: !ui.pop }) }, bars(it.quality)),
    ),
    h(
      'div',
      { class: 'over over--bottom-end', key: 'full' },
      it.pictureSeen && document.fullscreenEnabled && h('button', { class: 'chip chip--act chip--icon', type: 'button', 'aria-label': t('stage.full'), onclick: fullScreen }, icon('expand')),
    ),
  ];
}

function fullScreen() {
  if (document.fullscreenElement) void document.exitFullscreen();
  else void document.getElementById('stage')?.requestFullscreen().catch(() => {});
}

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {Stage} stage
 */
function word(ui, it, stage) {
  const session = it.session;
  if (!session || stage === 'live') return null;
  const name = customerFirst(session);
  switch (stage) {
    case 'created':
      return h('div', { class: 'word word--card', key: 'created' }, h('div', { class: 'card word__card' }, h('h2', null, t('stage.created')), inviteCard(ui, session)));
    case 'joined':
      return box(stage, 'phone', t('stage.joined', { name }), t(session.customer_online ? 'stage.joined.text' : 'stage.joined.away', { name }));
    case 'before':
      return box(stage, 'camera', t('stage.before', { name }), beforeText(it), [
        act('act.start', 'camera', it.entering !== '', () => void start(ui, it.id)),
        stageButton('putout.ask', () => ui.set({ dialog: { kind: 'putout', id: it.id } })),
      ]);
    case 'outside':
      return box(stage, 'eye', t('stage.outside', { name }), t('stage.outside.text', { name: session.lead?.name ?? '' }), [act('act.join', 'eye', it.entering !== '', () => void join(ui, it.id))]);
    case 'connecting':
      return connecting(ui, it, name);
    case 'paused':
      return box(stage, 'pause', t(`stage.${session.presence.camera}`, { name }), t('stage.paused.text'));
    case 'nocamera':
      return box(stage, 'camera-off', t('stage.nocamera', { name }), t(`nocamera.${session.presence.camera}`, { name }));
    case 'hold':
      return box(stage, 'hold', t('stage.hold'), t('stage.hold.text', { name }), it.role === 'technician' ? [act('stage.resume', 'play', it.busy === 'resume', () => void it.toggleHold())] : []);
    case 'reconnecting':
      return reconnecting(ui, it, name);
    case 'offline':
      return box(stage, 'wifi-off', t('stage.offline', { name }), t('stage.offline.text', { name }));
    case 'node':
      return box(stage, 'server', t('stage.node'), t('stage.node.text'), it.role ? [act('stage.restart', 'refresh', it.entering !== '', () => void it.restart())] : [], 'alert');
    case 'failed':
      return failure(ui, it);
    default:
      return closed(it);
  }
}

/** @param {Case} it */
function beforeText(it) {
  const camera = it.session?.presence.camera ?? 'off';
  if (camera === 'preview') return t(it.hasVoice ? 'stage.before.voice' : 'stage.before.only');
  if (camera.startsWith('paused')) return t('stage.before.away');
  return has(`nocamera.${camera}`) ? t(`nocamera.${camera}`, { name: it.session ? customerFirst(it.session) : '' }) : t('stage.before.off');
}

/**
 * @param {string} key
 * @param {string} mark
 * @param {string} title
 * @param {string} text
 * @param {any[]} [acts]
 * @param {string} [role]
 */
const box = (key, mark, title, text, acts = [], role = 'status') =>
  h('div', { class: 'word', key, role }, h('span', { class: 'word__disc' }, icon(mark)), h('h2', null, title), text && h('p', null, text), acts.length > 0 && h('div', { class: 'word__acts' }, acts));

/**
 * @param {string} id
 * @param {string} mark
 * @param {boolean} busy
 * @param {() => void} run
 */
const act = (id, mark, busy, run) => h('button', { class: 'button button--pale', type: 'button', key: id, 'aria-busy': busy ? 'true' : undefined, onclick: run }, icon(mark), h('span', null, t(id)));

/**
 * @param {string} id
 * @param {() => void} run
 */
const stageButton = (id, run) => h('button', { class: 'button button--stage', type: 'button', key: id, onclick: run }, h('span', null, t(id)));

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {string} name
 */
function connecting(ui, it, name) {
  const slow = ui.now - it.connectingSince > STEPS_AFTER_MS;
  const step = it.media === 'connected' ? t('connecting.phone', { name }) : t('connecting.server');
  return h('div', { class: 'word', key: 'connecting', role: 'status' }, icon('turn', 'icon ring'), h('h2', null, t('stage.connecting')), h('p', null, slow ? step : ''));
}

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {string} name
 */
function reconnecting(ui, it, name) {
  const since = Math.max(it.lastFrameAt, Date.parse(it.session?.state_since ?? '') || 0);
  const side = sideOf(it);
  return h(
    'div',
    { class: 'word', key: 'reconnecting', role: 'alert' },
    icon('turn', 'icon ring'),
    h('h2', null, t('stage.reconnecting')),
    h('p', null, t(`side.${side}`, { name })),
    h('p', { class: 'num word__small', 'aria-hidden': 'true' }, clock(Math.max(0, ui.now - (it.lastFrameAt || since)))),
    side === 'technician' && h('div', { class: 'word__acts' }, act('stage.again', 'refresh', it.entering !== '', () => void it.restart())),
  );
}

/**
 * @param {Ui} ui
 * @param {Case} it
 */
function failure(ui, it) {
  const code = it.failure?.code ?? 'media_failed';
  const cause = it.timelines.own?.cause;
  const id = cause && has(`cause.${cause}`) ? `cause.${cause}` : has(`fail.${code}`) ? `fail.${code}` : 'fail.other';
  const again = async () => {
    if (it.session?.state === 'waiting') await start(ui, it.id);
    else if (it.role) await it.restart();
    else await it.join();
  };
  return h(
    'div',
    { class: 'word', key: 'failed', role: 'alert' },
    h('span', { class: 'word__disc word__disc--bad' }, icon('alert')),
    h('h2', null, t('stage.failed')),
    h('p', null, t(id)),
    h(
      'div',
      { class: 'word__acts' },
      act('try.again', 'refresh', it.entering !== '', () => void again()),
      h('button', { class: 'button button--stage', type: 'button', onclick: () => void copy(reportOf(it), 'copied.report') }, icon('copy'), h('span', null, t('report.copy'))),
    ),
    it.failure?.trace &&
      h('button', { class: 'word__trace', type: 'button', title: t('copy.trace'), onclick: () => void copy(it.failure?.trace ?? '', 'copied.trace') }, t('trace', { id: it.failure.trace })),
  );
}

/** @param {Case} it */
function closed(it) {
  const session = /** @type {import('../../common/types.js').SessionView} */ (it.session);
  const length = session.started_at && session.ended_at ? clock(Date.parse(session.ended_at) - Date.parse(session.started_at)) : '';
  const id = session.state === 'aborted' ? 'stage.aborted' : session.state === 'timed_out' ? 'stage.timed_out' : 'stage.closed';
  return box('closed', 'check', t(id, { name: titleOf(session) }), length ? t('stage.closed.text', { time: length }) : t('stage.closed.never'));
}

