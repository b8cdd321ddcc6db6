/** The tools below the stage: line on the left, the case on the right, in one order always. */

import { h, icon } from '../../common/dom.js';
import { t } from '../../common/i18n.js';
import { isEnded, isStarted } from '../words.js';
import { keyed } from './parts.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */
/** @typedef {import('../stage.js').Stage} Stage */

/**
 * @param {Ui} ui
 * @param {Case} it
 * @param {Stage} stage
 */
export function toolbar(ui, it, stage) {
  const session = it.session;
  if (!session || isEnded(session)) return null;
  const started = isStarted(session) && it.takesPart;
  const leads = it.role === 'technician';
  const held = session.state === 'on_hold';
  return h(
    'div',
    { class: 'tools', role: 'toolbar', 'aria-label': t('tools.label'), key: 'tools', 'data-state': stage, onkeydown: arrows },
    h(
      'div',
      { class: 'tools__set' },
      started && leads && tool('hold', held ? 'play' : 'hold', t('tool.hold'), 'H', { 'aria-pressed': held, 'aria-busy': it.busy === 'hold' || it.busy === 'resume' ? 'true' : undefined, onclick: () => void it.toggleHold() }),
      started && it.hasVoice && tool('sound', it.sound.on && !it.sound.blocked ? 'speaker' : 'speaker-off', t('tool.sound'), 'S', { 'aria-pressed': it.sound.on && !it.sound.blocked, 'data-quiet': 'on', onclick: () => turnSound(it) }),
      started && leads && it.hasVoice && tool('mic', it.microphone ? 'mic' : 'mic-off', t('tool.mic'), 'M', { 'aria-pressed': it.microphone !== null, 'data-quiet': 'on', onclick: () => void it.turnMicrophone(it.microphone === null) }),
    ),
    h('span', { class: 'grow' }),
    h(
      'div',
      { class: 'tools__set tools__set--end' },
      it.role === 'watching'
        ? tool('leave', 'logout', t('tool.leave'), '', { onclick: () => void it.stopWatching() })
        : tool('close', 'end', t('tool.close'), 'Shift+X', { class: 'tool tool--close', onclick: () => ui.set({ dialog: { kind: 'close', id: it.id } }) }),
    ),
  );
}

/** @param {Case} it */
export function turnSound(it) {
  if (it.sound.blocked) it.sound.unblock();
  else it.sound.turn(!it.sound.on);
}

/**
 * @param {string} key
 * @param {string} mark
 * @param {string} label
 * @param {string} shortcut
 * @param {Record<string, any>} more
 */
const tool = (key, mark, label, shortcut, more) => h('button', { class: 'tool', type: 'button', key, ...keyed(label, shortcut), ...more }, icon(mark, 'icon icon--lg'), h('span', null, label));

/**
 * Arrow keys go along the tools, as in any toolbar.
 * @param {KeyboardEvent} event
 */
function arrows(event) {
  if (event.key !== 'ArrowRight' && event.key !== 'ArrowLeft') return;
  const bar = /** @type {HTMLElement} */ (event.currentTarget);
  const all = [...bar.querySelectorAll('button')];
  const rtl = getComputedStyle(bar).direction === 'rtl';
  const step = (event.key === 'ArrowRight') === !rtl ? 1 : -1;
  const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
  all[(at + step + all.length) % all.length]?.focus();
  event.preventDefault();
}
