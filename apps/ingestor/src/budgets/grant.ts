/** Micro-dollars. */
type Micros = number;

/** What one device may spend of a counter in one period, and says it has. */
export interface Lease {
  /** All grants together. */
  readonly granted: Micros;
  /** The most it ever told. */
  readonly spent: Micros;
  /** By calls that are not settled. */
  readonly held: Micros;
  readonly version: number;
}

/** What a device says of a counter. */
export interface Ask extends Lease {
  /** A call waits that lacks so much. */
  readonly needed: Micros;
  /** So much more would last for a while. */
  readonly wanted: Micros;
}

/** A counter, all devices together. */
export interface Counter {
  readonly amount: Micros;
  /** What devices may have spent, heard of or not. */
  readonly committed: Micros;
  /** Devices that ever asked for a share. */
  readonly holders: number;
}

const NO_LEASE: Lease = { granted: 0, spent: 0, held: 0, version: 0 };

/**
 * Takes down what a device has spent, takes back what it gives back, and grants more while the limit has room.
 *
 * What a device may spend counts as spent until the device itself says otherwise: it may be offline, or crashed, and
 * nobody knows. So the shares of all devices together never exceed the limit; only a call that cost more than its
 * upper bound can. A device whose word is not about the newest grant has missed it, and is told again instead of
 * being granted more.
 *
 * @param lease what is known of the device; undefined when it never asked
 */
export function answerAsk(lease: Lease | undefined, ask: Ask, counter: Counter): Lease {
  const known = lease ?? NO_LEASE;
  const spent = Math.max(known.spent, ask.spent);
  // It may be ahead: it has moved to another team, or this record was put back to an older state.
  const next = { spent, held: ask.held, version: Math.max(known.version, ask.version) + 1 };
  if (ask.version !== known.version) return { ...next, granted: known.granted };
  const kept = Math.max(Math.min(known.granted, ask.granted), spent);
  const left = counter.amount - (counter.committed - committedBy(known) + kept);
  const more = sizeOf(left, counter.holders, ask);
  // Without a new grant, what was spent beyond the old one is no grant.
  return { ...next, granted: more === 0 ? Math.min(known.granted, kept) : kept + more };
}

/** What a lease takes of the counter. */
export function committedBy({ granted, spent }: Lease): Micros {
  return Math.max(granted, spent);
}

/** What a waiting call needs, or nothing when it cannot have that; beyond it, a fair part of half of what is left. */
function sizeOf(left: Micros, holders: number, { needed, wanted }: Ask): Micros {
  if (left <= 0 || needed > left) return 0;
  const share = Math.floor(left / (2 * Math.max(1, holders)));
  return Math.max(needed, Math.min(wanted, share));
}
