import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Participant } from '../src/participant.js';
import { FakeChannel, FakeStream, fakePeers } from './support/peers.js';
import { FakeClock, FakeWindow, settle } from './support/world.js';

const HEARD = ['talkready', 'chat', 'command', 'annotation', 'annotationclear', 'statechange'];

async function talking({ opened = true, sctp = undefined } = {}) {
  const clock = new FakeClock();
  const { RTCPeerConnection, peers } = fakePeers();
  const network = Object.assign(new EventTarget(), {
    sent: [],
    send: async (signal) => void network.sent.push(signal),
    brings: (detail) => network.dispatchEvent(new CustomEvent('signal', { detail })),
  });
  const window = new FakeWindow();
  const environment = { ...clock.environment(), RTCPeerConnection, MediaStream: FakeStream, window };
  const participant = new Participant({ network }, environment);
  const events = [];
  for (const type of HEARD) {
    participant.addEventListener(type, ({ detail }) => events.push({ type, ...detail }));
  }
  const generation = async (number) => {
    const slots = [{ mid: '0', kind: 'video_up' }];
    participant.receive({
      conference: 'c', participant: 'me', generation: number, negotiation_id: number,
      sdp: JSON.stringify(slots), slots,
    });
    await settle();
    const channel = new FakeChannel();
    peers.at(-1).turns('connected');
    peers.at(-1).sctp = sctp;
    peers.at(-1).ondatachannel({ channel });
    await settle();
    return channel;
  };
  const channel = await generation(1);
  if (opened) channel.opens();
  const of = (wanted) => events.filter(({ type }) => type === wanted);
  return { clock, network, participant, events, of, channel, generation };
}

test('a line of chat goes to everybody, and theirs comes', async () => {
  const { participant, channel, of } = await talking();
  const id = participant.sendChat('Is the lamp red? 🙂');
  assert.deepEqual(channel.sent, [{ v: 1, from: 'me', kind: 'chat', id, text: 'Is the lamp red? 🙂' }]);
  channel.brings({ kind: 'chat', id: 4, text: 'Yes.' });
  await settle();
  assert.deepEqual(of('chat'), [{ type: 'chat', from: 'them', id: 4, text: 'Yes.' }]);
});

test('what is said before the channel is open leaves in order once it is', async () => {
  const { participant, channel } = await talking({ opened: false });
  participant.sendChat('one');
  participant.sendAnnotation({ id: 1, shape: 'point', points: [[0.5, 0.5]] });
  assert.deepEqual(channel.sent, []);
  channel.opens();
  assert.deepEqual(channel.sent.map(({ kind }) => kind), ['chat', 'annotation']);
});

test('a channel that is called open too early is spoken on once it is', async () => {
  const sctp = Object.assign(new EventTarget(), { state: 'connecting' });
  const { participant, channel } = await talking({ sctp });
  participant.sendChat('one');
  assert.deepEqual([channel.hellos, channel.sent], [[], []], 'it would be lost');
  sctp.state = 'connected';
  sctp.dispatchEvent(new Event('statechange'));
  channel.opens();
  assert.deepEqual([channel.hellos.length, channel.sent.length], [1, 1], 'once');
});

test('who hears us is told once for each of their channels and of ours', async () => {
  const { channel, of, generation } = await talking();
  const ready = async (on, message) => {
    const before = of('talkready').length;
    on.brings({ kind: 'hello', ...message });
    await settle();
    return of('talkready').length > before;
  };
  assert.deepEqual(channel.hellos.splice(0), [{ v: 1, from: 'me', kind: 'hello' }]);
  assert.ok(await ready(channel), 'theirs opened');
  assert.deepEqual(channel.hellos.splice(0), [{ v: 1, from: 'me', kind: 'hello', to: 'them' }]);
  assert.ok(!(await ready(channel, { to: 'me' })), 'greetings that crossed');
  assert.ok(await ready(channel), 'they came back');
  assert.ok(!(await ready(channel, { from: 'another', to: 'them' })), 'it was for somebody else');
  channel.opens();
  assert.deepEqual(channel.hellos.splice(0).length, 1, 'an answer only: it was open already');
  const next = await generation(2);
  next.opens();
  assert.ok(await ready(next, { to: 'me' }), 'we came back');
  assert.deepEqual(of('talkready')[0], { type: 'talkready', participant: 'them' });
});

