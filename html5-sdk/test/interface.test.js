import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { ERROR_CODES } from '../src/errors.js';

const read = (path) => readFileSync(new URL(path, import.meta.url), 'utf8');
const table = JSON.parse(read('../../media-sdk/interface.json'));
const declared = read('../index.d.ts');

/** The words of a union of strings in index.d.ts. */
function union(text) {
  return [...text.matchAll(/'([a-z0-9_]+)'/g)].map(([, word]) => word);
}

function declaration(pattern) {
  const found = declared.match(pattern);
  assert.ok(found, `index.d.ts has ${pattern}`);
  return found[1];
}

test('states, outcomes and shapes are those of every face', () => {
  const states = union(declaration(/type ParticipantState =([^;]*);/));
  assert.deepEqual(states, table.states.map(({ name }) => name));
  const outcomes = union(declaration(/type CommandOutcome =([^;]*);/));
  assert.deepEqual(outcomes.sort(), [...table.outcomes].sort());
  assert.deepEqual(union(declaration(/shape: ([^;]*);/)), table.shapes);
});

test('commands are those of every face', () => {
  const commands = [...declared.matchAll(/\{ command: '([a-z_]+)'/g)].map(([, word]) => word);
  assert.deepEqual(commands, table.commands);
});

test('codes of the server are those of every face', () => {
  const codes = table.server_codes.map(({ name, retryable }) => [name, retryable]);
  assert.deepEqual(Object.entries(ERROR_CODES), codes);
});

test('codes that the browser library makes itself are in the table', () => {
  const known = new Set(table.sdk_codes.map(({ name }) => name));
  for (const file of ['talk.js', 'participant.js', 'connection.js']) {
    const made = [...read(`../src/${file}`).matchAll(/new LensError\('([a-z_]+)'/g)].map(([, code]) => code);
    for (const code of made) assert.ok(known.has(code) || code in ERROR_CODES, `${file}: ${code}`);
  }
});

test('each event of the table is declared, and its name is dispatched', () => {
  const events = declaration(/interface ParticipantEvents \{([\s\S]*?)\n\}/);
  const sources = ['participant.js', 'talk.js'].map((file) => read(`../src/${file}`)).join('');
  for (const { html5 } of table.events.filter((event) => event.html5)) {
    assert.match(events, new RegExp(`^  ${html5}: `, 'm'));
    assert.match(sources, new RegExp(`'${html5}'`));
  }
});
