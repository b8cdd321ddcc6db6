// Serves the browser testee's page and the HTML5 SDK, from an origin of the test's own.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const TESTEES = fileURLToPath(new URL('../testees', import.meta.url));
const SDK = fileURLToPath(new URL('../../../html5-sdk/src', import.meta.url));
const TYPES = { '.html': 'text/html', '.js': 'text/javascript' };

/** Starts it on a free port of localhost. */
export async function serveFiles() {
  const server = createServer(async (request, response) => {
    const path = normalize(new URL(request.url, 'http://localhost').pathname);
    const file = path.startsWith('/sdk/') ? join(SDK, path.slice(5)) : join(TESTEES, path);
    try {
      const bytes = await readFile(file);
      response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'text/plain' });
      response.end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { origin: `http://localhost:${port}`, close };
}
