// What a scenario's steps do. Their words stand in README.md.

import { countersOf } from './clip.mjs';
import { lose } from './loss.mjs';
import { Refused } from './testee.mjs';

const WITHIN_MS = 15_000;

/**
 * Takes one step; throws a sentence when it fails.
 * @param {any} step
 * @param {{ conference: import('./conference.mjs').Conference,
 *   testees: Record<string, import('./testee.mjs').Testee>, modulus: number }} world
 */
export async function take(step, world) {
  if ('lose' in step) return lose(step.lose);
  const verb = Object.keys(VERBS).find((known) => known in step);
  if (!verb) throw new Error(`no such step: ${JSON.stringify(step)}`);
  const testee = world.testees[step[verb]];
  if (!testee) throw new Error(`no participant is called ${step[verb]}`);
  return VERBS[verb](step, testee, world);
}

/** @type {Record<string, (step: any, testee: import('./testee.mjs').Testee, world: any) => Promise<void>>} */
const VERBS = {
  join: ({ role, join }, testee, { conference }) => conference.join(testee, role ?? join),
  renew: (_, testee, { conference }) => conference.renew(testee),
  repeat: (_, testee, { conference }) => conference.repeat(testee),
  tell: ({ do: verb, with: words = {}, error, answer }, testee) => tell(testee, verb, words, { error, answer }),
  expect: ({ event, where = {}, within_ms: within = WITHIN_MS }, testee, world) =>
    expectEvent(testee, event, filled(where, world), within),
  frames: ({ count, within_ms: within = WITHIN_MS, lost_max: lost }, testee, { testees, modulus }) => {
    // A browser's camera leaves out what it has no time to encode.
    const most = testees.camera.face === 'browser' ? undefined : lost;
    return expectFrames(testee, { count, within, lost: most, modulus });
  },
  meet: (_, testee) => meet(testee),
  quiet: ({ for_ms: ms }, testee) => expectQuiet(testee, ms),
};

async function tell(testee, verb, words, { error, answer = {} }) {
  try {
    const said = await testee.call(verb, words);
    if (!contains(said, answer)) {
      throw new Error(`${testee.face} answered ${verb} with ${JSON.stringify(said)}, not ${JSON.stringify(answer)}`);
    }
  } catch (refused) {
    if (refused instanceof Refused && refused.code === error) return;
    throw refused;
  }
  if (error) throw new Error(`${testee.face} did ${verb}, and should have refused it with ${error}`);
}

/** Asks until somebody answers: who is connected may not be ready to be spoken to, and what is said to
 * nobody is lost. */
async function meet(testee) {
  const heard = await eventually(WITHIN_MS, async () => {
    const before = testee.events.length;
    await testee.call('command', { command: { command: 'torch', on: true } });
    return eventually(1_000, () => testee.events.slice(before).some((it) => it.event === 'command_reply'));
  });
  if (!heard) throw new Error(`${testee.face}: nobody answered within ${WITHIN_MS} ms`);
}

/** `$camera` and `$viewer` stand for the participants' ids. */
function filled(where, { conference, testees }) {
  const text = JSON.stringify(where).replace(/"\$(\w+)"/g, (whole, name) =>
    testees[name] ? JSON.stringify(conference.idOf(testees[name])) : whole,
  );
  return JSON.parse(text);
}

async function expectEvent(testee, event, where, within) {
  const fits = (it) => it.event === event && contains(it, where);
  const found = await eventually(within, () => {
    const at = testee.events.findIndex((it, index) => index >= testee.seen && fits(it));
    if (at >= 0) testee.seen = at + 1;
    return at >= 0;
  });
  if (found) return;
  const came = testee.events.slice(testee.seen).map((it) => JSON.stringify(it).slice(0, 200));
  throw new Error(`${testee.face}: no ${event} ${JSON.stringify(where)} within ${within} ms; there came\n${came.join('\n')}`);
}

function contains(found, wanted) {
  if (typeof wanted !== 'object' || wanted === null) return found === wanted;
  return Object.entries(wanted).every(([name, value]) => contains(found?.[name], value));
}

/** So many numbered frames more than were counted before, in order and none twice. */
async function expectFrames(testee, { count, within, lost, modulus }) {
  const before = testee.counted;
  let numbered = [];
  let most = lost;
  await eventually(within, async () => {
    const { ivf, count: came, counters } = await testee.call('frames');
    if (came < before + count) return false;
    // A browser leaves out what it has no time to paint.
    if (counters) most = undefined;
    numbered = (counters ?? countersOf(ivf)).filter((it) => it !== null);
    return numbered.length >= before + count;
  });
  if (numbered.length < before + count) {
    throw new Error(`${testee.face}: ${numbered.length} numbered frames within ${within} ms, wanted ${before + count}`);
  }
  testee.counted = numbered.length;
  judge(testee.face, numbered, most, modulus);
}

function judge(face, numbered, most, modulus) {
  let lost = 0;
  for (const [at, number] of numbered.entries()) {
    if (at === 0) continue;
    const step = (number - numbered[at - 1] + modulus) % modulus;
    if (step === 0) throw new Error(`${face}: frame ${number} was shown twice`);
    if (step > modulus / 2) throw new Error(`${face}: frame ${number} came after ${numbered[at - 1]}`);
    lost += step - 1;
  }
  if (most !== undefined && lost > most) throw new Error(`${face}: ${lost} frames are missing, at most ${most} may`);
}

/** The one wait that is for nothing to happen. */
async function expectQuiet(testee, ms) {
  const before = testee.events.length;
  await new Promise((resolve) => setTimeout(resolve, ms));
  const came = testee.events.slice(before);
  if (came.length > 0) throw new Error(`${testee.face}: it was over, and still there came ${JSON.stringify(came)}`);
}

async function eventually(within, check) {
  const end = Date.now() + within;
  while (Date.now() < end) {
    if (await check()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
