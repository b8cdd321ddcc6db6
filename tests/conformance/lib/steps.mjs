// What a scenario's steps do. Their words stand in README.md.

import { picturesOf } from './clip.mjs';
import { Refused } from './testee.mjs';

const WITHIN_MS = 15_000;
/** How often a browser's camera may encode a picture once more, in a scenario. */
const REPEATED_MOST = 2;

/**
 * Takes one step; throws a sentence when it fails.
 * @param {any} step
 * @param {{ conference: import('./conference.mjs').Conference,
 *   testees: Record<string, import('./testee.mjs').Testee>, modulus: number,
 *   ways: import('./network.mjs').Ways, server: import('../../browser/lib/server.mjs').Server,
 *   begin: (role: string) => Promise<void> }} world
 */
export async function take(step, world) {
  if ('lose' in step) return world.ways.lose(step.lose);
  if ('change' in step) return world.ways.change();
  if ('restart' in step) return world.server.restartSfu(await world.conference.node());
  const verb = Object.keys(VERBS).find((known) => known in step);
  if (!verb) throw new Error(`no such step: ${JSON.stringify(step)}`);
  const testee = world.testees[step[verb]];
  if (!testee) throw new Error(`no participant is called ${step[verb]}`);
  if (step.faces && !step.faces.includes(faceOf(testee))) return undefined;
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
  frames: ({ count, within_ms: within = WITHIN_MS, lost_max: lost, repeated_max: repeated = REPEATED_MOST }, testee, world) => {
    // A browser's camera leaves out what it has no time to encode, and may encode a picture once more
    // when a keyframe is wanted.
    const films = world.testees.camera.face === 'browser';
    const most = films ? undefined : lost;
    const repeatedMost = films ? repeated : 0;
    return expectFrames(testee, { count, within, lost: most, repeatedMost, modulus: world.modulus });
  },
  meet: (_, testee) => meet(testee),
  anew: async ({ anew: role }, testee, { begin }) => {
    await testee.call('finish');
    await begin(role);
  },
  say: ({ to, lines, within_ms: within = WITHIN_MS }, testee, { testees }) =>
    expectLines(testee, testees[to], lines, within),
  figure: ({ name, least, within_ms: within = WITHIN_MS }, testee) => expectFigure(testee, name, least, within),
  transformed: ({ side }, testee) => expectTransformed(testee, side),
  settles: ({ state, within_ms: within = WITHIN_MS }, testee) => expectState(testee, state, within),
  destroyed: (_, testee) => expectDestroyed(testee),
  heard: ({ text, times }, testee) => expectHeard(testee, text, times),
  seated: (_, testee, { conference }) => expectSeated(testee, conference),
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

/** The sanitised build of a face is that face. */
function faceOf(testee) {
  return testee.face.replace(/-asan$/, '');
}

/** So many lines are said, as fast as the library takes them; all of them come, once and in order. */
async function expectLines(speaker, listener, lines, within) {
  const before = listener.events.length;
  const wanted = Array.from({ length: lines }, (_, at) => `line ${at + 1} of ${lines}`);
  for (const text of wanted) {
    const taken = await eventually(within, async () => {
      try {
        await speaker.call('chat', { text });
        return true;
      } catch (refused) {
        if (refused instanceof Refused && refused.code === 'would_block') return false;
        throw refused;
      }
    });
    if (!taken) throw new Error(`${speaker.face}: ${text} was not taken within ${within} ms`);
  }
  const heard = () => {
    const chats = listener.events.slice(before).filter(({ event }) => event === 'chat');
    return chats.map(({ text }) => text).filter((text) => wanted.includes(text));
  };
  await eventually(within, () => heard().length >= lines);
  if (JSON.stringify(heard()) !== JSON.stringify(wanted)) {
    throw new Error(`${listener.face}: of ${lines} lines there came ${JSON.stringify(heard())}`);
  }
}

async function expectState(testee, state, within) {
  let told;
  const settled = await eventually(within, async () => {
    told = await testee.call('state');
    return told.state === state;
  });
  if (!settled) throw new Error(`${testee.face}: ${JSON.stringify(told)} after ${within} ms, not ${state}`);
}

/** The host was let go, once, and nothing was called after it. A page is never let go. */
async function expectDestroyed(testee) {
  let told;
  const once = await eventually(WITHIN_MS, async () => {
    told = await testee.call('ended');
    return told.destroyed === undefined || told.destroyed === 1;
  });
  if (!once || told.late > 0) throw new Error(`${testee.face}: it ended as ${JSON.stringify(told)}`);
}

async function expectHeard(testee, text, times) {
  const count = () => testee.events.filter((it) => it.event === 'chat' && it.text === text).length;
  await eventually(WITHIN_MS, () => count() >= times);
  if (count() !== times) throw new Error(`${testee.face}: ${text} came ${count()} times, not ${times}`);
}

async function expectFigure(testee, name, least, within) {
  let found;
  const reached = await eventually(within, async () => {
    found = (await testee.call('stats'))[name];
    return found >= least;
  });
  if (!reached) throw new Error(`${testee.face}: ${name} is ${found} after ${within} ms, not ${least}`);
}

/** Each picture that the host pushed, or was given, has passed the transform; a browser knows no others. */
async function expectTransformed(testee, side) {
  const names = side === 'sender' ? ['sent', 'pushed'] : ['received', 'given'];
  let told;
  const fits = await eventually(WITHIN_MS, async () => {
    told = await testee.call('transformed');
    const [passed, whole] = names.map((name) => told[name]);
    return passed > 0 && (whole === undefined || whole === passed);
  });
  if (!fits) throw new Error(`${testee.face}: ${side}'s transform saw ${JSON.stringify(told)}`);
}

/** The session goes on: the participant is connected, and who it was when it joined. */
async function expectSeated(testee, conference) {
  const seated = conference.joinedAs(testee);
  let told;
  const same = await eventually(WITHIN_MS, async () => {
    told = await testee.call('state');
    return told.state === 'connected' && told.id === seated;
  });
  if (!same) throw new Error(`${testee.face}: joined as ${seated}, and is ${JSON.stringify(told)}`);
  if (testee.events.some(({ event, state }) => event === 'state' && state === 'closed')) {
    throw new Error(`${testee.face}: it had ended in between`);
  }
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
async function expectFrames(testee, { count, within, lost, repeatedMost, modulus }) {
  const before = testee.counted;
  let numbered = [];
  let most = lost;
  await eventually(within, async () => {
    const { ivf, count: came, counters } = await testee.call('frames');
    if (came < before + count) return false;
    // A browser leaves out what it has no time to paint.
    if (counters) most = undefined;
    const pictures = counters?.map((number) => ({ number, bytes: null })) ?? picturesOf(ivf);
    numbered = pictures.filter(({ number }) => number !== null);
    return numbered.length >= before + count;
  });
  if (numbered.length < before + count) {
    throw new Error(`${testee.face}: ${numbered.length} numbered frames within ${within} ms, wanted ${before + count}`);
  }
  testee.counted = numbered.length;
  judge(testee.face, numbered, { most, modulus, repeatedMost });
}

function judge(face, numbered, { most, modulus, repeatedMost }) {
  let [lost, repeated] = [0, 0];
  for (const [at, { number, bytes }] of numbered.entries()) {
    if (at === 0) continue;
    const former = numbered[at - 1];
    const step = (number - former.number + modulus) % modulus;
    if (step === 0) {
      const others = bytes !== null && bytes !== former.bytes;
      repeated += 1;
      if (others && repeated <= repeatedMost) continue;
      throw new Error(`${face}: frame ${number} was shown twice${others ? ', with other bytes' : ''}`);
    }
    if (step > modulus / 2) throw new Error(`${face}: frame ${number} came after ${former.number}`);
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
