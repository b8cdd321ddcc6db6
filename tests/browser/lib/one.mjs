// Runs one scenario in this process and prints its outcome as the last line, `OUTCOME {json}`.
// run.mjs starts this, inside a network namespace when the scenario asks for one.

import { pathToFileURL } from 'node:url';
import { judged } from './browsers.mjs';
import { Scenario } from './scenario.mjs';

const [file, name, network] = process.argv.slice(2);
const { default: scenarios } = await import(pathToFileURL(file).href);
const wanted = [scenarios].flat().find((scenario) => scenario.name === name);
const started = Date.now();
const surroundings = new Scenario(name, network ? JSON.parse(network) : null);
const problems = [];

const limit = setTimeout(() => {
  problems.push(`not done within ${wanted.limitSeconds ?? 60} s`);
  finish();
}, (wanted.limitSeconds ?? 60) * 1000);

try {
  await wanted.run(surroundings);
} catch (error) {
  problems.push(error.stack ?? String(error));
}
clearTimeout(limit);
await finish();

async function finish() {
  const giveUp = setTimeout(() => conclude(), 45_000);
  problems.push(...(await surroundings.faults().catch(() => [])));
  if (problems.length > 0) await surroundings.saveArtifacts().catch(() => {});
  await surroundings.close().catch((error) => problems.push(`closing: ${error.message}`));
  const late = (await surroundings.faults().catch(() => [])).filter((f) => !problems.includes(f));
  if (late.length > 0) await surroundings.saveArtifacts().catch(() => {});
  problems.push(...late);
  clearTimeout(giveUp);
  conclude();
}

function conclude() {
  const outcome = { problems, facts: surroundings.facts, judged: [...judged], ms: Date.now() - started };
  process.stdout.write(`OUTCOME ${JSON.stringify(outcome)}\n`, () => {
    process.exit(problems.length > 0 ? 1 : 0);
  });
}
