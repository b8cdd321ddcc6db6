import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LensError } from '../src/errors.js';
import { SignalingClient } from '../src/signaling.js';
import { fakeFetch, fakeSockets } from './support/sockets.js';
import { FakeClock, FakeWindow, settle } from './support/world.js';

function world(options = {}) {
  const clock = new FakeClock();
  const { WebSocket, sockets } = fakeSockets();
  const { fetch, streams, posts } = fakeFetch(options);
  const window = new FakeWindow();
  const environment = { ...clock.environment(), WebSocket, fetch, window, document: window };
  const client = new SignalingClient(
    { door: 'customer', base: 'https://lens.example', ticket: options.ticket },
    environment,
  );
  const states = [];
  const signals = [];
  client.addEventListener('state', ({ detail }) => states.push(detail));
  client.addEventListener('signal', ({ detail }) => signals.push(detail));
  return { clock, sockets, streams, posts, window, client, states, signals, names: () => states.map(({ state }) => state) };
}

async function open(options) {
  const all = world(options);
  all.client.open();
  await settle();
  all.sockets[0].opens();
  all.sockets[0].welcomes();
  return all;
}

/** Lets the connection fail and the next one be made. */
async function reconnect({ clock, sockets }, welcome) {
  sockets.at(-1).fails();
  await clock.pass(0);
  sockets.at(-1).opens();
  if (welcome) sockets.at(-1).welcomes(welcome);
}

test('a channel opens with its name and counts messages once and in order', async () => {
  const { client, sockets, signals, names } = await open();
  assert.equal(sockets[0].url, 'wss://lens.example/ws/customer');
  const [hello] = sockets[0].sent;
  assert.equal(hello.kind, 'resume');
  assert.equal(hello.channel, client.channel);
  assert.match(client.channel, /^[A-Za-z0-9_-]{16,64}$/);
  for (const seq of [1, 2, 2, 1, 3]) sockets[0].says({ kind: 'chat', seq, text: `line ${seq}` });
  assert.deepEqual(signals, [1, 2, 3].map((seq) => ({ kind: 'chat', text: `line ${seq}` })));
  assert.deepEqual(names(), ['connecting', 'open']);
});

test('a message is sent again until it is acknowledged, then never', async () => {
  const all = await open();
  const { client, sockets } = all;
  let settled = 0;
  void client.send({ kind: 'chat', text: 'a' }).then(() => (settled += 1));
  void client.send({ kind: 'chat', text: 'b' }).then(() => (settled += 1));
  assert.deepEqual(sockets[0].counted.map(({ seq, text }) => [seq, text]), [[1, 'a'], [2, 'b']]);
  sockets[0].says({ kind: 'ack', seq: 0, ack: 1 });
  await settle();
  assert.equal(settled, 1);
  await reconnect(all, { resumed: true, received: 1 });
  assert.equal(sockets[1].sent[0].last_seq, 0);
  assert.equal(sockets[1].sent[0].hub, 'life');
  assert.deepEqual(sockets[1].counted.map(({ seq, text }) => [seq, text]), [[2, 'b']]);
  await reconnect(all, { resumed: true, received: 2 });
  assert.deepEqual(sockets[2].counted, [], 'the server has it; only the acknowledgement is due');
  assert.equal(settled, 1);
  sockets[2].says({ kind: 'ping', seq: 0, ack: 2 });
  await settle();
  assert.equal(settled, 2);
});

test('a new life of the hub gets the unacknowledged under new numbers', async () => {
  const all = await open();
  const { client, sockets, signals } = all;
  sockets[0].says({ kind: 'snapshot', seq: 1, state: {} });
  const first = client.send({ kind: 'chat', text: 'a' });
  void client.send({ kind: 'chat', text: 'b' });
  sockets[0].says({ kind: 'ack', seq: 0, ack: 1 });
  await first;
  await reconnect(all, { hub: 'another', resumed: false, received: 0 });
  assert.deepEqual(sockets[1].counted.map(({ seq, text }) => [seq, text]), [[1, 'b']]);
  sockets[1].says({ kind: 'snapshot', seq: 1, state: { anew: true } });
  assert.deepEqual(signals.at(-1), { kind: 'snapshot', state: { anew: true } });
});

