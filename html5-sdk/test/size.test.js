import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

/** What a page loads of the SDK, compressed, without comments and indentation: a minifier makes it
 * smaller still. */
const MOST_BYTES = 25_000;

test('the whole SDK stays within its budget', () => {
  const sources = new URL('../src/', import.meta.url);
  const files = readdirSync(sources).map((name) => readFileSync(new URL(name, sources), 'utf8'));
  const bare = files.join('').replace(/\/\*\*.*?\*\//gs, '').replace(/^\s*(\/\/.*)?\n?/gm, '');
  const size = gzipSync(bare, { level: 9 }).length;
  assert.ok(size <= MOST_BYTES, `${size} bytes, budget ${MOST_BYTES}`);
});
