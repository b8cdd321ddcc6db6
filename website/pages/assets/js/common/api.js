/**
 * The website's own API. Every failure is a {@link Problem} with a stable code, also when there
 * was no answer at all (`offline`).
 */

/** A request that did not do what it should. `code` is from the server's error table. */
export class Problem extends Error {
  /**
   * @param {string} code
   * @param {{ status?: number, title?: string, detail?: string, retry_after_s?: number, trace_id?: string }} [answer]
   */
  constructor(code, answer = {}) {
    super(answer.title ?? code);
    this.name = 'Problem';
    this.code = code;
    this.status = answer.status ?? 0;
    this.detail = answer.detail ?? '';
    /** Whole seconds to wait before trying again; 0 when unknown. */
    this.wait = answer.retry_after_s ?? 0;
    /** Quoted when the problem is reported. */
    this.trace = answer.trace_id ?? '';
  }
}

/** Longest wait for an answer, in milliseconds. A shorter one would give up on slow mobile links. */
const PATIENCE_MS = 20_000;

/**
 * @template T
 * @param {'GET' | 'POST' | 'PATCH'} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ keepalive?: boolean }} [options]
 * @returns {Promise<T>}
 */
async function request(method, path, body, options = {}) {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  /** @type {Response} */
  let response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      cache: 'no-store',
      keepalive: options.keepalive ?? false,
      signal: patience.signal,
      headers: method === 'GET' ? {} : { 'content-type': 'application/json', 'lens-request': '1' },
      body: method === 'GET' ? undefined : JSON.stringify(body ?? {}),
    });
  } catch {
    throw new Problem('offline');
  } finally {
    clearTimeout(timer);
  }
  if (!response.ok) throw await problemOf(response);
  if (response.status === 204) return /** @type {T} */ (undefined);
  const text = await response.text();
  if (text === '') return /** @type {T} */ (undefined);
  try {
    return JSON.parse(text);
  } catch {
    throw new Problem('internal', { status: response.status });
  }
}

/** @param {Response} response */
async function problemOf(response) {
  const wait = Number(response.headers.get('retry-after')) || 0;
  try {
    const answer = await response.json();
    return new Problem(String(answer.code ?? 'internal'), { retry_after_s: wait, ...answer, status: response.status });
  } catch {
    return new Problem(response.status === 429 ? 'rate_limited' : 'internal', { status: response.status, retry_after_s: wait });
  }
}

/**
 * @template T
 * @param {string} path
 * @returns {Promise<T>}
 */
export const get = (path) => request('GET', path);

/**
 * @template T
 * @param {string} path
 * @param {unknown} [body]
 * @param {{ keepalive?: boolean }} [options]
 * @returns {Promise<T>}
 */
export const post = (path, body, options) => request('POST', path, body, options);

/**
 * @template T
 * @param {string} path
 * @param {unknown} body
 * @returns {Promise<T>}
 */
export const patch = (path, body) => request('PATCH', path, body);

/**
 * The problem's code, or `internal` for anything that is no problem of ours.
 * @param {unknown} error
 */
export function codeOf(error) {
  return error instanceof Problem ? error.code : 'internal';
}
