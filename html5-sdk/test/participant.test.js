import assert from 'node:assert/strict';
import { test } from 'node:test';

import { LensError } from '../src/errors.js';
import { Participant } from '../src/participant.js';
import { FakeChannel, FakeStream, fakePeers, track } from './support/peers.js';
import { FakeClock, FakeWindow, settle } from './support/world.js';

const CAMERA = [
  { mid: '0', kind: 'video_up' },
  { mid: '1', kind: 'audio_up' },
  { mid: '2', kind: 'audio_down', source: null },
];
const VIEWER = [
  { mid: '0', kind: 'audio_up' },
  { mid: '1', kind: 'video_down', source: 'camera' },
  { mid: '2', kind: 'audio_down', source: 'camera' },
  { mid: '3', kind: 'screen_up' },
];

function offer(generation, { slots = VIEWER, sdp, participant = 'me', conference = 'c' } = {}) {
  return {
    conference,
    participant,
    generation,
    negotiation_id: generation * 10,
    sdp: sdp ?? JSON.stringify(slots),
    slots,
  };
}

function world({ answer = async () => {} } = {}) {
  const clock = new FakeClock();
  const { RTCPeerConnection, peers } = fakePeers();
  const window = new FakeWindow();
  const network = Object.assign(new EventTarget(), {
    sent: [],
    send: async (signal, options) => {
      network.sent.push(signal);
      await answer(signal, options);
    },
    brings: (detail) => network.dispatchEvent(new CustomEvent('signal', { detail })),
    kinds: () => network.sent.map(({ kind }) => kind),
  });
  const environment = { ...clock.environment(), RTCPeerConnection, MediaStream: FakeStream, window };
  const participant = new Participant({ network }, environment);
  const events = [];
  for (const type of ['statechange', 'track', 'trackend', 'roster', 'generation', 'capturestopped', 'datachannel']) {
    participant.addEventListener(type, ({ detail }) => events.push({ type, ...detail }));
  }
  const of = (wanted) => events.filter(({ type }) => type === wanted);
  const states = () => of('statechange').map(({ state, code }) => code ?? state);
  return { clock, peers, window, network, participant, events, of, states };
}

async function connected(slots = VIEWER) {
  const all = world();
  all.participant.receive(offer(1, { slots }));
  await settle();
  all.peers[0].turns('connected');
  await settle();
  return all;
}

test('an offer is answered at once, slots up turned to sendonly', async () => {
  const { participant, network, states, peers } = await connected(CAMERA);
  const [answer] = network.sent;
  assert.deepEqual(answer, {
    kind: 'answer',
    conference: 'c',
    participant: 'me',
    generation: 1,
    negotiation_id: 10,
    sdp: '0:sendonly 1:sendonly 2:recvonly',
  });
  assert.deepEqual(states(), ['connecting', 'connected']);
  assert.equal(participant.id, 'me');
  assert.equal(peers[0].configuration.bundlePolicy, 'max-bundle');
});

test('an offer also arrives through the network', async () => {
  const { network, peers } = world();
  network.brings({ kind: 'offer', session: 's', ...offer(1) });
  await settle();
  assert.equal(peers.length, 1);
  assert.deepEqual(network.kinds(), ['answer']);
});

test('a track published before the offer is sent, one after it needs no negotiation', async () => {
  const { participant, peers, network } = world();
  const video = track('video');
  await participant.publish(video);
  participant.receive(offer(1, { slots: CAMERA }));
  await settle();
  assert.equal(peers[0].slot('0').sender.track, video);
  const audio = track('audio');
  await participant.publish(audio);
  assert.equal(peers[0].slot('1').sender.track, audio);
  await participant.unpublish('video');
  assert.equal(peers[0].slot('0').sender.track, null);
  assert.equal(peers[0].slot('0').direction, 'sendonly', 'the slot stays');
  assert.deepEqual(network.kinds(), ['answer']);
  assert.equal(video.readyState, 'live', 'the track is the page’s');
});

test('a track that the layout has no slot for is refused', async () => {
  const { participant } = await connected(VIEWER);
  await assert.rejects(participant.publish(track('video')), { code: 'wrong_state' });
});

test('a track published while the answer is being made is not lost', async () => {
  const { participant, peers } = world();
  participant.receive(offer(1, { slots: CAMERA }));
  const video = track('video');
  await participant.publish(video);
  await settle();
  assert.equal(peers[0].slot('0').sender.track, video);
});