test('a snapshot in the same life may begin at any number', async () => {
  const all = await open();
  all.sockets[0].says({ kind: 'chat', seq: 1, text: 'x' });
  await reconnect(all, { resumed: false, received: 0 });
  all.sockets[1].says({ kind: 'snapshot', seq: 301, state: {} });
  all.sockets[1].says({ kind: 'chat', seq: 302, text: 'y' });
  assert.deepEqual(all.signals.map(({ kind }) => kind), ['chat', 'snapshot', 'chat']);
});

test('a skipped number makes a new connection', async () => {
  const { sockets, clock, names, signals } = await open();
  sockets[0].says({ kind: 'chat', seq: 1, text: 'x' });
  sockets[0].says({ kind: 'chat', seq: 3, text: 'z' });
  await clock.pass(0);
  assert.equal(signals.length, 1);
  assert.equal(sockets.length, 2);
  assert.deepEqual(names(), ['connecting', 'open', 'lost']);
});

test('waiting times grow and begin anew after a connection', async () => {
  const all = world();
  const { client, sockets, streams, clock } = all;
  client.open();
  await settle();
  const tries = () => sockets.length + streams.length;
  const waits = [];
  for (let attempt = 0; attempt < 8; attempt += 1) {
    const before = tries();
    if (sockets.length > streams.length) sockets.at(-1).fails();
    else streams.at(-1).ends();
    await settle();
    let waited = 0;
    while (tries() === before) {
      await clock.pass(100);
      waited += 100;
    }
    waits.push(waited);
  }
  assert.deepEqual(waits.slice(1), [300, 700, 1500, 3000, 5000, 5000, 5000]);
});

test('where no WebSocket passes the channel goes by server-sent events', async () => {
  const all = world();
  const { client, sockets, streams, posts, clock, signals, states } = all;
  client.open();
  await settle();
  sockets[0].fails();
  await clock.pass(0);
  assert.equal(streams.length, 1);
  const url = new URL(streams[0].url);
  assert.equal(url.pathname, '/sse/customer');
  assert.equal(url.searchParams.get('channel'), client.channel);
  streams[0].write('event: carrier\ndata: {"key":"k"}\n\n');
  streams[0].says({ kind: 'welcome', seq: 0, hub: 'life', resumed: false, received: 0 });
  const sent = client.send({ kind: 'chat', text: 'hello' });
  // A frame in pieces, two in one piece.
  streams[0].write('data: {"v":1,"seq":1,"ack":1,"ki');
  streams[0].write('nd":"chat","text":"a"}\n\ndata: {"v":1,"seq":2,"kind":"chat","text":"b"}\n\n');
  await sent;
  await settle();
  assert.equal(client.state, 'open');
  assert.equal(client.carrier, 'events');
  assert.equal(posts[0].headers['Lens-Carrier'], 'k');
  assert.deepEqual(posts.flatMap(({ frames }) => frames).filter(({ seq }) => seq > 0).map(({ text }) => text), ['hello']);
  assert.deepEqual(signals.map(({ text }) => text), ['a', 'b']);
  streams[0].ends();
  await clock.pass(0);
  assert.equal(streams.length, 2, 'no WebSocket ever passed: it is not tried again first');
  assert.equal(new URL(streams[1].url).searchParams.get('last_seq'), '2');
  assert.equal(states.filter(({ state }) => state === 'lost').length, 1);
});

test('after a lost event stream the WebSocket comes first where it has passed before', async () => {
  const all = await open();
  const { sockets, streams, clock, client } = all;
  sockets[0].fails();
  await clock.pass(0);
  sockets[1].fails();
  await clock.pass(300);
  assert.equal(streams.length, 1, 'the second WebSocket never opened');
  streams[0].write('event: carrier\ndata: {"key":"k"}\n\n');
  streams[0].says({ kind: 'welcome', seq: 0, hub: 'life', resumed: true, received: 0 });
  await settle();
  assert.equal(client.state, 'open');
  streams[0].ends();
  await clock.pass(0);
  assert.equal(sockets.length, 3);
});

