/** The consent sheet: who asks, what is seen, what is kept, voice or camera only, yes or no. */

import { h, icon } from '../../common/dom.js';
import { initials } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { consentSentences } from '../consent.js';
import { platform } from '../device.js';
import { complaint, complaintText } from './frame.js';

/** @typedef {import('../session.js').CustomerSession} CustomerSession */

/** @param {CustomerSession} s */
export function consentPage(s) {
  const view = s.view;
  const words = consentSentences(view);
  const wrong = complaintText(s.complaint, view);
  return h(
    'main',
    { class: 'stage stage--sheet on-stage', key: 'consent', id: 'main', 'data-state': s.asking ? 'asking' : 'consent' },
    h(
      'div',
      { class: 'off' },
      h('span', { class: 'off__disc' }, icon(s.asking ? 'camera' : 'camera-off')),
      h('p', { role: 'status' }, t(s.asking ? 'camera.asking' : 'camera.off')),
    ),
    h(
      'form',
      {
        class: 'sheet',
        onsubmit: (/** @type {Event} */ event) => {
          event.preventDefault();
          void s.agree();
        },
      },
      h(
        'div',
        { class: 'sheet__who' },
        h('span', { class: 'avatar avatar--lg', 'aria-hidden': 'true' }, initials(view.technician.name)),
        h('p', null, h('strong', null, view.technician.name), t('consent.role', { org: view.organisation })),
      ),
      h('h1', { class: 'sheet__title', 'data-heading': true, tabindex: -1 }, words.title),
      h('ul', { class: 'facts' }, fact('eye', words.who), fact('record', words.kept)),
      h(
        'fieldset',
        { class: 'choices' },
        h('legend', { class: 'unseen' }, t('consent.share')),
        choice(s, 'voice', words.voice, words.voiceText),
        choice(s, 'only', words.only, words.onlyText),
      ),
      h(
        'div',
        { class: 'sheet__go' },
        wrong && complaint('consent-error', wrong),
        h('p', { class: 'note' }, icon(platform() === 'desktop' ? 'info' : 'phone'), h('span', null, words.hint)),
        h(
          'button',
          { class: 'button button--primary button--big', type: 'submit', 'aria-busy': s.busy || s.asking ? 'true' : undefined },
          icon('camera', 'icon icon--lg'),
          h('span', null, words.yes),
        ),
        h('button', { class: 'button button--quiet', type: 'button', onclick: () => s.refuse() }, words.no),
      ),
    ),
  );
}

/**
 * @param {string} name
 * @param {string} text
 */
const fact = (name, text) => h('li', { key: name }, icon(name), h('span', null, text));

/**
 * @param {CustomerSession} s
 * @param {'voice' | 'only'} value
 * @param {string} label
 * @param {string} text
 */
function choice(s, value, label, text) {
  const chosen = s.choice === value;
  return h(
    'label',
    { class: 'choice', key: value, 'data-chosen': chosen },
    h('input', {
      type: 'radio',
      name: 'share',
      value,
      '.checked': chosen,
      onchange: () => {
        s.choice = value;
        s.changed();
      },
    }),
    h('span', null, h('strong', null, label), text),
  );
}
