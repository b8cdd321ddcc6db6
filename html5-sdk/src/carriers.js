// @ts-check
/**
 * The two ways a channel's frames travel. A carrier is opened once, reports frames and its end,
 * and reports nothing after its end or after `close()`.
 */

import { LensError } from './errors.js';

/**
 * @typedef {object} Hello
 * @property {string} channel
 * @property {string | undefined} hub
 * @property {number} last_seq
 *
 * @typedef {object} CarrierOptions
 * @property {string} base origin of the server
 * @property {string} door
 * @property {Hello} hello
 * @property {string | undefined} ticket
 * @property {import('./environment.js').Environment} environment
 * @property {(text: string) => void} onFrame
 * @property {(error?: LensError) => void} onEnd with the server's own words, if it had any
 *
 * @typedef {{ send(text: string): void, close(): void }} Carrier
 */

/** @implements {Carrier} */
export class WebSocketCarrier {
  #socket;
  #ended = false;

  /** @param {CarrierOptions} options */
  constructor({ base, door, hello, ticket, environment, onFrame, onEnd }) {
    const url = new URL(`/ws/${door}`, base);
    url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
    const end = () => {
      if (this.#ended) return;
      this.#ended = true;
      onEnd();
    };
    const socket = new environment.WebSocket(url);
    this.#socket = socket;
    socket.onopen = () => {
      if (this.#ended) return;
      // The ticket goes in the first frame: a browser's WebSocket cannot carry a header, and
      // a query would stand in logs.
      socket.send(JSON.stringify({ v: 1, kind: 'resume', ...hello, ticket }));
    };
    socket.onmessage = (event) => {
      if (!this.#ended && typeof event.data === 'string') onFrame(event.data);
    };
    socket.onerror = end;
    socket.onclose = end;
  }

  /** @param {string} text */
  send(text) {
    if (!this.#ended && this.#socket.readyState === 1) this.#socket.send(text);
  }

  close() {
    this.#ended = true;
    this.#socket.close();
  }
}

/**
 * Server-sent events one way, `POST` the other: for where WebSockets do not pass, such as Safari
 * with a self-signed certificate, or proxies without upgrade. Reads the stream by `fetch`, since an
 * `EventSource` can carry no ticket and hides the server's reason for a refusal.
 *
 * @implements {Carrier}
 */
export class EventStreamCarrier {
  #abort = new AbortController();
  #key = '';
  /** Frames to post, oldest first. @type {string[]} */
  #queue = [];
  #posting = false;
  #options;

  /** @param {CarrierOptions} options */
  constructor(options) {
    this.#options = options;
    void this.#read().then(
      () => this.#end(),
      (error) => this.#end(error),
    );
  }

  /** @param {string} text */
  send(text) {
    this.#queue.push(text);
    void this.#post();
  }

  close() {
    // A message that is on its way (a goodbye) is not called back.
    if (!this.#posting) this.#abort.abort();
    this.#options = { ...this.#options, onFrame: () => {}, onEnd: () => {} };
    setTimeout(() => this.#abort.abort(), 1000);
  }

  /** @param {unknown} [error] */
  #end(error) {
    if (this.#abort.signal.aborted) return;
    this.#abort.abort();
    this.#options.onEnd(error instanceof LensError ? error : undefined);
  }

  async #read() {
    const { base, door, hello, ticket, environment } = this.#options;
    const url = new URL(`/sse/${door}`, base);
    url.searchParams.set('channel', hello.channel);
    if (hello.hub) url.searchParams.set('hub', hello.hub);
    url.searchParams.set('last_seq', String(hello.last_seq));
    /** @type {Record<string, string>} */
    const headers = { Accept: 'text/event-stream', 'Lens-Request': '1' };
    if (ticket) headers['Lens-Ticket'] = ticket;
    const response = await environment.fetch(url, {
      headers,
      cache: 'no-store',
      credentials: 'same-origin',
      signal: this.#abort.signal,
    });
    if (!response.ok) throw await LensError.fromResponse(response);
    if (!response.body) return;
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      for (const event of events) if (!this.#event(event)) return;
    }
  }

  /**
   * @param {string} text one event without its blank line
   * @returns {boolean} false when it was the last
   */
  #event(text) {
    let name = 'message';
    let data = '';
    for (const line of text.split('\n')) {
      if (line.startsWith('event: ')) name = line.slice(7);
      else if (line.startsWith('data: ')) data += line.slice(6);
    }
    if (name === 'carrier') this.#key = JSON.parse(data).key;
    else if (name === 'message' && data) this.#options.onFrame(data);
    return name !== 'close';
  }

  async #post() {
    if (this.#posting) return;
    this.#posting = true;
    try {
      while (this.#queue.length > 0 && !this.#abort.signal.aborted) {
        const batch = this.#queue.slice(0, 50);
        const wait = await this.#postOnce(batch);
        if (wait === undefined) this.#queue.splice(0, batch.length);
        else await new Promise((resolve) => setTimeout(resolve, wait));
      }
    } catch (error) {
      this.#end(error);
    } finally {
      this.#posting = false;
    }
  }

  /**
   * @param {string[]} batch
   * @returns {Promise<number | undefined>} milliseconds after which to try the same again
   */
  async #postOnce(batch) {
    const { base, door, hello, environment } = this.#options;
    const url = new URL(`/sse/${door}`, base);
    url.searchParams.set('channel', hello.channel);
    const response = await environment.fetch(url, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'Lens-Request': '1',
        'Lens-Carrier': this.#key,
      },
      body: `[${batch.join(',')}]`,
      cache: 'no-store',
      credentials: 'same-origin',
      signal: this.#abort.signal,
    });
    if (response.status === 429 || response.status === 503) {
      return 1000 * Math.min(30, Number(response.headers.get('Retry-After')) || 1);
    }
    // The key has ended with its stream, or a frame is missing: connect again and re-send.
    if (!response.ok) throw undefined;
    const { received } = await response.json();
    const last = JSON.parse(batch[batch.length - 1]).seq;
    if (last > received) throw undefined;
    return undefined;
  }
}
