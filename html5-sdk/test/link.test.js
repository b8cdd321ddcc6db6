import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { deriveLinkSecrets, readSessionLink } from '../src/link.js';

/** Shared with the server's implementation. */
const VECTORS = new URL('../../auth/vectors/link.json', import.meta.url);

test('the halves of a link are those the server derives', async () => {
  const vectors = JSON.parse(readFileSync(VECTORS, 'utf8'));
  assert.ok(vectors.length > 0);
  for (const { secret, lookup, auth } of vectors) {
    assert.deepEqual(await deriveLinkSecrets(secret), { lookup, auth });
  }
});

test('a link without a well-formed secret is none', async () => {
  const secret = 'AAECAwQFBgcICQoLDA0ODw';
  assert.equal(readSessionLink(`https://lens.example/s#${secret}`), secret);
  assert.equal(readSessionLink(`#${secret}`), secret);
  for (const bad of ['', '#', 'https://lens.example/s', `#${secret}A`, `#${secret.slice(1)}`, '#AAECAwQFBgcICQoLDA0OD*', '#AAECAwQFBgcICQoLDA0ODx']) {
    assert.equal(readSessionLink(bad), null, bad);
  }
  await assert.rejects(deriveLinkSecrets('AAAA'), TypeError);
});
