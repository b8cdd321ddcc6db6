/** What a technician hands to whoever runs the server: facts, no addresses, no secrets, no chat. */

import { isStarted } from './words.js';

/** @param {import('./case.js').Case} it */
export function reportOf(it) {
  const session = it.session;
  const { stats, timelines, failure } = it;
  const lines = [
    `Lens report, ${new Date().toISOString()}`,
    `session: ${it.id}`,
    `state: ${session?.state ?? 'unknown'}${session && isStarted(session) ? `, trouble: ${session.trouble ?? 'none'}` : ''}`,
    `customer: ${session?.customer_device ?? 'unknown'}, camera ${session?.presence.camera ?? 'unknown'}, online ${session?.customer_online ?? false}`,
    `console: ${navigator.userAgent}`,
    `media: ${it.media}, quality: ${it.quality.level}`,
    ...(failure ? [`failure: ${failure.code}${failure.trace ? `, trace ${failure.trace}` : ''}`] : []),
    ...(stats
      ? [
          `picture: ${stats.width ?? 0}x${stats.height ?? 0}, ${Math.round(stats.framesPerSecond ?? 0)} per second, ${stats.codec ?? 'no codec'}`,
          `way: ${stats.transport ?? 'unknown'}, ${Math.round(stats.kbps ?? 0)} kbit/s, delay ${Math.round(stats.rttMs ?? 0)} ms, lost ${(stats.lossPercent ?? 0).toFixed(1)} %`,
        ]
      : []),
    ...timelineLines('customer side', timelines.customer),
    ...timelineLines('own side', timelines.own),
  ];
  return lines.join('\n');
}

/**
 * @param {string} name
 * @param {import('../common/types.js').Timeline | null} timeline
 */
function timelineLines(name, timeline) {
  if (!timeline) return [];
  const steps = timeline.steps.map(({ at, step }) => `  ${at} ${step}`);
  return [`${name}: generation ${timeline.generation}${timeline.cause ? `, cause ${timeline.cause}` : ''}`, ...steps];
}
