// A plain HTTP client for the doors of a product with a self-signed certificate: the scenario's
// side entrance, for what is not its subject.

import { Agent, request } from 'node:https';

const LIMIT_MS = 15_000;

/** An answer that was not the expected one. */
export class Refusal extends Error {
  constructor(method, path, status, body) {
    super(`${method} ${path}: ${status} ${body?.code ?? ''} ${body?.detail ?? body?.title ?? ''}`);
    this.status = status;
    this.body = body;
  }
}

/** Calls one origin; keeps the cookies it is given. */
export class Http {
  #agent = new Agent({ rejectUnauthorized: false, keepAlive: false });
  #cookies = new Map();

  /**
   * @param {string} origin
   * @param {{ bearer?: string }} [options]
   */
  constructor(origin, { bearer } = {}) {
    this.origin = origin;
    this.bearer = bearer;
  }

  /** Another caller of the same origin, with a key or token. */
  withBearer(bearer) {
    return new Http(this.origin, { bearer });
  }

  get(path) {
    return this.call('GET', path);
  }

  post(path, body, headers) {
    return this.call('POST', path, body, headers);
  }

  put(path, body) {
    return this.call('PUT', path, body);
  }

  delete(path) {
    return this.call('DELETE', path);
  }

  /** Calls and returns the parsed body; throws a Refusal for 4xx and 5xx. */
  async call(method, path, body, headers = {}) {
    const { status, parsed } = await this.exchange(method, path, body, headers);
    if (status >= 400) throw new Refusal(method, path, status, parsed);
    return parsed;
  }

  /** Calls and returns `{ status, headers, parsed }`, whatever the status. */
  async exchange(method, path, body, headers = {}) {
    const payload = body === undefined ? undefined : JSON.stringify(body);
    /** @type {Record<string, string>} */
    const all = { accept: 'application/json', 'lens-request': '1', origin: this.origin, ...headers };
    if (payload !== undefined) all['content-type'] = 'application/json';
    if (this.bearer) all.authorization = `Bearer ${this.bearer}`;
    if (this.#cookies.size > 0) {
      all.cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    }
    const answer = await this.#send(method, path, all, payload);
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [pair] = line.split(';');
      const at = pair.indexOf('=');
      this.#cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return answer;
  }

  #send(method, path, headers, payload) {
    return new Promise((resolve, reject) => {
      const call = request(
        new URL(path, this.origin),
        { method, headers, agent: this.#agent, timeout: LIMIT_MS },
        (response) => {
          const chunks = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('end', () => {
            const text = Buffer.concat(chunks).toString('utf8');
            resolve({
              status: response.statusCode,
              headers: response.headers,
              text,
              parsed: parse(text),
            });
          });
        },
      );
      call.on('timeout', () => call.destroy(new Error(`${method} ${path}: no answer in time`)));
      call.on('error', reject);
      call.end(payload);
    });
  }
}

function parse(text) {
  if (text === '') return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