test('who is in a slot is seen and heard, who leaves it ends', async () => {
  const { network, of, peers } = await connected();
  assert.deepEqual(
    of('track').map(({ kind, participant, mid }) => [kind, participant, mid]),
    [['video', 'camera', '1'], ['audio', 'camera', '2']],
  );
  assert.deepEqual(of('track')[0].stream.getTracks(), [peers[0].slot('1').receiver.track]);
  const slots = [{ mid: '2', kind: 'audio_down' }];
  network.brings({ kind: 'roster', you: 'me', participants: [{ participant: 'other', slots }] });
  await settle();
  assert.deepEqual(
    of('trackend').map(({ kind, participant }) => [kind, participant]),
    [['video', 'camera'], ['audio', 'camera']],
  );
  assert.deepEqual([of('track').at(-1).participant, of('track').at(-1).mid], ['other', '2']);
  assert.equal(of('roster')[0].participants.length, 1);
});

test('a new generation takes over without a gap: old tracks play until the new flow', async () => {
  const { participant, peers, of, states, network } = await connected();
  const audio = track('audio');
  await participant.publish(audio);
  const stream = of('track')[0].stream;
  const former = peers[0].slot('1').receiver.track;
  for (const mid of ['1', '2']) peers[0].slot(mid).receiver.track.unmute();
  network.brings({ kind: 'offer', ...offer(2) });
  await settle();
  assert.equal(peers[1].slot('0').sender.track, audio, 're-attached');
  assert.deepEqual(stream.getTracks(), [former]);
  peers[1].turns('connected');
  await settle();
  assert.deepEqual(stream.getTracks(), [former], 'connected, but nothing flows yet');
  assert.notEqual(peers[0].connectionState, 'closed');
  for (const mid of ['1', '2']) peers[1].slot(mid).receiver.track.unmute();
  await settle();
  assert.deepEqual(stream.getTracks(), [peers[1].slot('1').receiver.track], 'the same stream');
  assert.equal(peers[0].connectionState, 'closed');
  assert.deepEqual(of('trackend'), []);
  assert.deepEqual(of('generation').map(({ generation }) => generation), [1, 2]);
  assert.deepEqual(states(), ['connecting', 'connected'], 'the page notices nothing');
});

test('a new generation does not wait for what was silent before', async () => {
  const { peers, participant } = await connected();
  peers[0].slot('1').receiver.track.unmute();
  participant.receive(offer(2));
  await settle();
  peers[1].turns('connected');
  await settle();
  assert.notEqual(peers[0].connectionState, 'closed', 'the picture does not flow yet');
  peers[1].slot('1').receiver.track.unmute();
  await settle();
  assert.equal(peers[0].connectionState, 'closed', 'nobody speaks in slot 2');
});

test('a new generation in which nothing flows takes over after a moment', async () => {
  const { clock, peers, participant } = await connected();
  peers[0].slot('1').receiver.track.unmute();
  participant.receive(offer(2));
  await settle();
  peers[1].turns('connected');
  await clock.pass(1_400);
  assert.notEqual(peers[0].connectionState, 'closed');
  await clock.pass(100);
  assert.equal(peers[0].connectionState, 'closed');
  assert.equal(participant.generation, 2);
});

test('older and repeated offers are ignored, those of another conference are not', async () => {
  const { participant, peers } = await connected();
  participant.receive(offer(1));
  participant.receive(offer(0));
  assert.equal(peers.length, 1);
  participant.receive(offer(2));
  participant.receive(offer(3));
  await settle();
  assert.equal(peers.length, 3);
  assert.equal(peers[1].connectionState, 'closed', 'replaced before it was answered');
  participant.receive(offer(1, { conference: 'anew', participant: 'me-too' }));
  assert.equal(peers.length, 4);
});

test('a failed connection asks for another, with growing patience', async () => {
  const { clock, peers, network, states, participant } = await connected();
  peers[0].turns('failed');
  await clock.pass(0);
  assert.deepEqual(states(), ['connecting', 'connected', 'reconnecting']);
  assert.deepEqual(network.sent.at(-1), { kind: 'offer_request', generation: 1, reason: 'failed' });
  const asked = () => network.kinds().filter((kind) => kind === 'offer_request').length;
  assert.equal(asked(), 1);
  await clock.pass(5_299);
  assert.equal(asked(), 1);
  await clock.pass(1);
  assert.equal(asked(), 2, 'five seconds for an answer, then 0.3');
  participant.receive(offer(2));
  await settle();
  peers[1].turns('connected');
  await settle();
  assert.equal(states().at(-1), 'connected');
  await clock.pass(20_000 - 17_000);
  assert.equal(asked(), 2, 'nothing more is asked for');
});

test('a short interruption heals by itself, a longer one does not', async () => {
  const { clock, peers, network, states } = await connected();
  peers[0].turns('disconnected');
  await clock.pass(1_900);
  peers[0].turns('connected');
  await clock.pass(1_000);
  assert.deepEqual(states(), ['connecting', 'connected']);
  peers[0].turns('disconnected');
  await clock.pass(2_000);
  assert.equal(states().at(-1), 'reconnecting');
  assert.equal(network.kinds().at(-1), 'offer_request');
});