test('what waits goes over to the next generation, and is said once', async () => {
  const { participant, channel, generation } = await talking();
  participant.sendChat('one');
  channel.readyState = 'closed';
  participant.sendChat('two');
  const next = await generation(2);
  next.opens();
  assert.deepEqual(channel.sent.map(({ text }) => text), ['one']);
  assert.deepEqual(next.sent.map(({ text }) => text), ['two']);
});

test('nothing is dropped: the 65th that would wait is refused, and room is made by sending', async () => {
  const { participant, channel } = await talking();
  channel.bufferedAmount = 1_000_000;
  for (let line = 0; line < 64; line += 1) participant.sendChat(`line ${line}`);
  const refusal = { code: 'would_block', retryable: true };
  assert.throws(() => participant.sendChat('one too many'), refusal);
  await assert.rejects(participant.sendCommand({ command: 'snapshot' }), refusal);
  channel.drains();
  assert.equal(channel.sent.length, 64);
  participant.sendChat('now');
  assert.equal(channel.sent.at(-1).text, 'now');
});

test('a command is answered by whoever was asked, and by nobody else', async () => {
  const { participant, channel } = await talking();
  const asked = participant.sendCommand({ command: 'torch', on: true });
  const [{ id, ...said }] = channel.sent;
  assert.deepEqual(said, { v: 1, from: 'me', kind: 'command', command: 'torch', arguments: { on: true } });
  channel.brings({ kind: 'command_reply', to: 'another', id, outcome: 'done' });
  channel.brings({ kind: 'command_reply', to: 'me', id: id + 1, outcome: 'done' });
  channel.brings({ kind: 'command_reply', to: 'me', id, outcome: 'refused' });
  assert.equal(await asked, 'refused');
});

test('a command without an answer ends with a timeout, an aborted one with its reason', async () => {
  const { participant, clock } = await talking();
  const asked = participant.sendCommand({ command: 'zoom', factor: 2 });
  const late = assert.rejects(asked, { code: 'timeout' });
  await clock.pass(59_999);
  await clock.pass(1);
  await late;
  const timers = clock.pending;
  const given = new AbortController();
  const aborted = participant.sendCommand({ command: 'snapshot' }, { signal: given.signal });
  given.abort(new Error('enough'));
  await assert.rejects(aborted, /enough/);
  assert.equal(clock.pending, timers, 'no timer of it stays');
});

test('a command of theirs is answered once, to them, by their count', async () => {
  const { participant, channel, of } = await talking();
  channel.brings({ kind: 'command', id: 77, command: 'switch_camera', arguments: { facing: 'back' } });
  await settle();
  const [{ id, from, command }] = of('command');
  assert.deepEqual({ from, command }, { from: 'them', command: { command: 'switch_camera', facing: 'back' } });
  participant.replyCommand(id, 'done');
  participant.replyCommand(id, 'failed');
  const reply = { v: 1, from: 'me', kind: 'command_reply', to: 'them', id: 77, outcome: 'done' };
  assert.deepEqual(channel.sent, [reply]);
});

test('a command by signalling is answered there', async () => {
  const { participant, network, of } = await talking();
  network.brings({ kind: 'command', id: 'm-1', command: 'freeze', arguments: { on: true } });
  await settle();
  const [{ id, from }] = of('command');
  assert.equal(from, null);
  participant.replyCommand(id, 'refused');
  assert.deepEqual(network.sent.at(-1), { kind: 'command_reply', id: 'm-1', outcome: 'refused' });
});

