import type { NetworkConnectRequest, Verdict } from '@raypher/policy';
import type { Resolution } from './host-resolver.ts';
import { strictest } from './severity.ts';

/** What a decision about a connection has to know of its address. */
export type AddressFacts = Pick<NetworkConnectRequest, 'address' | 'localChoice'>;

/** Where a host leads, before anybody decided. */
export type ResolvedDestination = KnownDestination | { readonly kind: 'unresolved'; readonly why: string };

/** Where it leads somewhere. */
export type KnownDestination =
  /** The configuration of this device leads it to another address, which rules do not see. */
  | { readonly kind: 'mapped' }
  | {
      readonly kind: 'addresses';
      readonly addresses: readonly string[];
      /** A model provider on this machine listens there. */
      readonly isLocalProvider: boolean;
    };

/** Addresses that were decided about. A connection is made to one of them and to nothing else. */
export interface Route {
  readonly origin: string;
  /** The logical ones. */
  readonly host: string;
  readonly port: number;
  /** Undefined: mapped, so that the origin is looked up like anything of this device's own. */
  readonly addresses: readonly string[] | undefined;
  /** One for each address, for further questions about the same connection. */
  readonly facts: readonly AddressFacts[];
}

/** Where a connection may go. `open` is what no enforced rule denies; it may still be for a person to decide. */
export type Reach<Decision> =
  | { readonly kind: 'denied'; readonly decision: Decision }
  | { readonly kind: 'unresolved'; readonly decision: Decision; readonly why: string }
  | { readonly kind: 'open'; readonly decision: Decision; readonly route: Route };

interface Lookup {
  /** Addresses of the host, if that takes no question to anybody. */
  readonly known: KnownDestination | undefined;
  resolve(): Promise<ResolvedDestination>;
  readonly origin: string;
  readonly host: string;
  readonly port: number;
}

/**
 * Resolves once, decides about each address, and keeps those that are not denied.
 *
 * A name that is denied whatever its address is is not looked up: names are a way to send data out. Where no
 * address remains, the decision is the strictest of all, otherwise the strictest about those that remain.
 *
 * @param decide called with the facts about one address; without any for a name that is not looked up yet
 */
export async function reach<Decision extends { readonly verdict: Verdict }>(
  lookup: Lookup,
  decide: (facts: AddressFacts) => Decision,
): Promise<Reach<Decision>> {
  if (lookup.known !== undefined) return decideAbout(lookup.known, lookup, decide);
  const decision = decide({});
  if (isDenied(decision) && decision.verdict.provisional !== true) return { kind: 'denied', decision };
  const resolved = await lookup.resolve();
  if (resolved.kind !== 'unresolved') return decideAbout(resolved, lookup, decide);
  if (isDenied(decision)) return { kind: 'denied', decision };
  return { kind: 'unresolved', decision, why: resolved.why };
}

function decideAbout<Decision extends { readonly verdict: Verdict }>(
  resolved: KnownDestination,
  { origin, host, port }: Lookup,
  decide: (facts: AddressFacts) => Decision,
): Reach<Decision> {
  if (resolved.kind === 'mapped') {
    const facts: AddressFacts = { localChoice: 'mapped' };
    const decision = decide(facts);
    if (isDenied(decision)) return { kind: 'denied', decision };
    return { kind: 'open', decision, route: { origin, host, port, addresses: undefined, facts: [facts] } };
  }
  const localChoice = resolved.isLocalProvider ? 'provider' : undefined;
  const decided = resolved.addresses.map((address) => {
    const facts: AddressFacts = { address, localChoice };
    return { address, facts, decision: decide(facts) };
  });
  const open = decided.filter((one) => !isDenied(one.decision));
  if (open.length === 0) return { kind: 'denied', decision: strictest(decided.map((one) => one.decision)) };
  const decision = strictest(open.map((one) => one.decision));
  const route = {
    origin,
    host,
    port,
    addresses: open.map((one) => one.address),
    facts: open.map((one) => one.facts),
  };
  return { kind: 'open', decision, route };
}

/** The addresses of a resolution as a destination. */
export function resolvedTo(resolution: Resolution, isLocalProvider: boolean): ResolvedDestination {
  if (!resolution.ok) return { kind: 'unresolved', why: resolution.why };
  return { kind: 'addresses', addresses: resolution.addresses, isLocalProvider };
}

function isDenied({ verdict }: { readonly verdict: Verdict }): boolean {
  return verdict.effective.outcome === 'DENY';
}
