// Loses datagrams, at random, in the network of this process.

import { execFileSync } from 'node:child_process';

/** So many of a hundred datagrams are lost from now on, towards everybody; 0 for none. */
export function lose(percent) {
  nft('add table inet loss');
  nft('delete table inet loss');
  if (percent === 0) return;
  nft('add table inet loss');
  nft('add chain inet loss input { type filter hook input priority 0; }');
  nft(`add rule inet loss input meta l4proto udp numgen random mod 100 < ${percent} drop`);
}

function nft(command) {
  execFileSync('nft', [command], { stdio: 'pipe' });
}
