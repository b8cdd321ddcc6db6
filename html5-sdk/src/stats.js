// @ts-check
/**
 * Figures of a connection, in words a page can show, out of `RTCPeerConnection.getStats()`.
 */

/**
 * @typedef {object} Stats
 * @property {'udp' | 'tcp' | null} transport of the selected pair
 * @property {number | null} rttMs
 * @property {number | null} lossPercent since the former call, of the main stream
 * @property {number | null} kbps since the former call, of the main stream
 * @property {number | null} width of the picture
 * @property {number | null} height
 * @property {number | null} framesPerSecond
 * @property {string | null} codec such as `VP8`
 * @property {number | null} jitterMs
 * @property {number | null} framesDecoded on the receiving side
 * @property {number | null} freezeCount on the receiving side
 * @property {'send' | 'receive' | null} direction of the main stream
 */

/**
 * Which packets came in, and when to worry about none coming.
 * @typedef {{ received: number, limitMs: number }} Pulse
 */

/** Silence that means a broken connection where every check's answer is counted: Chromium checks
 * an idle pair each 2.5 s. */
const SILENCE_CHECKED_MS = 4_000;
/** Elsewhere: consent is checked each 5 s (RFC 7675). */
const SILENCE_MS = 8_000;

/** Turns reports into figures; remembers the former for what is counted. */
export class StatsReader {
  /** @type {{ id: string, at: number, bytes: number, packets: number, lost: number } | null} */
  #former = null;

  /**
   * @param {RTCStatsReport} report
   * @returns {Stats}
   */
  read(report) {
    const all = [...report.values()];
    const pair = selectedPair(report, all);
    const main = mainStream(all);
    const remote = main && all.find((entry) => entry.localId === main.id);
    const local = pair && report.get(pair.localCandidateId);
    const moved = main ? this.#moved(main, remote) : { kbps: null, lossPercent: null };
    const seconds = pair?.currentRoundTripTime ?? remote?.roundTripTime;
    const jitter = main?.jitter ?? remote?.jitter;
    return {
      transport: local?.protocol ?? null,
      rttMs: seconds === undefined ? null : Math.round(seconds * 1000),
      lossPercent: moved.lossPercent,
      kbps: moved.kbps,
      width: main?.frameWidth ?? null,
      height: main?.frameHeight ?? null,
      framesPerSecond: main?.framesPerSecond ?? null,
      codec: codecName(report.get(main?.codecId)),
      jitterMs: jitter === undefined ? null : Math.round(jitter * 1000),
      framesDecoded: main?.framesDecoded ?? null,
      freezeCount: main?.freezeCount ?? null,
      direction: main ? (main.type === 'outbound-rtp' ? 'send' : 'receive') : null,
    };
  }

  /**
   * @param {any} main
   * @param {any} remote what the other side reports of our stream
   */
  #moved(main, remote) {
    const sending = main.type === 'outbound-rtp';
    const now = {
      id: main.id,
      at: main.timestamp,
      bytes: sending ? main.bytesSent : main.bytesReceived,
      packets: sending ? main.packetsSent : main.packetsReceived,
      lost: (sending ? remote?.packetsLost : main.packetsLost) ?? 0,
    };
    const former = this.#former;
    this.#former = now;
    if (!former || former.id !== now.id || now.at <= former.at) {
      return { kbps: null, lossPercent: null };
    }
    const lost = Math.max(0, now.lost - former.lost);
    const arrived = Math.max(0, now.packets - former.packets);
    const total = sending ? arrived : arrived + lost;
    return {
      kbps: Math.round(((now.bytes - former.bytes) * 8) / (now.at - former.at)),
      lossPercent: total > 0 ? Math.round((1000 * Math.min(lost, total)) / total) / 10 : 0,
    };
  }
}

/**
 * How much has come in over the selected pair: media, RTCP and answers to checks.
 * @param {RTCStatsReport} report
 * @returns {Pulse | null} null when there is no pair, or the browser does not count
 */
export function readPulse(report) {
  const pair = selectedPair(report, [...report.values()]);
  if (!pair || pair.bytesReceived === undefined) return null;
  const checked = pair.responsesReceived !== undefined;
  const checks = checked ? pair.responsesReceived + (pair.requestsReceived ?? 0) : 0;
  const received = pair.bytesReceived + checks + (pair.lastPacketReceivedTimestamp ?? 0);
  return { received, limitMs: checked ? SILENCE_CHECKED_MS : SILENCE_MS };
}

/**
 * @param {RTCStatsReport} report
 * @param {any[]} all
 */
function selectedPair(report, all) {
  const transport = all.find((entry) => entry.type === 'transport' && entry.selectedCandidatePairId);
  if (transport) return report.get(transport.selectedCandidatePairId);
  const pairs = all.filter((entry) => entry.type === 'candidate-pair');
  return pairs.find((pair) => pair.selected) ?? pairs.find((pair) => pair.nominated);
}

/** The video that moves, else the voice. @param {any[]} all */
function mainStream(all) {
  const streams = all.filter((entry) => {
    const bytes = entry.type === 'inbound-rtp' ? entry.bytesReceived : entry.bytesSent;
    return (entry.type === 'inbound-rtp' || entry.type === 'outbound-rtp') && bytes > 0;
  });
  const most = (/** @type {string} */ kind) =>
    streams
      .filter((stream) => stream.kind === kind)
      .sort((a, b) => (b.bytesReceived ?? b.bytesSent) - (a.bytesReceived ?? a.bytesSent))[0];
  return most('video') ?? most('audio') ?? null;
}

/** @param {any} codec */
function codecName(codec) {
  return codec?.mimeType ? String(codec.mimeType).split('/')[1] : null;
}