test('a refusal that does not pass ends the channel with its code', async () => {
  const refusals = [
    ['not_signed_in', 'closed'],
    ['ticket_invalid', 'closed'],
    ['unavailable', 'connecting'],
  ];
  for (const [code, state] of refusals) {
    const { client, sockets, states } = world();
    client.open();
    await settle();
    sockets[0].opens();
    sockets[0].says({ kind: 'error', seq: 0, code });
    assert.equal(client.state, state, code);
    if (state === 'closed') assert.equal(states.at(-1).reason, code);
  }
});

test('a refusal over HTTP is read from the answer', async () => {
  const refuse = () => ({ status: 403, problem: { code: 'bad_origin', retryable: false } });
  const { client, sockets, clock, states } = world({ refuse });
  client.open();
  await settle();
  sockets[0].fails();
  await clock.pass(0);
  assert.equal(client.state, 'closed');
  assert.equal(states.at(-1).reason, 'bad_origin');
});

test('a message the server cannot take rejects with its code', async () => {
  const { client, sockets } = await open();
  const refused = client.send({ kind: 'chat', text: '' });
  const taken = client.send({ kind: 'chat', text: 'x' });
  sockets[0].says({ kind: 'error', seq: 1, ack: 2, in_reply_to: 1, code: 'invalid_value', detail: 'text' });
  await assert.rejects(refused, (error) => error instanceof LensError && error.code === 'invalid_value');
  await taken;
});

test('too large and too many are refused here, for the server would refuse them for ever', async () => {
  const { client } = await open();
  const large = client.send({ kind: 'answer', sdp: 'x'.repeat(100 * 1024) });
  await assert.rejects(large, { code: 'payload_too_large' });
  for (let number = 0; number < 256; number += 1) void client.send({ kind: 'chat' }).catch(() => {});
  await assert.rejects(client.send({ kind: 'chat' }), { code: 'unavailable' });
});

test('an aborted message is taken back while it is not on its way', async () => {
  const all = world();
  const abort = new AbortController();
  const first = all.client.send({ kind: 'a' }, { signal: abort.signal });
  const second = all.client.send({ kind: 'b' });
  abort.abort(new Error('changed my mind'));
  await assert.rejects(first, /changed my mind/);
  all.client.open();
  await settle();
  all.sockets[0].opens();
  all.sockets[0].welcomes();
  assert.deepEqual(all.sockets[0].counted.map(({ seq, kind }) => [seq, kind]), [[1, 'b']]);
  all.sockets[0].says({ kind: 'ack', seq: 0, ack: 1 });
  await second;
});

test('silence of thirty seconds is death, and a ping is answered', async () => {
  const { clock, sockets, client } = await open();
  await clock.pass(20_000);
  sockets[0].says({ kind: 'ping', seq: 0, ack: 0 });
  assert.equal(sockets[0].sent.at(-1).kind, 'pong');
  await clock.pass(29_000);
  assert.equal(client.state, 'open');
  await clock.pass(1_001);
  assert.equal(client.state, 'lost');
  assert.equal(sockets.length, 2);
});

test('a connection without a welcome is given up, and the other carrier tried', async () => {
  const { clock, sockets, streams, client } = world();
  client.open();
  await settle();
  sockets[0].opens();
  await clock.pass(6_000);
  assert.equal(streams.length, 1, 'something swallowed the frames');
});

test('the network coming back connects at once, and waking up too', async () => {
  const { clock, sockets, window, client, names } = await open();
  window.dispatchEvent(new Event('offline'));
  assert.equal(client.state, 'lost');
  window.dispatchEvent(new Event('online'));
  await settle();
  sockets.at(-1).opens();
  sockets.at(-1).welcomes({ resumed: true });
  assert.deepEqual(names(), ['connecting', 'open', 'lost', 'open']);
  const before = sockets.length;
  window.dispatchEvent(new Event('visibilitychange'));
  assert.equal(sockets.length, before, 'a channel that was just heard stays');
  await clock.pass(16_000);
  window.dispatchEvent(new Event('visibilitychange'));
  assert.equal(sockets.length, before + 1);
});

