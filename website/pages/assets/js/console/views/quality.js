/** The quality card: whose leg is weak, and the sentence that helps. */

import { h, icon } from '../../common/dom.js';
import { t } from '../../common/i18n.js';
import { toast } from '../../common/toast.js';
import { customerFirst } from '../words.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */

/**
 * @param {Ui} ui
 * @param {Case} it
 */
export function qualityCard(ui, it) {
  const { level, leg } = it.quality;
  const name = it.session ? customerFirst(it.session) : '';
  const kind = level === 'none' ? 'none' : leg ?? 'good';
  const close = () => {
    ui.set({ pop: false });
    document.getElementById('quality')?.focus();
  };
  const send = () => {
    it.chat.send(t('tip.customer'));
    toast(t('tip.sent'));
    close();
  };
  return h(
    'section',
    {
      class: 'card pop',
      key: 'pop',
      'aria-label': t('quality.label'),
      onkeydown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'Escape') close();
      },
    },
    h('h2', null, t(`path.${kind}`)),
    h(
      'div',
      { class: 'hops' },
      hop('phone', name),
      legLine(it, 'customer'),
      hop('server', t('path.server')),
      legLine(it, 'own'),
      hop('person', t('people.you')),
    ),
    h('p', null, t(`path.${kind}.text`)),
    kind === 'customer' && h('button', { class: 'button button--outline button--small', type: 'button', onclick: send }, icon('send'), h('span', null, t('tip.send'))),
  );
}

/**
 * @param {string} mark
 * @param {string} name
 */
const hop = (mark, name) => h('span', { class: 'hop', key: mark }, icon(mark, 'icon icon--lg'), h('span', { class: 'clip' }, name));

/**
 * A leg that was measured sound is a line; a weak one is dotted; one that was not measured is thin.
 * @param {Case} it
 * @param {'customer' | 'own'} which
 */
function legLine(it, which) {
  const { level, leg } = it.quality;
  const measured = which === 'own' ? it.stats !== null : it.timelines.customer !== null;
  const state = leg === which ? 'weak' : measured && level !== 'none' ? 'good' : 'unknown';
  return h('span', { class: 'leg', 'data-state': state, key: `leg-${which}` }, h('span', { class: 'unseen' }, t(`leg.${state}`)));
}
