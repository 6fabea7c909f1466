import { isIP, isIPv6, type Socket } from 'node:net';
import type { Verdict } from '@raypher/policy';
import type { Dispatcher } from 'undici';
import { dial } from '../egress/dial.ts';
import { HostResolver } from '../egress/host-resolver.ts';
import { PinnedPools } from '../egress/pinned-pools.ts';
import {
  type AddressFacts,
  type KnownDestination,
  type Reach,
  type ResolvedDestination,
  type Route,
  reach,
  resolvedTo,
} from '../egress/reach.ts';
import { isLocalProvider } from './providers.ts';

/** A logical address. Without a protocol it is one for a tunnel. */
interface Logical {
  readonly host: string;
  readonly port: number;
  readonly protocol?: 'http:' | 'https:';
}

export interface UpstreamsOptions {
  /** By `host` or `host:port`. */
  readonly connectTo: Readonly<Record<string, string>>;
  /** Instead of the system's resolver, see {@link HostResolver}. */
  readonly dnsServers?: readonly string[] | undefined;
}

/**
 * Where logical hosts are and the connections to them: the addresses a name has, which of them were decided
 * about, connections kept open between requests, and the map that leads a host to another address. Rules and
 * events never see the mapped address.
 */
export class Upstreams {
  readonly #pools = new PinnedPools((socket) => this.track(socket));
  readonly #resolver: HostResolver;
  #connectTo: ReadonlyMap<string, URL> = new Map();
  /** Both ends of each open connection. */
  readonly #open = new Set<string>();

  constructor({ connectTo, dnsServers }: UpstreamsOptions) {
    this.#resolver = new HostResolver({ servers: dnsServers });
    this.redirect(connectTo);
  }

  /** Replaces the map; connections that are open stay as they are. */
  redirect(connectTo: Readonly<Record<string, string>>): void {
    this.#connectTo = new Map(
      Object.entries(connectTo).map(([host, url]) => [host.toLowerCase(), new URL(url)]),
    );
  }

  /** Where to connect for a logical address. */
  origin(protocol: 'http:' | 'https:', host: string, port: number): string {
    return this.#mapped(host, port)?.origin ?? `${protocol}//${bracketed(host)}:${port}`;
  }

  /** Host and port to open a tunnel to. */
  address(host: string, port: number): { host: string; port: number } {
    const mapped = this.#mapped(host, port);
    if (mapped === undefined) return { host, port };
    const defaultPort = mapped.protocol === 'https:' ? 443 : 80;
    return { host: mapped.hostname.replace(/^\[|\]$/g, ''), port: Number(mapped.port || defaultPort) };
  }

  /** Where a logical address leads, before anybody decided about it. Never throws. */
  async resolve({ host, port }: Logical): Promise<ResolvedDestination> {
    return (
      this.#known(host, port) ?? resolvedTo(await this.#resolver.resolve(host), isLocalProvider(host, port))
    );
  }

  /**
   * Resolves, and decides about each address. What a request is then sent to is `route` of the answer, so that
   * a name that means something else a moment later leads nowhere else.
   *
   * @param decide asked with the facts about one address, and without any while they would cost a look-up
   */
  reach<Decision extends { readonly verdict: Verdict }>(
    logical: Logical,
    decide: (facts: AddressFacts) => Decision,
  ): Promise<Reach<Decision>> {
    const { host, port, protocol = 'http:' } = logical;
    return reach(
      {
        known: this.#known(host, port),
        resolve: () => this.resolve(logical),
        origin: this.origin(protocol, host, port),
        host,
        port,
      },
      decide,
    );
  }

  /** Sends a request over a connection to an address of the route. Redirects are the client's to follow. */
  request(
    route: Route,
    options: Omit<Dispatcher.RequestOptions, 'origin'>,
  ): Promise<Dispatcher.ResponseData> {
    return this.#pools.get(route).request(options);
  }

  /** Opens a connection to an address of the route, for a tunnel. */
  async dial({ host, port, addresses }: Route): Promise<Socket> {
    const actual = addresses === undefined ? this.address(host, port) : { host, port };
    const socket = await dial(actual.host, actual.port, addresses);
    this.track(socket);
    return socket;
  }

  /** Remembers a connection while it is open. Those made here are tracked already. */
  track(socket: Socket): void {
    const { localAddress, localPort, remoteAddress, remotePort } = socket;
    const ends = `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`;
    this.#open.add(ends);
    socket.once('close', () => this.#open.delete(ends));
  }

  /**
   * Whether a client's connection is the other end of one of these: a name led back here. Its requests would
   * count as the agent's own.
   */
  isOther(client: Socket): boolean {
    const { localAddress, localPort, remoteAddress, remotePort } = client;
    return this.#open.has(`${remoteAddress} ${remotePort} ${localAddress} ${localPort}`);
  }

  async close(): Promise<void> {
    await this.#pools.close();
  }

  /** Whatever takes no question to anybody. */
  #known(host: string, port: number): KnownDestination | undefined {
    if (this.#mapped(host, port) !== undefined) return { kind: 'mapped' };
    const addresses = isIP(host) === 0 ? this.#resolver.known(host)?.addresses : [host];
    if (addresses === undefined) return undefined;
    return { kind: 'addresses', addresses, isLocalProvider: isLocalProvider(host, port) };
  }

  #mapped(host: string, port: number): URL | undefined {
    return this.#connectTo.get(`${host}:${port}`) ?? this.#connectTo.get(host);
  }
}

/** For a URL or a Host header: IPv6 in brackets, the default port left out. */
export function authority(protocol: 'http:' | 'https:', host: string, port: number): string {
  const usual = protocol === 'https:' ? 443 : 80;
  return port === usual ? bracketed(host) : `${bracketed(host)}:${port}`;
}

function bracketed(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}
