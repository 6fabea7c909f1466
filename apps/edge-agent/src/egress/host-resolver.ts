import { Resolver } from 'node:dns';
import { lookup, Resolver as PromiseResolver } from 'node:dns/promises';
import { canonicalAddress } from './canonical-address.ts';

/** Either the addresses, in the order in which to try them, or why there are none. */
export type Resolution =
  | { readonly ok: true; readonly addresses: readonly string[] }
  | { readonly ok: false; readonly why: string };

export interface HostResolverOptions {
  /** DNS servers as `address` or `address:port`; without any, the resolver of the system. */
  readonly servers?: readonly string[] | undefined;
  readonly timeoutMs?: number;
  /** Milliseconds that never go backwards. */
  readonly now?: () => number;
}

interface Answer {
  addresses: string[];
  /** How long it may be kept, as far as the answer says. */
  ttlMs: number | undefined;
}

interface Known {
  resolution: Resolution & { ok: true };
  refreshAt: number;
  until: number;
}

const TIMEOUT_MS = 5000;
/** However long a record says it may be kept: what it points to may be taken away from it sooner. */
const MAX_AGE_MS = 30_000;
/** The system does not say how old its answers may get, and keeps its own cache. */
const UNKNOWN_AGE_MS = 10_000;
const MAX_KNOWN = 1024;
/** More addresses than any real name needs; each is decided for itself. */
const MAX_ADDRESSES = 16;

/**
 * Looks hosts up, each name once while its answer is fresh. A look-up that is running is shared, an answer that
 * gets old is renewed while it is still used.
 */
export class HostResolver {
  readonly #known = new Map<string, Known>();
  readonly #running = new Map<string, Promise<Resolution>>();
  readonly #ask: (host: string) => Promise<Answer>;
  readonly #timeoutMs: number;
  readonly #now: () => number;

  constructor({
    servers = [],
    timeoutMs = TIMEOUT_MS,
    now = () => performance.now(),
  }: HostResolverOptions = {}) {
    this.#timeoutMs = timeoutMs;
    this.#now = now;
    this.#ask = servers.length === 0 ? askSystem : askServers(servers, timeoutMs);
  }

  /** What is known without asking anybody. */
  known(host: string): (Resolution & { ok: true }) | undefined {
    if (isLocalhost(host)) return LOCALHOST;
    const known = this.#known.get(host);
    if (known === undefined) return undefined;
    const now = this.#now();
    if (now >= known.until) {
      this.#known.delete(host);
      return undefined;
    }
    if (now >= known.refreshAt) void this.#start(host);
    return known.resolution;
  }

  /** Never throws: a name without addresses has a reason instead. */
  async resolve(host: string): Promise<Resolution> {
    return this.known(host) ?? this.#start(host);
  }

  #start(host: string): Promise<Resolution> {
    const running = this.#running.get(host) ?? this.#lookUp(host).finally(() => this.#running.delete(host));
    this.#running.set(host, running);
    return running;
  }

  async #lookUp(host: string): Promise<Resolution> {
    try {
      const { addresses, ttlMs = UNKNOWN_AGE_MS } = await withTimeout(this.#ask(host), this.#timeoutMs);
      const usable = [...new Set(addresses.map(canonicalAddress))].filter((address) => address !== undefined);
      if (usable.length === 0) return { ok: false, why: 'ENODATA' };
      const resolution = { ok: true, addresses: Object.freeze(usable.slice(0, MAX_ADDRESSES)) } as const;
      this.#keep(host, resolution, Math.min(ttlMs, MAX_AGE_MS));
      return resolution;
    } catch (error) {
      return { ok: false, why: codeOf(error) };
    }
  }

  #keep(host: string, resolution: Known['resolution'], ageMs: number): void {
    const now = this.#now();
    this.#known.delete(host);
    this.#known.set(host, { resolution, refreshAt: now + ageMs / 2, until: now + ageMs });
    // A map keeps the order of insertion, so the first is the one that was looked up longest ago.
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}

/** Never asked of anybody (RFC 6761 §6.3). */
const LOCALHOST = Object.freeze({ ok: true, addresses: Object.freeze(['127.0.0.1', '::1']) });

function isLocalhost(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

/** Whether a text is an address and perhaps a port of a DNS server. */
export function isDnsServer(written: string): boolean {
  try {
    new Resolver().setServers([written]);
    return true;
  } catch {
    return false;
  }
}

/** In the order that the system gives (RFC 6724). */
async function askSystem(host: string): Promise<Answer> {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return { addresses: found.map(({ address }) => address), ttlMs: undefined };
}

function askServers(servers: readonly string[], timeoutMs: number): (host: string) => Promise<Answer> {
  const resolver = new PromiseResolver({ timeout: Math.ceil(timeoutMs / 3), tries: 2 });
  resolver.setServers(servers);
  return async (host) => {
    const answers = await Promise.allSettled([
      resolver.resolve6(host, { ttl: true }),
      resolver.resolve4(host, { ttl: true }),
    ]);
    const records = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
    const [failed] = answers.filter((answer) => answer.status === 'rejected');
    if (records.length === 0 && failed !== undefined) throw failed.reason;
    return {
      addresses: records.map(({ address }) => address),
      ttlMs: Math.min(...records.map(({ ttl }) => ttl * 1000)),
    };
  };
}

async function withTimeout<Value>(asked: Promise<Value>, timeoutMs: number): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(Object.assign(new Error('no answer'), { code: 'ETIMEOUT' })),
    timeoutMs,
  );
  try {
    return await Promise.race([asked, promise]);
  } finally {
    clearTimeout(timer);
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : 'EAI_FAIL';
}
