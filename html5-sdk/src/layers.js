// @ts-check
/**
 * Several sizes of one picture (simulcast, RFC 8853), for a server that asks for them: each viewer
 * gets one that its network carries.
 */

/** @typedef {{ rid: string, paused: boolean }} Layer */

/** Size and most bits per second of each; what the offer allows in all is kept by the browser.
 * @type {Record<string, { scale: number, bps?: number }>} */
const SHAPES = {
  h: { scale: 1 },
  m: { scale: 2, bps: 500_000 },
  l: { scale: 4, bps: 150_000 },
};

/**
 * The layers that an offer asks for in a section. Those that it calls paused (`~`) are for when
 * there is more than one viewer.
 * @param {string} sdp
 * @param {string | null} mid
 * @returns {Layer[]} empty for one picture
 */
export function askedLayers(sdp, mid) {
  for (const section of sdp.split(/^m=/m).slice(1)) {
    const lines = section.split(/\r?\n/);
    if (!lines.includes(`a=mid:${mid}`)) continue;
    const asked = lines.map((line) => /^a=simulcast:(?:.* )?recv (\S+)/.exec(line)?.[1]);
    const names = asked.find((found) => found !== undefined)?.split(';') ?? [];
    return names.map((name) => ({ rid: name.replace(/^~/, ''), paused: name.startsWith('~') }));
  }
  return [];
}

/**
 * Gives each layer its size, and sends those that are wanted. A browser that refuses sends what it
 * likes, which the server copes with.
 * @param {RTCRtpSender} sender
 * @param {Layer[]} layers
 * @param {boolean} all also those that begin paused
 */
export async function shapeLayers(sender, layers, all) {
  if (layers.length === 0) return;
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings ?? []) {
    const layer = layers.find(({ rid }) => rid === encoding.rid);
    const shape = SHAPES[encoding.rid ?? ''];
    if (!layer || !shape) continue;
    encoding.scaleResolutionDownBy = shape.scale;
    if (shape.bps) encoding.maxBitrate = shape.bps;
    encoding.active = all || !layer.paused;
  }
  await sender.setParameters(parameters).catch((error) => {
    console.warn('Lens: the browser does not take the sizes of the picture', error);
  });
}
