import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ERROR_CODES, LensError } from '../src/errors.js';

test("the error table is the server's, row by row", () => {
  const source = readFileSync(new URL('../../protocol/src/error.rs', import.meta.url), 'utf8');
  const row = /^\s+\w+, "(\w+)", \d+, -\d+, (true|false), ".*";$/gm;
  const rows = [...source.matchAll(row)].map(([, code, retryable]) => [code, retryable === 'true']);
  assert.ok(rows.length > 40);
  assert.deepEqual(Object.entries(ERROR_CODES), rows);
});

test('a problem answer keeps its code, and anything else gets one', async () => {
  const problem = { code: 'rate_limited', detail: 'slow down', retryable: true };
  const read = await LensError.fromResponse(new Response(JSON.stringify(problem), { status: 429 }));
  assert.equal(read.code, 'rate_limited');
  assert.equal(read.detail, 'slow down');
  assert.equal(read.retryable, true);
  const page = await LensError.fromResponse(new Response('<html>', { status: 502 }));
  assert.equal(page.code, 'unavailable');
  assert.equal(page.retryable, true);
});
