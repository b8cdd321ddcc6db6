// Runs the scenarios for every pair of faces and prints a line for each pair and failure.
//
//   node run.mjs                           all pairs
//   node run.mjs --pair rust:browser       one of them; may be given several times
//   node run.mjs --only chat               scenarios whose name contains "chat"
//   node run.mjs --testee mine="./mine -v" another testee, as `mine` in pairs
//   node run.mjs --json FILE               the results, as README.md describes them
//
// LENS_BIN is the server, LENS_TESTEES the folder with the testees that were built.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MODULUS } from '../browser/lib/camera.mjs';
import { HOME_ADDRESS, makeNetwork, removeNetwork } from '../browser/lib/namespace.mjs';
import { ARTIFACTS } from '../browser/lib/paths.mjs';
import { Server } from '../browser/lib/server.mjs';
import { CLIP_MODULUS, clipFile } from './lib/clip.mjs';
import { Conference } from './lib/conference.mjs';
import { faces } from './lib/faces.mjs';
import { Ways } from './lib/network.mjs';
import { take } from './lib/steps.mjs';
import { Testee } from './lib/testee.mjs';

const HERE = import.meta.dirname;
const INSIDE = 'LENS_CONFORMANCE_NETWORK';

// Networks of its own, so that packets and addresses can be lost in them and nothing else meets them.
if (!process.env[INSIDE]) process.exit(againInside());

const { values } = parseArgs({
  options: {
    pair: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    testee: { type: 'string', multiple: true },
    json: { type: 'string' },
  },
});
const known = faces(values.testee ?? []);
// The same face once more, under a sanitizer, is for pairs that are asked for.
const everyFace = Object.keys(known).filter((face) => face !== 'c-asan');
const pairs = values.pair?.map((pair) => pair.split(':')) ?? everyPair(everyFace);
const scenarios = readdirSync(join(HERE, 'scenarios'))
  .sort()
  .map((file) => ({ name: file.replace(/\.json$/, ''), ...read(join('scenarios', file)) }))
  .filter(({ name }) => values.only?.some((part) => name.includes(part)) ?? true);
const unsupported = read('unsupported.json');
const clip = clipFile(join(ARTIFACTS, `counted-${CLIP_MODULUS}.ivf`));

const ways = new Ways(JSON.parse(process.env[INSIDE]));
const server = new Server({ address: HOME_ADDRESS });
const results = [];
try {
  await server.startSplit();
  const key = server.apiKey();
  for (const pair of pairs) results.push(await runPair(pair, key));
} finally {
  await server.stop();
  server.remove();
}
const faults = server.faults();
for (const fault of faults) console.log(`FAILED the server: ${fault}`);
if (values.json) writeFileSync(values.json, `${JSON.stringify({ pairs: results }, null, 2)}\n`);
const sum = (figure) => results.reduce((all, result) => all + result[figure], 0);
const failed = sum('failed') + faults.length;
console.log(`${sum('passed')} passed, ${failed} failed, ${sum('unsupported')} unsupported`);
process.exit(failed > 0 || results.length === 0 || scenarios.length === 0 ? 1 : 0);

function againInside() {
  const network = makeNetwork();
  try {
    Ways.prepare(network);
    const command = ['netns', 'exec', network.home, process.execPath, ...process.argv.slice(1)];
    const env = { ...process.env, [INSIDE]: JSON.stringify(network) };
    return spawnSync('ip', command, { env, stdio: 'inherit' }).status ?? 1;
  } finally {
    removeNetwork(network);
  }
}

function everyPair(names) {
  return names.flatMap((sender) => names.map((receiver) => [sender, receiver]));
}

function read(file) {
  return JSON.parse(readFileSync(join(HERE, file), 'utf8'));
}

async function runPair([sender, receiver], key) {
  const result = { sender, receiver, passed: 0, failed: 0, unsupported: 0, failures: [] };
  const testee = (face) => new Testee(face, [...ways.inAway, ...known[face]]);
  const cast = { camera: testee(sender), viewer: testee(receiver) };
  const fail = (problem) => {
    result.failed += 1;
    result.failures.push(problem);
    console.log(`FAILED ${sender} → ${receiver} · ${problem}`);
  };
  for (const scenario of scenarios) {
    if ([sender, receiver].some((face) => unsupported[face]?.[scenario.name])) {
      result.unsupported += 1;
      continue;
    }
    const problem = await runScenario(scenario, cast, key).catch((error) => error.message);
    if (problem) fail(`${scenario.name}: ${problem}`);
    else result.passed += 1;
  }
  const ends = await Promise.all([cast.camera.end(), cast.viewer.end()]);
  ends.filter((end) => end !== null).forEach(fail);
  console.log(`${sender} → ${receiver}: ${result.passed} passed, ${result.failed} failed, ${result.unsupported} unsupported`);
  return result;
}

/** What went wrong, or nothing. */
async function runScenario(scenario, cast, key) {
  const directory = mkdtempSync(join(tmpdir(), 'lens-conformance-'));
  const conference = await Conference.open(server, key);
  const modulus = cast.camera.face === 'browser' ? MODULUS : CLIP_MODULUS;
  const begin = async (role) => {
    const testee = cast[role];
    testee.prepare((signal) => conference.carry(testee, signal));
    const words = { role, clip, record: join(directory, `${role}.ivf`), ...scenario.begin?.[role] };
    await testee.call('begin', words);
  };
  try {
    for (const role of Object.keys(cast)) await begin(role);
    for (const [at, step] of scenario.steps.entries()) {
      await take(step, { conference, testees: cast, modulus, ways, server, begin }).catch((error) => {
        throw new Error(`step ${at + 1}: ${error.message}`, { cause: error });
      });
    }
  } finally {
    ways.restore();
    await conference.close();
    await Promise.all(Object.values(cast).map((testee) => testee.call('finish')));
    rmSync(directory, { recursive: true, force: true });
  }
}