test('a connection that comes back before the new offer stays', async () => {
  const { clock, peers, states } = await connected();
  peers[0].turns('disconnected');
  await clock.pass(2_500);
  peers[0].turns('connected');
  await settle();
  assert.deepEqual(states(), ['connecting', 'connected', 'reconnecting', 'connected']);
});

test('silence where media flowed is trouble before ICE says so', async () => {
  const { clock, peers, network, states } = await connected();
  for (let second = 0; second < 5; second += 1) {
    peers[0].received += 1000;
    await clock.pass(1_000);
  }
  assert.equal(states().at(-1), 'connected');
  await clock.pass(5_100);
  assert.equal(states().at(-1), 'reconnecting');
  assert.equal(network.kinds().at(-1), 'offer_request');
  peers[0].received += 1000;
  await clock.pass(1_000);
  assert.equal(states().at(-1), 'connected', 'it was only slow');
});

test('a connection that does not come up within ten seconds asks anew', async () => {
  const { clock, peers, network, participant, states } = world();
  participant.receive(offer(1));
  await clock.pass(10_000);
  assert.equal(peers[0].connectionState, 'closed');
  assert.equal(network.kinds().at(-1), 'offer_request');
  assert.deepEqual(states(), ['connecting']);
});

test('a next generation that fails leaves the present one playing', async () => {
  const { clock, peers, participant, states } = await connected();
  participant.receive(offer(2));
  await settle();
  peers[1].turns('failed');
  await clock.pass(0);
  assert.equal(peers[0].connectionState, 'connected');
  assert.deepEqual(states(), ['connecting', 'connected']);
});

test('coming online checks a connection that is not well', async () => {
  const { clock, peers, network, window } = await connected();
  window.dispatchEvent(new Event('online'));
  await clock.pass(0);
  assert.deepEqual(network.kinds(), ['answer'], 'all is well');
  peers[0].connectionState = 'disconnected';
  window.dispatchEvent(new Event('online'));
  await clock.pass(0);
  assert.deepEqual(network.sent.at(-1), { kind: 'offer_request', generation: 1, reason: 'network' });
});

test('a refusal that never changes is failure with its code, another is tried again', async () => {
  const refusals = [['session_closed', 'failed'], ['media_node_lost', 'reconnecting'], ['wrong_state', 'reconnecting']];
  for (const [code, state] of refusals) {
    const answer = async ({ kind }) => {
      if (kind === 'offer_request') throw new LensError(code);
    };
    const { clock, peers, participant, network, states } = world({ answer });
    participant.receive(offer(1));
    await settle();
    peers[0].turns('connected');
    peers[0].turns('failed');
    await clock.pass(1_000);
    assert.equal(participant.state, state, code);
    if (state === 'failed') assert.equal(states().at(-1), code);
    else assert.ok(network.kinds().filter((kind) => kind === 'offer_request').length > 1);
  }
});

test('an offer the browser cannot take asks for another', async () => {
  const { clock, network, participant } = world();
  participant.receive(offer(1, { sdp: 'bad' }));
  await clock.pass(0);
  assert.deepEqual(network.kinds(), ['offer_request']);
});

test('a page that was loaded anew asks for an offer, and hurries when told', async () => {
  const { clock, network, participant } = world();
  participant.requestOffer('reload');
  await clock.pass(0);
  assert.deepEqual(network.sent, [{ kind: 'offer_request', generation: undefined, reason: 'reload' }]);
  participant.requestOffer('network');
  await clock.pass(0);
  assert.equal(network.sent.length, 2);
});

test('a minute without connection stops capture, and publishing goes on after it', async () => {
  const { clock, peers, participant, of } = await connected(CAMERA);
  const video = track('video');
  await participant.publish(video);
  peers[0].turns('failed');
  await clock.pass(59_000);
  assert.equal(video.readyState, 'live');
  await clock.pass(1_000);
  assert.equal(video.readyState, 'ended');
  assert.equal(of('capturestopped').length, 1);
  const again = track('video');
  await participant.publish(again);
  participant.receive(offer(2, { slots: CAMERA }));
  await settle();
  assert.equal(peers[1].slot('0').sender.track, again);
});

test('the data channel the server opens is kept', async () => {
  const { participant, peers, of } = await connected();
  const channel = new FakeChannel();
  peers[0].ondatachannel({ channel });
  await settle();
  assert.equal(participant.dataChannel, channel);
  assert.equal(of('datachannel').length, 1);
});

/** What a peer's control channel was told, once it is open. */
function opensControl(peer) {
  const [control] = peer.opened;
  control.readyState = 'open';
  control.onopen();
  return control;
}

