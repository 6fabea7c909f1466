import { type Address, type AddressRange, parseAddress, parseRange, rangeHolds } from './cidr.ts';

/** What an address that is not on the public internet is for. */
export type AddressClass =
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'shared'
  | 'metadata'
  | 'multicast'
  | 'broadcast'
  | 'documentation'
  | 'benchmarking'
  | 'unspecified'
  | 'reserved';

/** An address or name that leads somewhere else than the public internet. */
export interface SpecialPlace {
  readonly class: AddressClass;
  /** The range or name by which it was recognised, for people. */
  readonly within: string;
  /** Bits of the range that count; a rule that names a wider one does not mean this one. */
  readonly bits: number;
}

/**
 * First match wins, so narrow ranges stand before those that hold them. From the IANA special-purpose registries
 * (RFC 6890 and its updates), and where cloud providers hand out credentials.
 */
const RANGES: readonly (readonly [range: string, is: AddressClass])[] = [
  // AWS, Azure, Google and most others; ECS tasks; EKS pods; Tencent; Scaleway; Azure's agent; Alibaba; Oracle.
  ['169.254.169.254/32', 'metadata'],
  ['169.254.170.2/32', 'metadata'],
  ['169.254.170.23/32', 'metadata'],
  ['169.254.0.23/32', 'metadata'],
  ['169.254.42.42/32', 'metadata'],
  ['168.63.129.16/32', 'metadata'],
  ['100.100.100.200/32', 'metadata'],
  ['192.0.0.192/32', 'metadata'],
  // The same over IPv6: AWS, EKS pods, Google, Scaleway, OpenStack.
  ['fd00:ec2::254/128', 'metadata'],
  ['fd00:ec2::23/128', 'metadata'],
  ['fd20:ce::254/128', 'metadata'],
  ['fd00:42::42/128', 'metadata'],
  ['fe80::a9fe:a9fe/128', 'metadata'],

  // To connect to 0.0.0.0 or :: is to connect to this machine, on Linux.
  ['0.0.0.0/8', 'unspecified'],
  ['127.0.0.0/8', 'loopback'],
  ['10.0.0.0/8', 'private'],
  ['172.16.0.0/12', 'private'],
  ['192.168.0.0/16', 'private'],
  ['169.254.0.0/16', 'link-local'],
  ['100.64.0.0/10', 'shared'],
  ['192.0.0.0/24', 'reserved'],
  ['192.0.2.0/24', 'documentation'],
  ['198.51.100.0/24', 'documentation'],
  ['203.0.113.0/24', 'documentation'],
  ['192.88.99.0/24', 'reserved'],
  ['198.18.0.0/15', 'benchmarking'],
  ['224.0.0.0/4', 'multicast'],
  ['255.255.255.255/32', 'broadcast'],
  ['240.0.0.0/4', 'reserved'],

  ['::/128', 'unspecified'],
  ['::1/128', 'loopback'],
  ['fc00::/7', 'private'],
  // Site-local: deprecated by RFC 3879, still private wherever it is still used.
  ['fec0::/10', 'private'],
  ['fe80::/10', 'link-local'],
  ['ff00::/8', 'multicast'],
  ['2001:2::/48', 'benchmarking'],
  ['2001:db8::/32', 'documentation'],
  ['3fff::/20', 'documentation'],
  // Translation for local use (RFC 8215): what is behind it is nobody's business but the site's.
  ['64:ff9b:1::/48', 'private'],
  ['100::/64', 'reserved'],
  ['5f00::/16', 'reserved'],
];

/** Only these are handed out for the public internet (RFC 4291 §2.4, IANA); besides NAT64, looked at before. */
const GLOBAL_UNICAST = rangeOf('2000::/3');
const TEREDO = rangeOf('2001::/32');
/** IETF protocol assignments (RFC 2928); a few of them are reachable, and no service is there. */
const PROTOCOL_ASSIGNMENTS = rangeOf('2001::/23');

/** Prefixes after which an IPv4 address follows, and in which group of sixteen bits it begins. */
const EMBEDDING: readonly { readonly range: AddressRange; readonly at: number }[] = [
  // IPv4-compatible (RFC 4291 §2.5.5.1) and IPv4-translated (RFC 2765); mapped addresses are IPv4 already.
  { range: rangeOf('::/96'), at: 6 },
  { range: rangeOf('::ffff:0:0:0/96'), at: 6 },
  // NAT64 (RFC 6052) and 6to4 (RFC 3056).
  { range: rangeOf('64:ff9b::/96'), at: 6 },
  { range: rangeOf('2002::/16'), at: 1 },
];

