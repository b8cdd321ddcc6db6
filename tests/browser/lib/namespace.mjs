// Networks for browser scenarios. Firefox never pairs with 127.0.0.1, and a lost network cannot be
// played on a loopback: so a scenario can run in network namespaces of its own, with real addresses.
//
//   HOME namespace: server, technicians' browsers, the scenario itself     10.77.0.1
//        │ veth
//   AWAY namespace: the customer's browser, when `away` is asked for       10.77.0.2
//
// Namespaces go away with the run, also when it was cut off: `sweep` removes those of runs that are
// no longer alive. Needs root, iproute2 and nftables.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

export const HOME_ADDRESS = '10.77.0.1';
export const AWAY_ADDRESS = '10.77.0.2';
const PREFIX = 'lens-test-';

/** Says why namespaces cannot be made here, or nothing. */
export function missing() {
  if (process.getuid() !== 0) return 'network namespaces need root: run the browser tests as root';
  for (const [tool, parcel] of [['ip', 'iproute2'], ['nft', 'nftables']]) {
    if (!['/usr/sbin', '/sbin', '/usr/bin', '/bin'].some((at) => existsSync(`${at}/${tool}`))) {
      return `the tool ${tool} is missing: apt-get install ${parcel}`;
    }
  }
  return '';
}

/** Removes namespaces whose run is gone. */
export function sweep() {
  for (const line of run('ip', 'netns', 'list').split('\n')) {
    const name = line.split(' ')[0];
    const owner = name.startsWith(PREFIX) && name.slice(PREFIX.length).split('-')[0];
    if (owner && !existsSync(`/proc/${owner}`)) run('ip', 'netns', 'del', name);
  }
}

/** Makes HOME and AWAY, joined by a veth pair. */
export function makeNetwork() {
  const reason = missing();
  if (reason) throw new Error(reason);
  sweep();
  const home = `${PREFIX}${process.pid}-home`;
  const away = `${PREFIX}${process.pid}-away`;
  run('ip', 'netns', 'add', home);
  run('ip', 'netns', 'add', away);
  run('ip', '-n', home, 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', away);
  const sides = [[home, HOME_ADDRESS, AWAY_ADDRESS], [away, AWAY_ADDRESS, HOME_ADDRESS]];
  for (const [name, own, other] of sides) {
    run('ip', '-n', name, 'link', 'set', 'lo', 'up');
    // No address that the kernel makes and proves by itself: seconds later it would be news, and
    // a browser breaks off what it is loading when its network changes.
    run('ip', '-n', name, 'link', 'set', 'eth0', 'addrgenmode', 'none');
    run('ip', '-n', name, 'addr', 'add', `${own}/24`, 'dev', 'eth0');
    run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
    // Browsers gather the address of the default route; it leads nowhere.
    run('ip', '-n', name, 'route', 'add', 'default', 'via', other);
  }
  for (const [name] of sides) untilUp(name);
  return { home, away };
}

/** The kernel tells that a link is up some time after it is: before anybody can be disturbed by it. */
function untilUp(name) {
  const until = Date.now() + 10_000;
  while (!run('ip', '-n', name, 'link', 'show', 'eth0').includes('state UP')) {
    if (Date.now() > until) throw new Error(`the link of ${name} does not come up`);
  }
}

/** Removes what `makeNetwork` made. */
export function removeNetwork({ home, away }) {
  run('ip', 'netns', 'del', away);
  run('ip', 'netns', 'del', home);
}

/** What a scenario inside HOME can do to its network. */
export class Network {
  constructor({ home, away }) {
    this.home = home;
    this.away = away;
    this.address = HOME_ADDRESS;
  }

  /** Goes before a command to run it in AWAY. */
  get inAway() {
    return ['ip', 'netns', 'exec', this.away];
  }

  /** No UDP from now on, in or out, in either namespace. */
  dropUdp() {
    for (const name of [this.home, this.away]) {
      nft(name, 'add table inet no_udp');
      for (const hook of ['input', 'output']) {
        nft(name, `add chain inet no_udp ${hook} { type filter hook ${hook} priority 0; }`);
        nft(name, `add rule inet no_udp ${hook} meta l4proto udp counter drop`);
      }
    }
  }

  /** Packets dropped by `dropUdp` so far: more than none proves that UDP was tried. */
  droppedUdp() {
    const listing = run('ip', 'netns', 'exec', this.home, 'nft', 'list', 'table', 'inet', 'no_udp');
    return [...listing.matchAll(/packets (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
  }

  /** The way between AWAY and HOME carries so much from now on, each way, with a queue of 300 ms. */
  narrow(kbps) {
    const shape = ['tbf', 'rate', `${kbps}kbit`, 'burst', '1600', 'latency', '300ms'];
    for (const name of [this.home, this.away]) {
      run('ip', 'netns', 'exec', name, 'tc', 'qdisc', 'replace', 'dev', 'eth0', 'root', ...shape);
    }
  }

  /** Nothing gets through between AWAY and HOME; the devices stay up, as behind a dead access point. */
  cut() {
    nft(this.away, 'add table inet cut');
    for (const [hook, device] of [['input', 'iifname'], ['output', 'oifname']]) {
      nft(this.away, `add chain inet cut ${hook} { type filter hook ${hook} priority 0; }`);
      nft(this.away, `add rule inet cut ${hook} ${device} != "lo" drop`);
    }
  }

  /** Undoes `cut`. */
  heal() {
    nft(this.away, 'delete table inet cut');
  }
}

function nft(namespace, command) {
  run('ip', 'netns', 'exec', namespace, 'nft', command);
}

function run(command, ...parameters) {
  try {
    return execFileSync(command, parameters, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    throw new Error(`${command} ${parameters.join(' ')}: ${error.stderr?.trim() || error.message}`);
  }
}
