import { isIPv6, type Socket } from 'node:net';
import { Agent, buildConnector } from 'undici';

const CONNECT_TIMEOUT_MS = 10_000;
/** Models may think for minutes before the first byte, and pause for minutes in a stream. */
const ANSWER_TIMEOUT_MS = 15 * 60_000;

/**
 * Connections to providers, kept open between requests, and the map that leads a logical host to another
 * address. Rules and events never see the mapped address.
 */
export class Upstreams {
  readonly dispatcher: Agent;
  #connectTo: ReadonlyMap<string, URL> = new Map();
  /** Both ends of each open connection. */
  readonly #open = new Set<string>();

  /** @param connectTo by `host` or `host:port` */
  constructor(connectTo: Readonly<Record<string, string>>) {
    this.redirect(connectTo);
    // Said here, because NODE_TLS_REJECT_UNAUTHORIZED would otherwise send keys to whoever answers.
    const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, rejectUnauthorized: true });
    this.dispatcher = new Agent({
      connections: 256,
      pipelining: 1,
      keepAliveTimeout: 30_000,
      headersTimeout: ANSWER_TIMEOUT_MS,
      bodyTimeout: ANSWER_TIMEOUT_MS,
      connect: (options, callback) =>
        connect(options, (...result) => {
          if (result[0] === null) this.track(result[1]);
          callback(...result);
        }),
    });
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

  /** Remembers a connection while it is open. The dispatcher's own are tracked already. */
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
    await this.dispatcher.destroy();
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
