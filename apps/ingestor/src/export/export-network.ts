import { lookup } from 'node:dns/promises';
import { type BlockList, isIP } from 'node:net';
import { specialAddress, specialName } from '@raypher/policy';
import type { OutboundNetwork } from '../http/outbound.ts';

export const NETWORK_HINT =
  'The operator allows ranges of the own network with RAYPHER_EXPORT_NETWORKS, such as 10.20.0.0/16.';

/**
 * The public internet and those ranges of the own network that the operator named. What hands out credentials of
 * machines is in no range.
 */
export function exportNetwork(allowed: BlockList): OutboundNetwork {
  return {
    resolve: (host) => lookup(host, { all: true }),
    refusal: (address) => {
      const special = specialAddress(address);
      if (special === undefined) return undefined;
      const isNamed =
        special.class !== 'metadata' && allowed.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
      return isNamed ? undefined : `${address} is ${special.class}, not on the public internet`;
    },
    nameRefusal: (host) => {
      // `localhost` is whatever addresses it has; these are looked at.
      const special = specialName(host);
      return special?.class === 'metadata' ? `${host} is metadata, not on the public internet` : undefined;
    },
  };
}
