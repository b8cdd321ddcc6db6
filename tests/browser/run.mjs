// Runs the browser scenarios one after the other, each in a process of its own, and prints a line for
// each and the sum at the end.
//
//   node run.mjs                     everything
//   node run.mjs --only pin          scenarios whose name or file contains "pin"
//   node run.mjs --list              names only
//
// A scenario file (media/, journeys/, states/) exports by default one object or a list of
//   { name, network?: 'loopback' | 'address', limitSeconds?: 60, run(scenario) }
// where `scenario` is lib/scenario.mjs. `address` runs it in a network namespace.

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';
import { makeNetwork, removeNetwork } from './lib/namespace.mjs';
import { ARTIFACTS, BROWSER_TESTS } from './lib/paths.mjs';

const FOLDERS = ['media', 'journeys', 'states'];

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, list: { type: 'boolean' } },
});

const scenarios = (await allScenarios()).filter(
  ({ name, file }) =>
    !values.only || values.only.some((part) => name.includes(part) || file.includes(part)),
);
if (values.list) {
  for (const { name, file } of scenarios) console.log(`${file.slice(BROWSER_TESTS.length + 1)}: ${name}`);
  process.exit(0);
}

let failed = 0;
/** Page states that axe has judged; a sign-in page need not be judged in every scenario. @type {string[]} */
let judged = [];
for (const scenario of scenarios) {
  rmSync(join(ARTIFACTS, 'failures', scenario.name), { recursive: true, force: true });
  const outcome = await runOne(scenario);
  judged = outcome.judged ?? judged;
  const facts = Object.entries(outcome.facts).map(([name, value]) => `${name} ${shown(value)}`);
  const passed = outcome.problems.length === 0;
  if (!passed) failed += 1;
  const line = `${passed ? 'ok    ' : 'FAILED'} ${scenario.name} (${(outcome.ms / 1000).toFixed(1)} s)`;
  console.log([line, ...facts].join(' · '));
  for (const problem of outcome.problems) console.log(`         ${problem.replace(/\n/g, '\n         ')}`);
}
if (failed > 0) console.log('Screenshots and logs: tests/artifacts/failures');
if (scenarios.length === 0) console.log('No scenario has such a name.');
console.log(`${scenarios.length - failed} passed, ${failed} failed`);
process.exit(failed > 0 || scenarios.length === 0 ? 1 : 0);

async function allScenarios() {
  const found = [];
  for (const folder of FOLDERS) {
    const directory = join(BROWSER_TESTS, folder);
    if (!existsSync(directory)) continue;
    for (const entry of readdirSync(directory).filter((e) => e.endsWith('.mjs')).sort()) {
      const file = join(directory, entry);
      const module = await import(pathToFileURL(file).href);
      for (const scenario of [module.default ?? []].flat()) found.push({ ...scenario, file });
    }
  }
  return found;
}

async function runOne({ file, name, network = 'loopback', limitSeconds = 60 }) {
  const started = Date.now();
  let spaces = null;
  try {
    if (network === 'address') spaces = makeNetwork();
    return await inProcess(file, name, spaces, limitSeconds);
  } catch (error) {
    return { problems: [error.message], facts: {}, ms: Date.now() - started };
  } finally {
    if (spaces) removeNetwork(spaces);
  }
}

function inProcess(file, name, spaces, limitSeconds) {
  const command = [process.execPath, join(BROWSER_TESTS, 'lib/one.mjs'), file, name];
  if (spaces) command.unshift('ip', 'netns', 'exec', spaces.home);
  if (spaces) command.push(JSON.stringify(spaces));
  return new Promise((resolve) => {
    const started = Date.now();
    const env = { ...process.env, LENS_JUDGED: JSON.stringify(judged) };
    const child = spawn(command[0], command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    child.stdout.on('data', (data) => (text += data));
    child.stderr.on('data', (data) => (text += data));
    // Beyond its own limit and the time for closing, a scenario is cut off.
    const cut = setTimeout(() => child.kill('SIGKILL'), (limitSeconds + 60) * 1000);
    child.on('close', () => {
      clearTimeout(cut);
      const at = text.lastIndexOf('OUTCOME ');
      const ms = Date.now() - started;
      const said = at < 0 ? text : text.slice(0, at);
      if (said.trim() !== '' && process.env.LENS_VERBOSE) console.log(said.trim());
      resolve(
        at >= 0
          ? JSON.parse(text.slice(at + 8).split('\n')[0])
          : { problems: [`no outcome:\n${text.slice(-2000)}`], facts: {}, ms },
      );
    });
  });
}

function shown(value) {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
