import type { SpecialPlace } from './address-class.ts';
import { type AddressRange, parseAddress, parseRange, rangeHolds } from './cidr.ts';
import { type Destination, destinationMatches, parseDestination } from './destination.ts';
import type { When } from './schema-when.ts';

/** The hosts and addresses that a rule or exception spells out. */
export interface NamedPlaces {
  readonly hosts: readonly Destination[];
  readonly ranges: readonly AddressRange[];
}

interface NamingRule {
  readonly destinations?: readonly string[] | undefined;
  readonly when?: When | undefined;
}

/** What a rule names; `*` and patterns over text name nothing. */
export function namedPlaces(rule: NamingRule): NamedPlaces {
  const { host, address } = rule.when ?? {};
  const hosts = [
    ...(rule.destinations ?? []),
    ...written(host?.eq),
    ...written(host?.in),
    ...written(host?.glob),
  ]
    .map(parseDestination)
    .flatMap((parsed) => (parsed.ok && parsed.destination.kind !== 'any' ? [parsed.destination] : []));
  const ranges = [...written(address?.eq), ...written(address?.in), ...written(address?.cidr)]
    .map(parseRange)
    .flatMap((parsed) => (parsed.ok ? [parsed.range] : []));
  return Object.freeze({ hosts, ranges });
}

/**
 * Whether a special place is meant: by its host, or by a range of addresses no wider than the special range it
 * lies in. What hands out credentials has to be named exactly.
 *
 * @param host canonical
 */
export function namesPlace(
  { hosts, ranges }: NamedPlaces,
  host: string,
  address: string | undefined,
  special: SpecialPlace,
): boolean {
  const isMetadata = special.class === 'metadata';
  const byHost = hosts.some((one) => !(isMetadata && one.kind === 'suffix') && destinationMatches(one, host));
  if (byHost) return true;
  const groups = address === undefined ? undefined : parseAddress(address);
  return (
    groups !== undefined && ranges.some((range) => range.bits >= special.bits && rangeHolds(range, groups))
  );
}

function written(operand: string | number | readonly (string | number)[] | undefined): string[] {
  if (operand === undefined) return [];
  return typeof operand === 'object' ? operand.map(String) : [String(operand)];
}
