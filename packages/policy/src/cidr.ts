import { isIpAddress, normaliseHost } from './host.ts';

/** Sixteen bits each: two for IPv4, eight for IPv6. */
export type Address = readonly number[];

export interface AddressRange {
  readonly groups: Address;
  /** Bits that count. */
  readonly bits: number;
}

/** Canonical: a part with a leading zero would be octal. */
const DOTTED_DECIMAL = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;

/**
 * An IP address in any spelling that {@link normaliseHost} unifies; an IPv4-mapped one is IPv4.
 *
 * @returns `undefined` for names and nonsense.
 */
export function parseAddress(written: string): Address | undefined {
  // What resolvers return, without a detour through a URL.
  if (DOTTED_DECIMAL.test(written)) return groupsOf4(written);
  const host = normaliseHost(written);
  if (host === undefined || !isIpAddress(host)) return undefined;
  return host.startsWith('[') ? groupsOf6(host.slice(1, -1)) : groupsOf4(host);
}

/**
 * @example parseRange('10.0.0.0/8')
 * @returns a sentence about what is wrong where it is not a range.
 */
export function parseRange(
  written: string,
): { ok: true; range: AddressRange } | { ok: false; problem: string } {
  const [, base = written, length] = /^(.+)\/(\d{1,3})$/.exec(written) ?? [];
  if (length === undefined && written.includes('/')) return refuse('the part after `/` must be a number');
  const groups = parseAddress(base);
  if (groups === undefined) return refuse('this is not an IP address or range, such as 10.0.0.0/8');
  const size = groups.length * 16;
  const bits = length === undefined ? size : Number(length);
  if (bits > size) return refuse(`an address of this kind has ${size} bits`);
  return { ok: true, range: Object.freeze({ groups: Object.freeze(groups), bits }) };
}

export function rangeHolds({ groups, bits }: AddressRange, address: Address): boolean {
  if (groups.length !== address.length) return false;
  for (let at = 0; at * 16 < bits; at++) {
    const difference = (groups[at] ?? 0) ^ (address[at] ?? 0);
    if (difference >> Math.max(0, (at + 1) * 16 - bits) !== 0) return false;
  }
  return true;
}

function refuse(problem: string): { ok: false; problem: string } {
  return { ok: false, problem };
}

function groupsOf4(host: string): number[] {
  const [a = 0, b = 0, c = 0, d = 0] = host.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

/** The WHATWG form has at most one `::`, and dotted decimal is gone from it. */
function groupsOf6(host: string): number[] {
  const [head = '', tail] = host.split('::');
  const before = hex(head);
  if (tail === undefined) return before;
  const after = hex(tail);
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

function hex(groups: string): number[] {
  return groups === '' ? [] : groups.split(':').map((group) => Number.parseInt(group, 16));
}
