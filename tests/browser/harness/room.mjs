// A conference for media scenarios: the product, the harness page's origin, an API key for it, and
// participants in real browsers.

import { connectionFacts, rememberConnections } from '../lib/connections.mjs';
import { Person } from '../lib/steps.mjs';
import { serveHarness } from './serve.mjs';

/**
 * Opens a conference, on a fresh product unless there is one.
 * @param {import('../lib/scenario.mjs').Scenario} scenario
 * @param {{ conference?: object, server?: string[], far?: boolean,
 *   product?: import('../lib/server.mjs').Server }} [options] `far` for browsers in AWAY
 */
export async function openRoom(
  scenario,
  { conference = {}, server = [], far = false, product: own } = {},
) {
  const product = own ?? (await scenario.server(server));
  const origin = await serveHarness(scenario, { far });
  const key = await product.apiKey({ origins: [origin] });
  const api = product.http.withBearer(key);
  const made = await api.post('/v1/conferences', conference);
  return new Room(scenario, product, origin, api, made);
}

/** A conference and who is in it. */
export class Room {
  constructor(scenario, product, origin, api, made) {
    this.scenario = scenario;
    this.product = product;
    this.origin = origin;
    this.api = api;
    this.id = made.id;
    this.peers = [];
    this.#tellRosters();
  }

  // Who is in which slot comes by signalling on our pages. Without it, an integrator reads the events of
  // the conference and hands them on: so does this.
  #tellRosters() {
    let open = true;
    let after = 0;
    this.scenario.afterwards(() => {
      open = false;
    });
    const tell = async () => {
      while (open) {
        const { events, next } = await this.api.get(`/v1/events?after=${after}&wait_s=1`);
        after = next;
        for (const event of events.filter((e) => e.event === 'roster')) {
          const peer = this.peers.find((p) => p.id === event.participant);
          if (peer) await peer.hears(this.#rosterFor(event)).catch(() => {});
        }
      }
    };
    // Ends with the product.
    tell().catch(() => {});
  }

  // Whoever sends is the source of its own slots, and in the roster as well.
  #rosterFor({ participant, slots }) {
    const sources = [...new Set(slots.map((slot) => slot.source).filter(Boolean))];
    return {
      kind: 'roster',
      conference: this.id,
      you: participant,
      participants: sources.map((source) => ({
        participant: source,
        role: this.peers.find(({ id }) => id === source)?.role ?? 'viewer',
        display_name: '',
        slots: slots
          .filter((slot) => slot.source === source)
          .map(({ mid, kind }) => ({ mid, kind })),
      })),
    };
  }

  /**
   * Opens the harness page in `browser` and joins. Publishing is the caller's next step.
   * @param {any} browser
   * @param {'camera' | 'viewer'} role
   * @param {{ name?: string, codecs?: string[] }} [options]
   */
  async join(browser, role, { name = role, codecs } = {}) {
    const watched = await browser.newPage({
      name,
      origin: this.origin,
      permissions: browser.kind === 'chromium' ? ['camera', 'microphone'] : [],
      script: rememberConnections,
    });
    await watched.open(this.origin);
    const peer = new Peer(this, watched, role);
    await peer.person.until('the SDK is loaded', () => 'harness' in globalThis);
    await watched.page.evaluate((base) => globalThis.harness.begin(base), this.product.origin);
    const body = { role, display_name: name, ...(codecs && { codecs }) };
    const offer = await this.api.post(`/v1/conferences/${this.id}/participants`, body);
    this.product.secret('media token', offer.media_token);
    peer.offer = offer;
    this.peers.push(peer);
    return peer;
  }
}

/** A participant in a browser. */
export class Peer {
  constructor(room, watched, role) {
    this.room = room;
    this.role = role;
    this.watched = watched;
    this.page = watched.page;
    this.person = new Person(watched);
    this.offer = null;
    this.roster = null;
  }

  get id() {
    return this.offer.participant;
  }

  /** Gives the offer to the SDK and waits until it is connected. */
  async connect() {
    await this.page.evaluate((offer) => globalThis.harness.receive(offer), this.offer);
    // What came before the offer could not be understood.
    if (this.roster) await this.call('signal', this.roster);
    await this.person.until('connected', () => globalThis.harness.state() === 'connected');
    return this;
  }

  /** Takes a roster. */
  async hears(roster) {
    this.roster = roster;
    await this.call('signal', roster);
  }

  /** A new generation of this participant, handed to the SDK. */
  async renew() {
    const path = `/v1/conferences/${this.room.id}/participants/${this.id}/offer`;
    this.roster = null;
    this.offer = await this.room.api.post(path);
    return this.connect();
  }

  /** Calls a function of the harness page. */
  call(name, ...given) {
    return this.page.evaluate((n, g) => globalThis.harness[n](...g), name, given);
  }

  /** Facts of its connection. */
  facts() {
    return connectionFacts(this.page);
  }
}