interface KnownRange extends SpecialPlace {
  readonly range: AddressRange;
}

const KNOWN: readonly KnownRange[] = RANGES.map(([within, is]) => {
  const range = rangeOf(within);
  return Object.freeze({ class: is, within, bits: range.bits, range });
});
const KNOWN_4 = KNOWN.filter(({ range }) => range.groups.length === 2);
const KNOWN_6 = KNOWN.filter(({ range }) => range.groups.length === 8);

/** Names under which cloud machines find their credentials, whatever these resolve to. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  'metadata',
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'api.metadata.cloud.ibm.com',
  'rancher-metadata',
]);

/**
 * What an address is for, when it is not one of the public internet. An IPv6 address that carries an IPv4
 * address to a translator or a tunnel is what the carried address is.
 *
 * @param written in any spelling that `normaliseHost` unifies
 * @returns `undefined` for public addresses and for what is no address
 */
export function specialAddress(written: string): SpecialPlace | undefined {
  const known = recent.get(written);
  if (known !== undefined) return known === PUBLIC ? undefined : known;
  const address = parseAddress(written);
  const special = address === undefined ? undefined : classify(address);
  if (recent.size >= MAX_RECENT) recent.clear();
  recent.set(written, special ?? PUBLIC);
  return special;
}

/** Traffic goes to few addresses, and reading an IPv6 address takes longer than all else in a decision. */
const recent = new Map<string, SpecialPlace | typeof PUBLIC>();
const PUBLIC = Symbol('public');
const MAX_RECENT = 1024;

/** The same for a canonical name that means a special place without being resolved (RFC 6761 §6.3). */
export function specialName(host: string): SpecialPlace | undefined {
  if (METADATA_NAMES.has(host)) return { class: 'metadata', within: host, bits: 128 };
  if (host === 'localhost' || host.endsWith('.localhost')) {
    return { class: 'loopback', within: 'localhost', bits: 8 };
  }
  return undefined;
}

function classify(address: Address): SpecialPlace | undefined {
  if (address.length === 2) return find(KNOWN_4, address);
  const known = find(KNOWN_6, address);
  if (known !== undefined) return known;
  for (const { range, at } of EMBEDDING) {
    if (rangeHolds(range, address)) return carried(address, at);
  }
  // Teredo names its server, and its client with all bits turned round (RFC 4380 §4).
  if (rangeHolds(TEREDO, address)) return carried(address, 2) ?? carried(address.map(turned), 6) ?? TUNNEL;
  // ISATAP (RFC 5214 §6.1): the interface is an IPv4 address.
  const [, , , , fifth = 0, sixth = 0] = address;
  if ((fifth & 0xfdff) === 0 && sixth === 0x5efe) {
    const inner = carried(address, 6);
    if (inner !== undefined) return inner;
  }
  if (rangeHolds(PROTOCOL_ASSIGNMENTS, address)) return OUTSIDE;
  return rangeHolds(GLOBAL_UNICAST, address) ? undefined : OUTSIDE;
}

const TUNNEL: SpecialPlace = Object.freeze({ class: 'reserved', within: '2001::/32', bits: 32 });
const OUTSIDE: SpecialPlace = Object.freeze({ class: 'reserved', within: 'reserved space', bits: 64 });

function carried(address: Address, at: number): SpecialPlace | undefined {
  const inner = [address[at] ?? 0, address[at + 1] ?? 0];
  const special = classify(inner);
  if (special === undefined) return undefined;
  // Naming it takes the IPv6 address: as many bits as its range has, behind those in front of it.
  return { ...special, bits: Math.min(128, at * 16 + special.bits) };
}

function turned(group: number): number {
  return group ^ 0xffff;
}

function find(known: readonly KnownRange[], address: Address): SpecialPlace | undefined {
  for (const one of known) if (rangeHolds(one.range, address)) return one;
  return undefined;
}

function rangeOf(written: string): AddressRange {
  const parsed = parseRange(written);
  if (!parsed.ok) throw new TypeError(`"${written}": ${parsed.problem}`);
  return parsed.range;
}