test('an unknown command is answered unsupported, and the page is not told', async () => {
  const { channel, of } = await talking();
  for (const [command, given] of [
    ['dance', {}], ['torch', {}], ['zoom', { factor: 0.5 }], ['zoom', { factor: 'big' }],
    ['switch_camera', { facing: 'up' }], ['toString', {}],
  ]) channel.brings({ kind: 'command', id: 1, command, arguments: given });
  await settle();
  assert.equal(of('command').length, 0);
  assert.deepEqual(channel.sent.map(({ outcome }) => outcome), Array(6).fill('unsupported'));
});

test('commands that nobody answers do not pile up', async () => {
  const { channel } = await talking();
  for (let id = 0; id < 1_000; id += 1) channel.brings({ kind: 'command', id, command: 'snapshot' });
  assert.equal(channel.sent.length, 1_000 - 64);
  assert.deepEqual(channel.sent[0], { v: 1, from: 'me', kind: 'command_reply', to: 'them', id: 0, outcome: 'failed' });
});

test('answers to who asks without end do not pile up', async () => {
  const { channel } = await talking();
  channel.bufferedAmount = 1_000_000;
  for (let times = 0; times < 1_000; times += 1) channel.brings({ kind: 'hello' });
  channel.drains();
  // Our own greeting, and what waited.
  assert.equal(channel.hellos.length, 1 + 256);
});

test('drawings outside the picture are refused on both sides', async () => {
  const { participant, channel, of } = await talking();
  const good = { id: 1, shape: 'stroke', points: [[0, 1], [0.5, 0.25]], color: '#ff0010', width: 0.01, text: 'here', pts_us: 5 };
  participant.sendAnnotation(good);
  channel.brings({ kind: 'annotation', ...good });
  await settle();
  assert.deepEqual(of('annotation'), [{ type: 'annotation', from: 'them', annotation: good }]);
  for (const wrong of [
    { points: [] }, { points: [[1.01, 0]] }, { points: [[0, 0, 0]] }, { points: [['0', 0]] },
    { shape: 'spiral' }, { width: 2 }, { text: 'x'.repeat(201) }, { id: 1.5 },
    { points: Array(513).fill([0, 0]) },
  ]) {
    assert.throws(() => participant.sendAnnotation({ ...good, ...wrong }), RangeError);
    channel.brings({ kind: 'annotation', ...good, ...wrong });
  }
  await settle();
  assert.equal(of('annotation').length, 1);
  participant.clearAnnotations();
  participant.clearAnnotations(1);
  assert.deepEqual(channel.sent.slice(1).map(({ id }) => id), [undefined, 1]);
});

test('what says nothing to this build is ignored', async () => {
  const { channel, events } = await talking();
  const before = events.length;
  for (const message of [
    'hello', '[]', 'null', '{"v":2,"from":"them","kind":"chat","id":1,"text":"x"}',
    '{"v":1,"kind":"chat","id":1,"text":"x"}', 'x'.repeat(70_000),
  ]) channel.brings(message);
  channel.brings({ kind: 'telepathy', strength: 9 });
  channel.brings({ kind: 'chat', id: 1, text: 5 });
  channel.dispatchEvent(new MessageEvent('message', { data: new ArrayBuffer(8) }));
  await settle();
  assert.equal(events.length, before);
});

test('after close nothing is said or heard, and who waits for an answer is told', async () => {
  const { participant, channel, events } = await talking();
  const asked = participant.sendCommand({ command: 'snapshot' });
  participant.close();
  await assert.rejects(asked, { name: 'InvalidStateError' });
  await settle();
  const [told, sent] = [events.length, channel.sent.length];
  channel.brings({ kind: 'chat', id: 1, text: 'late' });
  channel.brings({ kind: 'command', id: 1, command: 'dance' });
  await settle();
  assert.deepEqual([events.length, channel.sent.length], [told, sent]);
  assert.throws(() => participant.sendChat('late'), { name: 'InvalidStateError' });
  await assert.rejects(participant.sendCommand({ command: 'snapshot' }), { name: 'InvalidStateError' });
});
