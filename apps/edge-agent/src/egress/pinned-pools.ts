import type { Socket } from 'node:net';
import { buildConnector, Pool } from 'undici';
import { canonicalAddress } from './canonical-address.ts';
import { pinnedLookup } from './pinned-lookup.ts';
import type { Route } from './reach.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Models may think for minutes before the first byte, and pause for minutes in a stream. */
const ANSWER_TIMEOUT_MS = 15 * 60_000;
const MAX_POOLS = 512;

interface PinnedPool {
  readonly pool: Pool;
  /** Undefined: of a mapped origin. */
  readonly addresses: ReadonlySet<string> | undefined;
}

/**
 * Connections that are kept open between requests, by origin and by the addresses that were decided about: a
 * request is only ever carried by a connection to an address that was decided for this very request.
 */
export class PinnedPools {
  readonly #byOrigin = new Map<string, PinnedPool[]>();
  readonly #opened: (socket: Socket) => void;
  #size = 0;

  /** @param opened told of each new connection */
  constructor(opened: (socket: Socket) => void) {
    this.#opened = opened;
  }

  get({ origin, addresses }: Pick<Route, 'origin' | 'addresses'>): Pool {
    const pools = this.#byOrigin.get(origin) ?? [];
    const found = choose(pools, addresses);
    if (found !== undefined) return found.pool;
    const made = this.#create(origin, addresses);
    // Set again, so that the origins used last are the last of the map.
    this.#byOrigin.delete(origin);
    this.#byOrigin.set(origin, [...pools, made]);
    this.#size += 1;
    if (this.#size > MAX_POOLS) this.#forgetIdle(made);
    return made.pool;
  }

  /** How many pools there are. */
  get size(): number {
    return this.#size;
  }

  async close(): Promise<void> {
    const all = [...this.#byOrigin.values()].flat();
    this.#byOrigin.clear();
    this.#size = 0;
    await Promise.all(all.map(({ pool }) => pool.destroy()));
  }

  #create(origin: string, addresses: readonly string[] | undefined): PinnedPool {
    const allowed = addresses === undefined ? undefined : new Set(addresses);
    const connect = buildConnector({
      timeout: CONNECT_TIMEOUT_MS,
      // Said here, because NODE_TLS_REJECT_UNAUTHORIZED would otherwise send keys to whoever answers.
      rejectUnauthorized: true,
      // An upload over HTTP/2 that breaks off sends Node.js round in a circle for good; one connection carries one
      // request here anyway.
      allowH2: false,
      // Tries the families in turn (RFC 8305).
      autoSelectFamily: true,
      ...(addresses === undefined ? {} : { lookup: pinnedLookup(addresses) }),
    });
    const pool = new Pool(origin, {
      connections: 256,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: 30_000,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      connect: (options, callback) =>
        connect(options, (...result) => {
          const [error, socket] = result;
          if (error !== null) {
            callback(...result);
          } else if (
            allowed !== undefined &&
            !allowed.has(canonicalAddress(socket.remoteAddress ?? '') ?? '')
          ) {
            socket.destroy();
            callback(new Error('the connection leads to an address that nobody decided about'), null);
          } else {
            this.#opened(socket);
            callback(...result);
          }
        }),
    });
    return { pool, addresses: allowed };
  }

  /** Closes pools without a request in them, oldest origin first, until there are few enough. */
  #forgetIdle(keep: PinnedPool): void {
    for (const [origin, pools] of this.#byOrigin) {
      const [idle, busy] = partition(pools, (one) => one !== keep && isIdle(one.pool));
      for (const { pool } of idle) void pool.close();
      this.#size -= idle.length;
      if (busy.length === 0) this.#byOrigin.delete(origin);
      else this.#byOrigin.set(origin, busy);
      if (this.#size <= MAX_POOLS / 2) return;
    }
  }
}

/** The pool for these very addresses, else one with a free connection to some of them. */
function choose(
  pools: readonly PinnedPool[],
  addresses: readonly string[] | undefined,
): PinnedPool | undefined {
  if (addresses === undefined) return pools.find((one) => one.addresses === undefined);
  const allowed = new Set(addresses);
  const within = pools.filter((one) => isWithin(one.addresses, allowed));
  return (
    within.find((one) => one.addresses?.size === allowed.size) ??
    within.find(({ pool }) => pool.stats.free > 0)
  );
}

function isWithin(addresses: ReadonlySet<string> | undefined, allowed: ReadonlySet<string>): boolean {
  return addresses !== undefined && [...addresses].every((address) => allowed.has(address));
}

function isIdle({ stats }: Pool): boolean {
  return stats.running + stats.pending + stats.queued === 0;
}

function partition<Item>(items: readonly Item[], test: (item: Item) => boolean): [yes: Item[], no: Item[]] {
  return [items.filter(test), items.filter((item) => !test(item))];
}
