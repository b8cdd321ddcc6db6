// What the scripts here have in common: they measure in the surroundings of the browser tests and
// hand their samples to lens-bench, which says what they mean. The last line printed is
// `SAMPLES {json}`: { runs: [{ total_ms, phases: [{ name, ms }] }], failures, notes, browser }.

import { parseArgs } from 'node:util';
import { Scenario } from '../../tests/browser/lib/scenario.mjs';
import { Server } from '../../tests/browser/lib/server.mjs';

/** Logs as by default: the tests' debug lines would be measured, too. */
const QUIET = { LENS_LOG: 'info', RUST_BACKTRACE: '0' };

/**
 * @typedef {{ total_ms: number, phases: { name: string, ms: number | null }[] }} Run
 * @typedef {object} Stage
 * @property {Scenario} scenario
 * @property {any} browser
 * @property {(extra?: string[]) => Promise<Server>} product starts the product
 * @property {(once: (number: number) => Promise<Run>) => Promise<void>} repeat
 */

/**
 * Runs one measurement; `prepare` gets everything ready and calls `repeat` once.
 * @param {string} name
 * @param {(stage: Stage) => Promise<void>} prepare
 */
export async function measure(name, prepare) {
  const { values } = parseArgs({ options: { runs: { type: 'string', default: '50' } } });
  const wanted = Number(values.runs);
  const scenario = new Scenario(`bench ${name}`, null);
  /** @type {{ runs: Run[], failures: string[], notes: string[], browser: string }} */
  const samples = { runs: [], failures: [], notes: [], browser: '' };

  const repeat = async (/** @type {(number: number) => Promise<Run>} */ once) => {
    for (let number = 1; number <= wanted; number += 1) {
      try {
        samples.runs.push(await once(number));
      } catch (error) {
        samples.failures.push(`run ${number}: ${String(error.message ?? error).split('\n')[0]}`);
      }
      tell(samples, number, wanted);
    }
  };
  const product = async (/** @type {string[]} */ extra = []) => {
    const server = scenario.adopt(new Server({ environment: QUIET }));
    await server.start(extra);
    return server;
  };
  try {
    const browser = await scenario.chromium();
    samples.browser = await browser.version();
    await prepare({ scenario, browser, product, repeat });
    samples.notes.push(`${samples.browser}, headless`);
  } catch (error) {
    samples.failures.push(String(error.stack ?? error));
  }
  samples.failures.push(...(await scenario.faults().catch(() => [])));
  await scenario.close().catch((error) => samples.failures.push(`closing: ${error.message}`));
  process.stdout.write(`SAMPLES ${JSON.stringify(samples)}\n`, () => process.exit(0));
}

function tell({ runs, failures }, number, wanted) {
  if (number % 10 !== 0 && number !== wanted) return;
  const last = runs.slice(-10).map((run) => Math.round(run.total_ms));
  console.log(`${number} of ${wanted}: ${last.join(' ')}${failures.length ? `; ${failures.length} failed` : ''}`);
}

/**
 * Phases as lens-bench takes them: milliseconds since `began` at which each was reached.
 * @param {number} began milliseconds since 1970
 * @param {[string, number | undefined][]} reached
 */
export function phasesSince(began, reached) {
  return reached.map(([name, at]) => ({ name, ms: at === undefined ? null : at - began }));
}

/**
 * The steps of a timeline of the API, by name, in milliseconds since 1970.
 * @param {any} timeline
 * @returns {Record<string, number>}
 */
export function stepsOf(timeline) {
  return Object.fromEntries(timeline.steps.map(({ step, at }) => [step, Date.parse(at)]));
}

/** A pause of 700 to 1,200 ms: longer than the shortest time between two keyframe requests, and
 * at no fixed place in the camera's rhythm. The same pauses in every measurement. */
export function breath(number) {
  const ms = 700 + ((number * 7919) % 500);
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
