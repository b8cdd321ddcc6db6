// Records as the server gives them, for the page states.

const AT = Date.now();
const ago = (seconds) => new Date(AT - seconds * 1000).toISOString();

export const ANNA = { id: 't-anna', name: 'Anna Berg' };
export const ME = {
  technician: { id: 't-anna', email: 'anna.berg@halden.example', name: 'Anna Berg', role: 'administrator', disabled: false },
  organisation: 'Halden Fibre',
  pin_url: 'https://support.halden.example/',
};

/** A problem answer. */
export const problem = (status, code, more = {}) => [status, { code, status, title: code, retryable: false, ...more }];

/**
 * A session as a technician sees it; `since`, `started` and `ended` are seconds ago.
 * @param {string} id
 * @param {{ since?: number, started?: number, ended?: number, [field: string]: any }} facts
 */
export function session(id, { since = 60, started, ended, ...more }) {
  return {
    id,
    state: 'created',
    state_since: ago(since),
    trouble: null,
    reference: null,
    customer_name: null,
    customer_device: null,
    capabilities: [],
    presence: { camera: 'off', muted: false },
    customer_online: true,
    created_by: ANNA,
    lead: null,
    people: [],
    created_at: ago(Math.max(since, started ?? 0) + 60),
    started_at: started === undefined ? null : ago(started),
    ended_at: ended === undefined ? null : ago(ended),
    close_reason: null,
    invitation: null,
    conference: started === undefined ? null : 'c1',
    ...more,
  };
}

/** A kept chat line, `seconds` ago. */
export const chatLine = (id, from, name, seconds, text) => ({ id, from, name, at: ago(seconds), text });

const event = (id, seconds, kind, origin, actor, body = {}) => ({ id, session: 'margit', source: 'front', epoch: 1, seq: 1, schema_version: 1, at: ago(seconds), origin, kind, technician: null, actor, body });

export const LOG = [
  event('e1', 330, 'session.created', 'console', 'Anna Berg', { reference: 'Ticket 20418' }),
  event('e2', 329, 'invitation.made', 'console', 'Anna Berg'),
  event('e3', 290, 'invitation.redeemed', 'app', null, { by: 'pin', device: 'iPhone, Safari' }),
  event('e4', 262, 'consent.given', 'app', null, { capabilities: ['camera', 'voice'], text_version: 3 }),
  event('e5', 253, 'session.started', 'console', 'Anna Berg'),
  event('e6', 252, 'media.first_picture', 'sfu', null),
  event('e7', 140, 'watcher.joined', 'console', 'Ben Okafor', { name: 'Ben Okafor' }),
  event('e8', 80, 'session.reconnecting', 'server', null, { trouble: 'customer' }),
  event('e9', 79, 'session.recovered', 'server', null),
];

/** What `Participant.stats()` gives while all is well. */
export const STATS = { transport: 'udp', rttMs: 62, lossPercent: 0.4, kbps: 1420, width: 1280, height: 720, framesPerSecond: 29, codec: 'VP8', jitterMs: 4, framesDecoded: 0, freezeCount: 0, direction: 'down' };

const steps = ['offer_made', 'answer_applied', 'first_check', 'ice_connected', 'dtls_connected', 'first_packet_in', 'first_keyframe_in'];
export const TIMELINES = {
  participant: 'p-camera',
  generation: 1,
  node: 'sfu-1',
  steps: steps.map((step, at) => ({ step, at: new Date(AT - 252_000 + at * 70).toISOString() })),
  cause: null,
  stats: { transport: 'udp', loss: 0.004, rtt_ms: 58, packets_in: 4200, bytes_in: 4_200_000, packets_out: 0, bytes_out: 0, plis_in: 0, plis_out: 1, nacks_in: 3, srtp_profile: 'AEAD_AES_256_GCM' },
};

// 25 × 25 blocks in the manner of a QR code; nothing can be read from it.
const blocks = [];
for (let y = 0; y < 25; y += 1) {
  for (let x = 0; x < 25; x += 1) {
    const corner = (cx, cy) => x >= cx && x < cx + 7 && y >= cy && y < cy + 7;
    const ring = (cx, cy) => {
      const [dx, dy] = [x - cx, y - cy];
      return dx === 0 || dx === 6 || dy === 0 || dy === 6 || (dx > 1 && dx < 5 && dy > 1 && dy < 5);
    };
    const at = [[0, 0], [18, 0], [0, 18]].find(([cx, cy]) => corner(cx, cy));
    if (at ? ring(...at) : (x * 7 + y * 13 + ((x * y) % 5)) % 3 === 0) blocks.push(`M${x + 4} ${y + 4}h1v1h-1z`);
  }
}
export const INVITATION = {
  id: 'i1',
  pin: '482915',
  pin_url: 'https://support.halden.example/',
  link: 'https://support.halden.example/s#AAECAwQFBgcICQoLDA0ODw',
  qr_svg: `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 33 33"><rect width="33" height="33" fill="#ffffff"/><path d="${blocks.join('')}" fill="#000000"/></svg>`,
  expires_at: new Date(AT + 1_182_000).toISOString(),
};
