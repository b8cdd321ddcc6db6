// The network of the testees: beside the server's, with two ways to it, of which one is in use.
//
//   server's namespace                 testees' namespace
//     eth0 10.77.0.1 ───────────────── eth0 10.77.0.2     the way in use
//     eth1 10.78.0.1 ───────────────── eth1 10.78.0.2     once `change` was asked for

import { execFileSync } from 'node:child_process';
import { AWAY_ADDRESS, HOME_ADDRESS } from '../../browser/lib/namespace.mjs';

const SECOND = { home: '10.78.0.1', away: '10.78.0.2' };
/** How long datagrams are counted before an address is gone. */
const COUNTED_MS = 1_000;

export class Ways {
  #home;
  #away;
  /** @type {'first' | 'second'} */
  #used = 'first';

  /** Adds the second way to a network of `makeNetwork`'s. */
  static prepare({ home, away }) {
    ip('-n', home, 'link', 'add', 'eth1', 'type', 'veth', 'peer', 'name', 'eth1', 'netns', away);
    for (const name of [home, away]) ip('-n', name, 'link', 'set', 'eth1', 'addrgenmode', 'none');
    ip('-n', home, 'addr', 'add', `${SECOND.home}/24`, 'dev', 'eth1');
    for (const name of [home, away]) ip('-n', name, 'link', 'set', 'eth1', 'up');
  }

  constructor({ home, away }) {
    this.#home = home;
    this.#away = away;
  }

  /** Goes before a testee's command. */
  get inAway() {
    return ['ip', 'netns', 'exec', this.#away];
  }

  /** So many of a hundred datagrams are lost from now on, either way; 0 for none. */
  lose(percent) {
    for (const name of [this.#home, this.#away]) {
      nft(name, 'add table inet loss');
      nft(name, 'delete table inet loss');
      if (percent === 0) continue;
      nft(name, 'add table inet loss');
      nft(name, 'add chain inet loss input { type filter hook input priority 0; }');
      nft(name, `add rule inet loss input meta l4proto udp numgen random mod 100 < ${percent} drop`);
    }
  }

  /**
   * The testees lose the address that they use, and have another. The second is there a while before
   * the first goes; when the first returns, which a peer prefers, the second is gone already. Throws
   * when the one that goes was not in use.
   */
  async change() {
    const to = this.#used === 'first' ? 'second' : 'first';
    const [old, other] = [addressOf(this.#used), addressOf(to)];
    if (to === 'second') this.#add(to);
    this.#count(old, other);
    await new Promise((resolve) => setTimeout(resolve, COUNTED_MS));
    const [before, beside] = this.#counted();
    if (before <= beside) {
      throw new Error(`${old} was not in use: ${before} datagrams left from it, ${beside} from ${other}`);
    }
    this.#remove(this.#used);
    if (to === 'first') this.#add(to);
    this.#used = to;
  }

  /** As at the beginning. */
  restore() {
    this.lose(0);
    this.#add('first');
    ip('-n', this.#away, 'addr', 'flush', 'dev', 'eth1');
    this.#used = 'first';
  }

  #add(way) {
    const away = this.#away;
    if (way === 'first') {
      ip('-n', away, 'addr', 'replace', `${AWAY_ADDRESS}/24`, 'dev', 'eth0');
      ip('-n', away, 'route', 'replace', 'default', 'via', HOME_ADDRESS);
    } else {
      ip('-n', away, 'addr', 'replace', `${SECOND.away}/24`, 'dev', 'eth1');
      ip('-n', away, 'route', 'replace', 'default', 'via', SECOND.home, 'metric', '100');
    }
  }

  /** Its routes go with it. */
  #remove(way) {
    const [address, device] = way === 'first' ? [AWAY_ADDRESS, 'eth0'] : [SECOND.away, 'eth1'];
    ip('-n', this.#away, 'addr', 'del', `${address}/24`, 'dev', device);
  }

  #count(...addresses) {
    const away = this.#away;
    nft(away, 'add table inet used');
    nft(away, 'delete table inet used');
    nft(away, 'add table inet used');
    nft(away, 'add chain inet used output { type filter hook output priority 0; }');
    for (const address of addresses) {
      nft(away, `add rule inet used output ip saddr ${address} udp length > 200 counter`);
    }
  }

  #counted() {
    const listed = ip('netns', 'exec', this.#away, 'nft', 'list', 'table', 'inet', 'used');
    return [...listed.matchAll(/packets (\d+)/g)].map(([, count]) => Number(count));
  }
}

function addressOf(way) {
  return way === 'first' ? AWAY_ADDRESS : SECOND.away;
}

function nft(namespace, command) {
  ip('netns', 'exec', namespace, 'nft', command);
}

function ip(...parameters) {
  try {
    return execFileSync('ip', parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`ip ${parameters.join(' ')}: ${error.stderr?.trim() || error.message}`, { cause: error });
  }
}
