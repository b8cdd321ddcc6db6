// Serves the harness page and the HTML5 SDK, or an integrator's folder, from an origin of the test's own:
// nothing of it is in the product.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { BROWSER_TESTS, ROOT } from '../lib/paths.mjs';

const TYPES = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.mjs': 'text/javascript',
};

/**
 * Serves the harness on a free port of localhost, or of the scenario's address when `far` browsers are to
 * reach it; ends with the scenario. Returns the origin.
 */
export async function serveHarness(scenario, { far = false } = {}) {
  const port = await serve(scenario, fileFor, far ? scenario.address : '127.0.0.1');
  return `http://${far ? scenario.address : 'localhost'}:${port}`;
}

/** The same for the files of a folder. */
export async function serveFolder(scenario, folder) {
  const port = await serve(scenario, (path) => join(folder, normalize(path)), '127.0.0.1');
  return `http://localhost:${port}`;
}

async function serve(scenario, fileOf, address) {
  const server = createServer(async (request, response) => {
    try {
      const file = fileOf(new URL(request.url, 'http://localhost').pathname);
      const bytes = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => {
    server.listen(0, address, () => resolve(null));
  });
  scenario.afterwards(() => server.close());
  return /** @type {import('node:net').AddressInfo} */ (server.address()).port;
}

function fileFor(path) {
  const clean = normalize(path);
  if (clean === '/') return join(BROWSER_TESTS, 'harness/index.html');
  if (clean.startsWith('/sdk/')) return join(ROOT, 'html5-sdk/src', clean.slice(5));
  if (clean === '/picture.mjs') return join(BROWSER_TESTS, 'lib/picture.mjs');
  return join(BROWSER_TESTS, 'harness', clean);
}
