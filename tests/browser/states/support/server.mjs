// Hands out the product's pages with the product's policy and with scripted answers.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { BROWSER_TESTS, ROOT } from '../../lib/paths.mjs';

const PAGES = join(ROOT, 'website/pages');
const POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};
const DOCUMENTS = { '/': 'customer.html', '/s': 'customer.html', '/console': 'console.html', '/setup': 'setup.html' };

/** The pages' server. `answers` maps `METHOD /path` to `[status, body]` or a function of body and query. */
export class StageServer {
  answers = {};
  bytes = 0;

  async start() {
    this.http = createServer((request, response) => this.#answer(request, response));
    await new Promise((resolve) => {
      this.http.listen(0, '127.0.0.1', () => resolve(null));
    });
    const { port } = /** @type {import('node:net').AddressInfo} */ (this.http.address());
    this.base = `http://127.0.0.1:${port}`;
  }

  stop() {
    this.http.closeAllConnections();
    return new Promise((resolve) => {
      this.http.close(resolve);
    });
  }

  async #answer(request, response) {
    const { pathname, searchParams } = new URL(request.url, 'http://stage');
    response.setHeader('content-security-policy', POLICY);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cache-control', 'no-store');
    if (pathname.startsWith('/api/')) return this.#api(request, response, pathname, Object.fromEntries(searchParams));
    const file = fileOf(pathname);
    try {
      const body = readFileSync(file);
      this.bytes += body.length;
      response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
      response.end(body);
    } catch {
      response.statusCode = 404;
      response.end();
    }
  }

  async #api(request, response, pathname, query) {
    let text = '';
    for await (const part of request) text += part;
    const scripted = this.answers[`${request.method} ${pathname}`];
    const body = text === '' ? undefined : JSON.parse(text);
    const answer = typeof scripted === 'function' ? await scripted(body, query) : scripted;
    const [status, value] = answer ?? [404, { code: 'not_found', title: 'not scripted', status: 404 }];
    response.statusCode = status;
    response.setHeader('content-type', status < 400 ? 'application/json' : 'application/problem+json');
    response.end(value === undefined ? '' : JSON.stringify(value));
  }
}

function fileOf(pathname) {
  if (pathname === '/sdk/index.js') return join(BROWSER_TESTS, 'states/support/sdk.js');
  if (pathname.startsWith('/console/')) return join(PAGES, 'console.html');
  const name = DOCUMENTS[pathname] ?? normalize(pathname).replace(/^(\.\.[/\\])+/, '');
  return join(PAGES, name);
}
