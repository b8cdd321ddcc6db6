// The conference that testees meet in: opened over the HTTP API of a real server, whose offers and
// rosters are handed to them, and which gets their answers. Signalling as an integrator carries it.

/** Waits for the server's events this long at a time, in seconds. */
const WAIT_S = 1;
/** How often a seat is asked for while no streaming server answers, and how long between. */
const TRIES = 10;
const TRY_AGAIN_MS = 500;

export class Conference {
  #api;
  #id;
  #open = true;
  #after = 0;
  #telling;
  /** By testee. @type {Map<import('./testee.mjs').Testee, { offer: any, api: any }>} */
  #seats = new Map();
  #joined = new Map();

  /** @param {import('../../browser/lib/server.mjs').Server} server */
  static async open(server, key) {
    const conference = new Conference();
    conference.#api = server.http.withBearer(key);
    const { next } = await conference.#api.get('/v1/events?after=0&wait_s=0');
    conference.#after = next;
    conference.#id = (await conference.#api.post('/v1/conferences', {})).id;
    conference.#telling = conference.#tellRosters();
    return conference;
  }

  /** The seat of a testee takes an offer and hands it over. */
  async join(testee, role) {
    const body = { role, display_name: testee.face };
    const offer = await retried(() => this.#api.post(`${this.#path}/participants`, body));
    this.#seats.set(testee, { offer, api: this.#api.withBearer(offer.media_token) });
    this.#joined.set(testee, offer.participant);
    await testee.call('receive', { signal: { kind: 'offer', ...offer } });
  }

  /** The id that it had when it joined. */
  joinedAs(testee) {
    return this.#joined.get(testee);
  }

  /** The name of the streaming server that carries it. */
  async node() {
    return (await this.#api.get(this.#path)).node;
  }

  /** A new generation of a testee's seat. */
  async renew(testee) {
    const offer = await this.#api.post(`${this.#pathOf(testee)}/offer`, {});
    const api = offer.media_token ? this.#api.withBearer(offer.media_token) : this.#seats.get(testee).api;
    this.#seats.set(testee, { offer, api });
    await testee.call('receive', { signal: { kind: 'offer', ...offer } });
  }

  /** The last offer once more. */
  async repeat(testee) {
    const { offer } = this.#seats.get(testee);
    await testee.call('receive', { signal: { kind: 'offer', ...offer } });
  }

  /** Its id as a participant. */
  idOf(testee) {
    return this.#seats.get(testee)?.offer.participant;
  }

  /** Carries what a testee wants carried, and says what became of it. */
  async carry(testee, { signal_id: id, signal }) {
    try {
      await this.#carry(testee, signal);
      await testee.call('sent', { signal_id: id });
    } catch (error) {
      // The scenario may have ended meanwhile, and the testee with it.
      if (this.#open) await testee.call('failed', { signal_id: id, retryable: !error.status }).catch(() => {});
    }
  }

  async #carry(testee, { kind, generation, negotiation_id, sdp }) {
    const seat = this.#seats.get(testee);
    if (kind === 'answer') {
      await seat.api.put(`${this.#pathOf(testee)}/answer`, { generation, negotiation_id, sdp });
    } else if (kind === 'offer_request') {
      await this.renew(testee);
    } else if (kind === 'bye') {
      await this.#api.call('DELETE', this.#pathOf(testee));
    }
  }

  async close() {
    this.#open = false;
    await this.#api.call('DELETE', this.#path).catch(() => {});
    await this.#telling;
  }

  get #path() {
    return `/v1/conferences/${this.#id}`;
  }

  #pathOf(testee) {
    return `${this.#path}/participants/${this.idOf(testee)}`;
  }

  async #tellRosters() {
    while (this.#open) {
      const path = `/v1/events?after=${this.#after}&wait_s=${WAIT_S}`;
      // The server may be away for a while: that is some scenarios' subject.
      const told = await this.#api.get(path).catch(() => null);
      if (!told) await new Promise((resolve) => setTimeout(resolve, 100));
      this.#after = told?.next ?? this.#after;
      const rosters = (told?.events ?? []).filter((event) => event.event === 'roster');
      for (const roster of rosters.filter((event) => event.conference === this.#id)) await this.#tell(roster);
    }
  }

  async #tell(event) {
    const seats = [...this.#seats].find(([, { offer }]) => offer.participant === event.participant);
    const signal = rosterFor(this.#id, event);
    await seats?.[0].call('receive', { signal }).catch(() => {});
  }
}

/** As an integrator does: what the server says can succeed later is asked again. */
async function retried(ask) {
  for (let left = TRIES; ; left -= 1) {
    try {
      return await ask();
    } catch (error) {
      if (left === 1 || error.status !== 503) throw error;
      await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
    }
  }
}

function rosterFor(conference, { participant, slots }) {
  const sources = [...new Set(slots.map((slot) => slot.source).filter(Boolean))];
  return {
    kind: 'roster',
    conference,
    you: participant,
    participants: sources.map((source) => ({
      participant: source,
      role: 'viewer',
      display_name: '',
      slots: slots.filter((slot) => slot.source === source).map(({ mid, kind }) => ({ mid, kind })),
    })),
  };
}
