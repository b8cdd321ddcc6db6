// Looks behind the pages at their RTCPeerConnections: what was negotiated and what flows. Needs
// `rememberConnections` as the page's first script.

/** Runs first in each document: keeps every RTCPeerConnection that the page makes. */
export function rememberConnections() {
  globalThis.__connections = [];
  globalThis.__channels = [];
  const Original = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Original {
    constructor(configuration) {
      super(configuration);
      globalThis.__connections.push(this);
      this.addEventListener('datachannel', (event) => globalThis.__channels.push(event.channel));
    }

    createDataChannel(label, options) {
      const channel = super.createDataChannel(label, options);
      globalThis.__channels.push(channel);
      return channel;
    }
  };
}

/**
 * Facts of the newest connection of a page: `transport` (udp or tcp), `remote` (address:port),
 * `srtpCipher`, and per media kind what comes in and goes out.
 */
export async function connectionFacts(page) {
  return page.evaluate(async () => {
    const connection = globalThis.__connections.findLast((c) => c.connectionState !== 'closed');
    if (!connection) return null;
    const entries = [...(await connection.getStats()).values()];
    const byId = new Map(entries.map((entry) => [entry.id, entry]));
    const transport = entries.find((entry) => entry.type === 'transport');
    const pair =
      byId.get(transport?.selectedCandidatePairId) ??
      entries.find((entry) => entry.type === 'candidate-pair' && (entry.selected || entry.nominated));
    const local = byId.get(pair?.localCandidateId);
    const remote = byId.get(pair?.remoteCandidateId);
    const flow = (type, kind) => {
      const found = entries.filter((entry) => entry.type === type && entry.kind === kind);
      const busiest = found.sort(
        (a, b) => (b.packetsReceived ?? b.packetsSent ?? 0) - (a.packetsReceived ?? a.packetsSent ?? 0),
      )[0];
      if (!busiest) return null;
      const { mimeType } = byId.get(busiest.codecId) ?? {};
      const names = [
        ...['packetsReceived', 'packetsSent', 'packetsLost', 'framesDecoded', 'framesEncoded'],
        ...['framesSent', 'framesReceived', 'framesDropped', 'frameWidth', 'frameHeight'],
        ...['totalAudioEnergy', 'audioLevel', 'freezeCount', 'nackCount', 'pliCount', 'keyFramesDecoded'],
        ...['bytesReceived', 'bytesSent', 'qualityLimitationReason'],
      ];
      const facts = { codec: mimeType };
      for (const name of names) if (busiest[name] !== undefined) facts[name] = busiest[name];
      return facts;
    };
    return {
      state: connection.connectionState,
      transport: local?.protocol ?? remote?.protocol,
      remote: remote && `${remote.address ?? remote.ip}:${remote.port}`,
      srtpCipher: transport?.srtpCipher?.replace(/^SRTP_/, ''),
      tlsVersion: transport?.tlsVersion,
      dtlsRole: transport?.dtlsRole,
      videoIn: flow('inbound-rtp', 'video'),
      videoOut: flow('outbound-rtp', 'video'),
      audioIn: flow('inbound-rtp', 'audio'),
      audioOut: flow('outbound-rtp', 'audio'),
    };
  });
}
