// How each face's testee is started.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../browser/lib/paths.mjs';

/** The programs that were built, and the browser's; with those of a third party, `name=command`. */
export function faces(more) {
  const built = process.env.LENS_TESTEES ?? join(ROOT, 'target/testees');
  /** @type {Record<string, string[]>} */
  const known = { browser: [process.execPath, join(import.meta.dirname, '../testees/browser.mjs')] };
  for (const face of ['rust', 'c', 'c-asan', 'java']) {
    const program = join(built, `testee-${face}`);
    if (existsSync(program)) known[face] = [program];
  }
  for (const given of more) {
    const [name, command] = given.split(/=(.*)/s);
    known[name] = command.split(' ');
  }
  return known;
}
