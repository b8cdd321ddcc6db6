// @ts-check
/** How long to wait before trying again. */

/** Milliseconds before each further try; the last one repeats. */
const STEPS = [0, 300, 700, 1500, 3000, 5000];

/**
 * The waiting time before try number `attempt` (from 0): the step and up to half of it more, so
 * that a thousand pages do not come back to a restarted server in one instant.
 * @param {number} attempt
 * @param {() => number} random
 */
export function backOff(attempt, random) {
  const step = STEPS[Math.min(attempt, STEPS.length - 1)];
  return step * (1 + random() / 2);
}
