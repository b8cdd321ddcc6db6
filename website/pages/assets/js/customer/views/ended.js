/** The last page: the camera is off, who ended it, and the customer's own receipt. */

import { h, icon } from '../../common/dom.js';
import { day, timeOfDay } from '../../common/format.js';
import { t } from '../../common/i18n.js';
import { plainPage, title } from './frame.js';

/** @typedef {import('../session.js').CustomerSession} CustomerSession */
/** @typedef {import('./frame.js').Frame} Frame */

/** @type {Record<string, string>} */
const SENTENCE = {
  customer: 'ended.you',
  technician: 'ended.tech',
  timeout: 'ended.time',
  put_out: 'ended.putout',
  refused: 'ended.no',
};

/**
 * @param {CustomerSession} s
 * @param {Frame} frame
 */
export function endedPage(s, frame) {
  const by = s.ended?.by ?? 'technician';
  const tech = s.view.technician.first_name;
  const rows = receiptOf(s);
  return plainPage(
    'ended',
    frame,
    h('span', { class: 'disc disc--lg disc--good' }, icon('check')),
    title(t('ended.title')),
    h('p', { class: 'lead' }, t(SENTENCE[by], { tech })),
    rows.length > 0 &&
      h(
        'section',
        { class: 'receipt', 'aria-label': t('receipt.label') },
        h('dl', null, rows.map(({ label, lines }) => h('div', { key: label }, h('dt', null, label), h('dd', { class: 'num' }, lines.map((line) => h('span', null, line)))))),
      ),
    h(
      'div',
      { class: 'actions' },
      rows.length > 0 &&
        h('button', { class: 'button button--outline button--big', type: 'button', onclick: () => save(s) }, icon('download', 'icon icon--lg'), h('span', null, t('receipt.save'))),
      h('a', { class: 'button button--quiet', href: '/?new' }, t('ended.again')),
    ),
  );
}

/** @param {CustomerSession} s */
function receiptOf(s) {
  const view = s.view;
  if (s.ended?.by === 'refused') return [];
  const ended = view.ended_at ?? new Date().toISOString();
  const when = view.started_at
    ? [day(view.started_at), t('receipt.span', { from: timeOfDay(view.started_at), to: timeOfDay(ended) })]
    : [day(ended), timeOfDay(ended)];
  const { recorded, kept_days: n } = view.consent;
  return [
    { label: t('receipt.when'), lines: when },
    { label: t('receipt.who'), lines: whoSaw(s) },
    { label: t('receipt.kept'), lines: [t('receipt.kept.text', { n })] },
    { label: t('receipt.rec'), lines: [recorded ? t('receipt.rec.days', { n }) : t('receipt.rec.none')] },
  ];
}

/** @param {CustomerSession} s */
function whoSaw(s) {
  const seen = Object.entries(s.seen.total).filter(([, ms]) => ms > 0);
  // Another browser's storage was not kept: the names are known all the same.
  if (seen.length === 0 && s.view.started_at) return s.view.watchers.map((watcher) => watcher.name);
  if (seen.length === 0) return [t('receipt.nobody')];
  return seen.map(([name, ms]) => {
    const n = Math.round(ms / 60_000);
    return n < 1 ? t('receipt.short', { name }) : t('receipt.minutes', { name, n });
  });
}

/**
 * Hands the receipt over as a text file made in the page.
 * @param {CustomerSession} s
 */
function save(s) {
  const lines = [
    t('receipt.title', { org: s.view.organisation }),
    '',
    ...receiptOf(s).map(({ label, lines: facts }) => `${label}: ${facts.join(', ')}`),
    '',
    s.view.session,
  ];
  const file = new Blob([lines.join('\r\n'), '\r\n'], { type: 'text/plain;charset=utf-8' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = t('receipt.file');
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
