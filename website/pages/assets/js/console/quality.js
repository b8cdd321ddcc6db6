/**
 * How good the picture comes through, and whose leg is weak. Pure: figures in, a judgement out.
 * Thresholds are what a technician can still work with, not what the network could do.
 */

/** @typedef {import('../common/types.js').Stats} Stats */
/** @typedef {'good' | 'fair' | 'weak' | 'none'} Level */
/** @typedef {'customer' | 'own' | null} Leg */
/** @typedef {{ level: Level, leg: Leg, bars: 0 | 2 | 3 | 4 }} Quality */

/** Below these the picture is hard to work with. */
const WEAK = { framesPerSecond: 8, height: 240, lossPercent: 6, rttMs: 500 };
/** Below these one can see that something is missing. */
const FAIR = { framesPerSecond: 15, height: 360, lossPercent: 2, rttMs: 250 };

const BARS = /** @type {const} */ ({ good: 4, fair: 3, weak: 2, none: 0 });

/**
 * @param {Stats | null} own this console's side
 * @param {{ rtt_ms: number | null } | null} customer the server's figures of the customer's side
 * @param {boolean} flowing whether pictures arrive now
 * @returns {Quality}
 */
export function judge(own, customer, flowing) {
  if (!own || !flowing) return { level: 'none', leg: null, bars: 0 };
  const ownLevel = worst(
    over(own.lossPercent, FAIR.lossPercent, WEAK.lossPercent),
    over(own.rttMs, FAIR.rttMs, WEAK.rttMs),
  );
  const pictureLevel = worst(
    under(own.framesPerSecond, FAIR.framesPerSecond, WEAK.framesPerSecond),
    under(Math.min(own.height ?? Infinity, own.width ?? Infinity), FAIR.height, WEAK.height),
  );
  const theirLevel = over(customer?.rtt_ms, FAIR.rttMs, WEAK.rttMs);
  const level = worst(ownLevel, pictureLevel, theirLevel);
  return { level, leg: legOf(level, ownLevel), bars: BARS[level] };
}

/**
 * A thin picture over a sound own line comes thin from the customer.
 * @param {Level} level
 * @param {Level} ownLevel
 * @returns {Leg}
 */
function legOf(level, ownLevel) {
  if (level === 'good') return null;
  return ownLevel === 'good' ? 'customer' : 'own';
}

/**
 * @param {...Level} levels
 * @returns {Level}
 */
function worst(...levels) {
  for (const level of /** @type {const} */ (['weak', 'fair'])) if (levels.includes(level)) return level;
  return 'good';
}

/**
 * @param {number | null | undefined} value unknown is no blame
 * @param {number} fair
 * @param {number} weak
 * @returns {Level}
 */
function over(value, fair, weak) {
  if (value === undefined || value === null || value <= fair) return 'good';
  return value <= weak ? 'fair' : 'weak';
}

/**
 * @param {number | null | undefined} value
 * @param {number} fair
 * @param {number} weak
 * @returns {Level}
 */
function under(value, fair, weak) {
  if (value === undefined || value === null || !Number.isFinite(value) || value >= fair) return 'good';
  return value >= weak ? 'fair' : 'weak';
}
