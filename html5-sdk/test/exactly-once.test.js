import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ChannelCore } from '../src/channel.js';
import { seeded } from './support/world.js';

/** The server's rules in small (`signaling/src/core/`), with a window that always suffices. */
class SmallHub {
  received = 0;
  sent = 0;
  unacknowledged = [];
  got = [];

  push(text) {
    this.unacknowledged.push({ seq: ++this.sent, text });
  }
  /** Frames for a connection that begins with this hello. */
  greet({ hub, last_seq: lastSeq }) {
    const resumed = hub === 'life';
    const missed = this.unacknowledged.filter(({ seq }) => seq > lastSeq);
    const welcome = { kind: 'welcome', seq: 0, hub: 'life', resumed, received: this.received };
    return [welcome, ...missed.map((message) => this.frame(message))];
  }
  frame({ seq, text }) {
    return { kind: 'chat', seq, ack: this.received, text };
  }
  receive({ seq, ack, text }) {
    if (ack !== undefined) {
      this.unacknowledged = this.unacknowledged.filter((message) => message.seq > ack);
    }
    if (seq === 0 || seq <= this.received) return;
    assert.equal(seq, this.received + 1, 'a gap on a connection that keeps order');
    this.received = seq;
    this.got.push(text);
  }
}

/** Seeds that found something stay here for good. */
for (const seed of [1, 2, 3, 42, 20261122]) {
  test(`10,000 messages each way over 200 cuts arrive once and in order (seed ${seed})`, () => {
    const random = seeded(seed);
    const hub = new SmallHub();
    const core = new ChannelCore('a-channel-for-the-test');
    const got = [];
    let [pushedDown, pushedUp, settled, cuts] = [0, 0, 0, 0];
    /** Frames on their way; a cut loses them. */
    let up = [];
    let down = [];
    const connect = () => {
      up = [];
      down = hub.greet(core.hello()).map((frame) => JSON.stringify({ v: 1, ...frame }));
    };
    connect();
    for (let step = 0; settled < 10_000 || got.length < 10_000 || cuts < 200; step += 1) {
      assert.ok(step < 1_000_000, 'something never arrives');
      const share = Math.min(10_000, 50 * (cuts + 3));
      if (pushedDown < share && pushedDown - got.length < 100 && random() < 0.6) {
        hub.push(String(++pushedDown));
        down.push(JSON.stringify({ v: 1, ...hub.frame(hub.unacknowledged.at(-1)) }));
      }
      if (pushedUp < share && pushedUp - settled < 100 && random() < 0.6) {
        void core.push({ kind: 'chat', text: String(++pushedUp) }).then(() => {});
      }
      for (let text = core.take(); text !== null; text = core.take()) up.push(text);
      if (up.length > 0 && random() < 0.7) {
        hub.receive(JSON.parse(up.shift()));
        down.push(JSON.stringify({ v: 1, kind: 'ack', seq: 0, ack: hub.received }));
        settled = hub.got.length;
      }
      if (down.length > 0 && random() < 0.9) {
        const heard = core.receive(down.shift());
        assert.notEqual(heard.type, 'broken');
        if (heard.type === 'signal') got.push(heard.signal.text);
      }
      if (cuts < 200 && random() < 0.015) {
        cuts += 1;
        connect();
      }
    }
    const all = Array.from({ length: 10_000 }, (_, index) => String(index + 1));
    assert.deepEqual(got, all);
    assert.deepEqual(hub.got, all);
  });
}
