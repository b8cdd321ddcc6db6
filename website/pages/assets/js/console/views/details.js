/** The details tab: figures with a minute of history, the way, and the connection's steps. */

import { h, icon } from '../../common/dom.js';
import { figure, timeWithSeconds } from '../../common/format.js';
import { has, t } from '../../common/i18n.js';
import { reportOf } from '../report.js';
import { isEnded } from '../words.js';
import { copy } from './invite.js';

/** @typedef {import('../ui.js').Ui} Ui */
/** @typedef {import('../case.js').Case} Case */
/** @typedef {import('../../common/types.js').Timeline} Timeline */

/**
 * @param {Ui} ui
 * @param {Case} it
 */
export function detailsTab(ui, it) {
  const session = it.session;
  if (!session) return null;
  const weak = it.quality.level === 'weak';
  const { stats, samples } = it;
  const size = stats?.width && stats.height ? t('details.size', { w: stats.width, h: stats.height, n: Math.round(stats.framesPerSecond ?? 0) }) : '–';
  return [
    h(
      'div',
      { class: 'side__fill', tabindex: 0, role: 'region', 'aria-label': t('tab.details'), key: 'details' },
      it.takesPart && [
        chart('picture', size, samples.map(({ fps }) => fps), 30, weak && it.quality.leg === 'customer', t('details.picture.unit')),
        chart('speed', known(stats?.kbps, speed), samples.map(({ kbps }) => kbps), 500, false, t('details.speed.unit')),
        chart('delay', known(stats?.rttMs, (ms) => t('details.ms', { n: figure(Math.round(ms)) })), samples.map(({ rtt }) => rtt), 100, false, t('details.delay.unit')),
      ],
      facts(it),
      steps(it),
      canPutOut(it) && h('div', { class: 'stat', key: 'putout' }, h('h2', null, t('putout.title')), h('p', { class: 'quiet-text' }, t('putout.text')), h('button', { class: 'button button--outline button--small', type: 'button', onclick: () => ui.set({ dialog: { kind: 'putout', id: it.id } }) }, icon('remove'), h('span', null, t('putout.ask')))),
    ),
    h('div', { class: 'side__foot', key: 'foot' }, h('button', { class: 'button button--outline', type: 'button', onclick: () => void copy(reportOf(it), 'copied.report') }, icon('copy'), h('span', null, t('report.copy')))),
  ];
}

/** @param {Case} it */
const canPutOut = (it) => it.session && !isEnded(it.session) && it.session.state !== 'created' && it.role !== 'watching';

/**
 * @param {number | null | undefined} value
 * @param {(value: number) => string} write
 */
const known = (value, write) => (value === null || value === undefined ? '–' : write(value));

/** @param {number} kbps */
const speed = (kbps) => (kbps >= 1000 ? t('details.mbit', { n: figure(kbps / 1000, 1) }) : t('details.kbit', { n: figure(Math.round(kbps)) }));

/**
 * @param {string} id
 * @param {string} now
 * @param {number[]} values one a second, the newest last
 * @param {number} least what the chart reaches to at least
 * @param {boolean} warn
 * @param {string} unit
 */
function chart(id, now, values, least, warn, unit) {
  const top = Math.max(least, ...values) * 1.1;
  const points = values.map((value, at) => `${((at + 60 - values.length) * 300) / 59} ${(46 - (44 * value) / top).toFixed(1)}`);
  const line = points.length > 1 ? `M${points.join('L')}` : '';
  const start = ((60 - values.length) * 300) / 59;
  const label = values.length > 1 ? t('details.chart', { what: t(`details.${id}`), from: figure(Math.round(values[0])), to: figure(Math.round(values[values.length - 1])), unit }) : t(`details.${id}`);
  return h(
    'section',
    { class: 'stat', key: id, 'data-warn': warn },
    h('h2', null, t(`details.${id}`), h('span', { class: 'num' }, now)),
    h('svg', { viewBox: '0 0 300 48', preserveAspectRatio: 'none', role: 'img', 'aria-label': label }, line && h('path', { class: 'area', d: `${line}L300 48L${start} 48Z` }), line && h('path', { class: 'line', d: line })),
  );
}

/** @param {Case} it */
function facts(it) {
  const session = /** @type {import('../../common/types.js').SessionView} */ (it.session);
  const { stats } = it;
  const transport = stats?.transport ?? it.timelines.own?.stats.transport ?? '';
  const theirs = it.timelines.customer?.stats;
  const rows = [
    ['way', transport ? t(`way.${transport}`) : '–'],
    ['way.customer', theirs?.transport ? t(`way.${theirs.transport}`) : '–'],
    ['node', it.timelines.own?.node ?? it.timelines.customer?.node ?? '–'],
    ['codec', stats?.codec ?? '–'],
    ['lost', known(stats?.lossPercent, (share) => t('details.percent', { n: figure(share, 1) }))],
    ['device', session.customer_device ?? '–'],
    ['agreed', session.capabilities.length === 0 ? '–' : t(session.capabilities.includes('voice') ? 'agreed.voice' : 'agreed.only')],
    ['created', `${session.created_by.name}, ${timeWithSeconds(session.created_at)}`],
  ];
  return h('dl', { class: 'facts', key: 'facts' }, rows.map(([id, value]) => [h('dt', { key: `t-${id}` }, t(`fact.${id}`)), h('dd', { class: 'num', key: `d-${id}` }, value)]));
}

/** @param {Case} it */
function steps(it) {
  const sides = /** @type {const} */ (['customer', 'own']).map((side) => ({ side, timeline: it.timelines[side] }));
  if (!sides.some(({ timeline }) => timeline)) return null;
  return sides.map(({ side, timeline }) => timeline && h('section', { class: 'stat', key: `steps-${side}` }, h('h2', null, t(`steps.${side}`)), stepList(timeline)));
}

/** @param {Timeline} timeline */
function stepList(timeline) {
  const begin = timeline.steps.length > 0 ? Date.parse(timeline.steps[0].at) : 0;
  return h(
    'ol',
    { class: 'steps' },
    timeline.steps.map(({ at, step }) => h('li', { key: step }, h('span', null, has(`step.${step}`) ? t(`step.${step}`) : step), h('span', { class: 'num' }, t('details.after', { n: figure((Date.parse(at) - begin) / 1000, 2) })))),
    timeline.cause && h('li', { key: 'cause', class: 'steps__cause' }, h('span', null, has(`cause.${timeline.cause}`) ? t(`cause.${timeline.cause}`) : timeline.cause)),
  );
}