test('the size of the picture is told four times a second at most, and to each generation', async () => {
  const { participant, peers, clock } = await connected();
  assert.equal(peers[0].opened.length, 0, 'no channel while there is nothing to say');
  for (let height = 100; height <= 700; height += 100) participant.setPictureSize({ height });
  await clock.pass(250);
  const control = opensControl(peers[0]);
  assert.equal(control.label, 'lens-control');
  assert.deepEqual(control.said, ['{"max_height":700}']);
  participant.setPictureSize({ height: 359.2 });
  await clock.pass(249);
  assert.equal(control.said.length, 1);
  await clock.pass(1);
  participant.setPictureSize({ height: 99_999 });
  await clock.pass(250);
  participant.setPictureSize(null);
  await clock.pass(250);
  const told = control.said.map((text) => JSON.parse(text).max_height);
  assert.deepEqual(told, [700, 360, 4_320, null]);
  participant.setPictureSize({ height: 0 });
  participant.receive(offer(2));
  await settle();
  peers[1].turns('connected');
  await settle();
  assert.deepEqual(opensControl(peers[1]).said, ['{"max_height":0}']);
});

test('a size that is none is refused, and one after the end is ignored', async () => {
  const { participant, peers, clock } = await connected();
  for (const height of [-1, NaN, undefined]) {
    assert.throws(() => participant.setPictureSize({ height }), RangeError);
  }
  participant.setPictureSize({ height: 100 });
  participant.close();
  participant.setPictureSize({ height: 200 });
  await clock.pass(1_000);
  assert.equal(peers[0].opened.length, 0);
});

test('closing twice is once, and nothing is told after it', async () => {
  const all = await connected();
  const { participant, peers, events, network, window, clock } = all;
  const handlers = { state: peers[0].onconnectionstatechange, track: peers[0].ontrack };
  participant.close();
  participant.close();
  assert.equal(participant.state, 'closed');
  await settle();
  assert.deepEqual(events.at(-1), { type: 'statechange', state: 'closed' });
  const told = events.length;
  peers[0].connectionState = 'failed';
  handlers.state();
  handlers.track({ transceiver: {}, receiver: {} });
  network.brings({ kind: 'offer', ...offer(2) });
  network.brings({ kind: 'roster', you: 'me', participants: [] });
  window.dispatchEvent(new Event('online'));
  participant.receive(offer(3));
  participant.requestOffer();
  await clock.pass(120_000);
  assert.equal(events.length, told);
  assert.equal(peers.length, 1);
  await assert.rejects(participant.publish(track('video')), { name: 'InvalidStateError' });
  assert.equal(clock.pending, 0, 'no timer is left');
});

test('closing while connecting sends no answer', async () => {
  const { participant, network, peers, clock, states } = world();
  participant.receive(offer(1));
  participant.close();
  await clock.pass(60_000);
  assert.deepEqual(network.sent, []);
  assert.equal(peers[0].connectionState, 'closed');
  assert.deepEqual(states(), ['closed']);
});

test('what was queued before closing is not told after it', async () => {
  const { participant, network, events } = await connected();
  const told = events.length;
  network.brings({ kind: 'roster', you: 'me', participants: [] });
  participant.close();
  await settle();
  assert.deepEqual(events.slice(told), [{ type: 'statechange', state: 'closed' }]);
});

test('an aborted signal closes, also one that was aborted before', async () => {
  const abort = new AbortController();
  const network = Object.assign(new EventTarget(), { send: async () => {} });
  const participant = new Participant({ network, signal: abort.signal });
  abort.abort();
  assert.equal(participant.state, 'closed');
  assert.equal(new Participant({ network, signal: abort.signal }).state, 'closed');
});

test('a goodbye of the server closes, a shutdown and unknown kinds do not', async () => {
  const { network, participant } = await connected();
  network.brings({ kind: 'telepathy' });
  network.brings({ kind: 'bye', reason: 'shutting_down' });
  assert.equal(participant.state, 'connected');
  network.brings({ kind: 'bye', reason: 'closed' });
  assert.equal(participant.state, 'closed');
});

test('a frame transform that the browser does not have is an error, not silence', () => {
  const network = Object.assign(new EventTarget(), { send: async () => {} });
  const transform = { worker: {} };
  assert.throws(() => new Participant({ network, senderTransform: transform }), {
    name: 'NotSupportedError',
  });
});

test('a network that throws has failed as one that rejects has: an offer is asked for', async () => {
  const { participant, network, clock } = world();
  const { send } = network;
  network.send = () => {
    throw new Error('gone');
  };
  participant.receive(offer(1));
  await settle();
  network.send = send;
  await clock.pass(10_000);
  assert.equal(network.kinds().at(-1), 'offer_request');
  assert.equal(participant.state, 'connecting');
});
