import { lookup } from 'node:dns/promises';
import { isIP, type LookupFunction } from 'node:net';
import { specialAddress, specialName } from '@raypher/policy';
import { RaypherError } from '@raypher/shared';

export interface ResolvedAddress {
  address: string;
  family: number;
}

/** What is reached at addresses that somebody typed in, and how names are resolved. */
export interface OutboundNetwork {
  /** Every address of a name. */
  resolve(host: string): Promise<ResolvedAddress[]>;
  /** Why this address must not be connected to. */
  refusal(address: string): string | undefined;
  /** The same for a name; unless given, names that mean a special place without being resolved are refused. */
  nameRefusal?(host: string): string | undefined;
  /** Certificate authorities, PEM, instead of the usual ones. */
  ca?: string;
}

/** The public internet, and nothing of this network. */
export const PUBLIC_NETWORK: OutboundNetwork = {
  resolve: (host) => lookup(host, { all: true }),
  refusal: (address) => {
    const special = specialAddress(address);
    return special === undefined ? undefined : `${address} is ${special.class}, not on the public internet`;
  },
};

/**
 * Resolves a host once and looks at every address: connect to exactly these ({@link pinned}), or what was looked at is not
 * what is reached.
 *
 * @param hint what to do about a refusal
 * @throws RaypherError `request/invalid` when one of them must not be connected to
 */
export async function addressesOf(
  network: OutboundNetwork,
  hostname: string,
  hint: string,
): Promise<ResolvedAddress[]> {
  const host = hostname.replace(/^\[|\]$/g, '');
  const { nameRefusal = specialNameRefusal } = network;
  const named = nameRefusal(host.replace(/\.$/, '').toLowerCase());
  if (named !== undefined) throw refused(`${named}.`, hint);
  const family = isIP(host);
  const addresses = family === 0 ? await network.resolve(host) : [{ address: host, family }];
  for (const { address } of addresses) {
    const why = network.refusal(address);
    // One is enough: who mixes them wants to be connected to the other.
    if (why !== undefined) throw refused(`${why}.`, hint);
  }
  if (addresses.length === 0) throw new Error(`${host} has no address`);
  return addresses;
}

/** A look-up that knows these addresses only, whatever is asked; TLS still sees the name. */
export function pinned(addresses: readonly ResolvedAddress[]): LookupFunction {
  return (_host, { all }, callback) => {
    const [first] = addresses;
    if (all === true) callback(null, [...addresses]);
    else callback(null, first?.address ?? '', first?.family ?? 4);
  };
}

function specialNameRefusal(host: string): string | undefined {
  const special = specialName(host);
  return special === undefined ? undefined : `${host} is ${special.class}, not on the public internet`;
}

function refused(message: string, hint: string): RaypherError {
  return new RaypherError('request/invalid', message, { hint });
}
