import { type SpecialPlace, specialAddress, specialName } from './address-class.ts';
import { metadataAddress, privateAddress } from './builtin.ts';
import type { PolicySnapshot } from './compile.ts';
import { deciding } from './exception.ts';
import type { Facts } from './facts.ts';
import { isIpAddress } from './host.ts';
import { namesPlace } from './named-place.ts';
import type { Action } from './request.ts';
import { firstMatch } from './rule-index.ts';
import type { Opinion } from './verdict.ts';

/** What the product itself thinks of a destination that is not on the public internet. */
export interface PlaceOpinion {
  readonly special: SpecialPlace;
  /** Absent where the destination may be reached after all. */
  readonly opinion: Opinion | undefined;
  /** Why it may: the rule that names it, or what this device's configuration says about it. */
  readonly permittedBy: string | undefined;
}

/**
 * Denies addresses of the machine itself, of its network and of what hands out its credentials (server-side
 * request forgery), unless the rule that decides in the highest layer names the host or the addresses.
 *
 * The highest layer alone is asked, because the ban is everybody's: a team or a device can name what it likes
 * and relaxes nothing. Without that layer's word the answer is the same whatever the layers below say.
 *
 * @returns `undefined` where the destination is on the public internet, or nobody knows its address
 */
export function placeOpinion(snapshot: PolicySnapshot, facts: Facts): PlaceOpinion | undefined {
  const { request, place } = facts;
  if (place === undefined || (request.action !== 'network.connect' && request.action !== 'model.call'))
    return undefined;
  // The address is not the one that the host has: the administrator of this device leads it elsewhere.
  if (request.localChoice === 'mapped') return undefined;
  const address = request.address ?? (isIpAddress(place) ? place : undefined);
  const special = specialName(place) ?? (address === undefined ? undefined : specialAddress(address));
  if (special === undefined) return undefined;
  if (request.localChoice === 'provider' && special.class === 'loopback') {
    return { special, opinion: undefined, permittedBy: 'a local model provider' };
  }
  const rule = namingRule(snapshot, request.action, facts, place, address, special);
  if (rule !== undefined) return { special, opinion: undefined, permittedBy: rule };
  const make = special.class === 'metadata' ? metadataAddress : privateAddress;
  return { special, opinion: make(snapshot, address ?? place, special), permittedBy: undefined };
}

/** The rule or exception that decides in the highest layer, when it lets go and names the place. */
function namingRule(
  { layers }: PolicySnapshot,
  action: Action,
  facts: Facts,
  host: string,
  address: string | undefined,
  special: SpecialPlace,
): string | undefined {
  const plan = layers[0]?.sections.find(({ section }) => section === 'network')?.plans.get(action);
  if (plan === undefined) return undefined;
  const rule = plan.rules[firstMatch(plan.index, plan.rules, facts)];
  const said = rule ?? plan.fallback;
  const exception = said && deciding(said.exceptions, facts);
  const opinion = exception?.opinion ?? said?.opinion;
  if (opinion === undefined || opinion.outcome === 'DENY') return undefined;
  const isNamed = [rule?.names, exception?.names].some(
    (names) => names !== undefined && namesPlace(names, host, address, special),
  );
  return isNamed ? opinion.rule : undefined;
}