test('bye ends the channel for good, a shutdown does not', async () => {
  const put = await open();
  put.sockets[0].says({ kind: 'bye', seq: 1, reason: 'put_out' });
  assert.equal(put.client.state, 'closed');
  assert.equal(put.states.at(-1).reason, 'put_out');
  assert.equal(put.signals.at(-1).kind, 'bye');
  await put.clock.pass(60_000);
  assert.equal(put.sockets.length, 1);
  await assert.rejects(put.client.send({ kind: 'chat' }), { name: 'InvalidStateError' });

  const down = await open();
  down.sockets[0].says({ kind: 'bye', seq: 1, reason: 'shutting_down' });
  assert.equal(down.client.state, 'lost');
  await down.clock.pass(0);
  assert.equal(down.sockets.length, 2);
});

test('closing says goodbye, twice is once, and nothing follows', async () => {
  const { client, clock, sockets, window, states, signals } = await open();
  const waiting = client.send({ kind: 'chat', text: 'x' });
  client.close();
  client.close();
  await assert.rejects(waiting, { name: 'InvalidStateError' });
  assert.equal(sockets[0].sent.at(-1).kind, 'bye');
  assert.equal(sockets[0].readyState, 3);
  const told = states.length;
  sockets[0].says({ kind: 'chat', seq: 1, text: 'late' });
  sockets[0].fails();
  window.dispatchEvent(new Event('online'));
  await clock.pass(60_000);
  assert.equal(signals.length, 0);
  assert.equal(states.length, told);
  assert.equal(clock.pending, 0, 'no timer is left');
});

test('closing while connecting leaves nothing behind', async () => {
  const { client, clock, sockets, names } = world();
  client.open();
  await settle();
  client.close();
  sockets[0].opens();
  sockets[0].welcomes();
  await clock.pass(60_000);
  assert.deepEqual(names(), ['connecting', 'closed']);
  assert.deepEqual(sockets[0].sent, []);
  assert.equal(clock.pending, 0);
});

test('each connection gets a ticket of its own, in the first frame only', async () => {
  let issued = 0;
  const all = world({ ticket: async () => `ticket-${(issued += 1)}` });
  all.client.open();
  await settle();
  all.sockets[0].opens();
  assert.equal(all.sockets[0].sent[0].ticket, 'ticket-1');
  assert.ok(!all.sockets[0].url.includes('ticket'));
  all.sockets[0].welcomes();
  all.sockets[0].fails();
  await all.clock.pass(0);
  all.sockets[1].opens();
  assert.equal(all.sockets[1].sent[0].ticket, 'ticket-2');
});

test('unknown kinds are passed on when counted, ignored when not', async () => {
  const { sockets, signals, client } = await open();
  sockets[0].says({ kind: 'telepathy', seq: 1, strength: 9 });
  sockets[0].says({ kind: 'weather', seq: 0 });
  assert.deepEqual(signals, [{ kind: 'telepathy', strength: 9 }]);
  assert.equal(client.ignored, 1);
  assert.equal(client.state, 'open');
});

test('much that is received is acknowledged without being asked', async () => {
  const { sockets } = await open();
  for (let seq = 1; seq <= 32; seq += 1) sockets[0].says({ kind: 'chat', seq });
  assert.deepEqual(sockets[0].sent.at(-1), { v: 1, seq: 0, ack: 32, kind: 'ack' });
});

test("a session's network carries that session's signals alone", async () => {
  const { client, sockets } = await open();
  const network = client.networkFor({ session: 's1' });
  const got = [];
  network.addEventListener('signal', ({ detail }) => got.push(detail.kind));
  sockets[0].says({ kind: 'offer', seq: 1, session: 's1' });
  sockets[0].says({ kind: 'roster', seq: 2, session: 's2' });
  sockets[0].says({ kind: 'bye', seq: 3, reason: 'shutting_down' });
  assert.deepEqual(got, ['offer', 'bye']);
  void network.send({ kind: 'answer' }).catch(() => {});
});
