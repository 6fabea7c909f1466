import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { descriptorOf } from '../../native/socket-descriptor.ts';
import type { Original } from './kernel-layout.ts';

const MAX_CONNECTIONS = 4096;
const ADDRESSES = { tcp4: '127.0.0.1', tcp6: '::1' } as const;
type Name = keyof typeof ADDRESSES;

export interface TransparentListenerOptions {
  /** Where an accepted connection was to go; undefined when the kernel did not lead it here. */
  readonly original: (client: Socket) => Original | undefined;
  readonly receive: (client: Socket, original: Original) => void;
}

/** Where the kernel leads the connections of AI agents. Whoever connects by himself is cut off. */
export class TransparentListener {
  readonly #servers: ReadonlyMap<Name, Server>;
  readonly #sockets: ReadonlySet<Socket>;

  private constructor(servers: ReadonlyMap<Name, Server>, sockets: ReadonlySet<Socket>) {
    this.#servers = servers;
    this.#sockets = sockets;
  }

  /** Listens on free ports of the loopback, of IPv6 where there is one. */
  static async start(options: TransparentListenerOptions): Promise<TransparentListener> {
    const servers = new Map<Name, Server>();
    const sockets = new Set<Socket>();
    for (const name of ['tcp4', 'tcp6'] as const) {
      // As those of HTTP: a client may end its side before the answer.
      const server = createServer({ allowHalfOpen: true, noDelay: true });
      server.maxConnections = MAX_CONNECTIONS;
      server.on('connection', (client) => accept(client, options, sockets));
      server.listen({ host: ADDRESSES[name], port: 0, ipv6Only: name === 'tcp6' });
      try {
        await once(server, 'listening');
        servers.set(name, server);
      } catch (error) {
        // No IPv6 on this machine: no program has it either.
        if (name === 'tcp4') throw error;
      }
    }
    return new TransparentListener(servers, sockets);
  }

  get ports(): Record<Name, number> {
    return { tcp4: portOf(this.#servers.get('tcp4')), tcp6: portOf(this.#servers.get('tcp6')) };
  }

  /** Of the sockets that listen. */
  get descriptors(): number[] {
    return [...this.#servers.values()].map(descriptorOf);
  }

  async stop(): Promise<void> {
    const closing = [...this.#servers.values()].map(
      (server) => new Promise((resolve) => server.close(resolve)),
    );
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(closing);
  }
}

function accept(
  client: Socket,
  { original, receive }: TransparentListenerOptions,
  sockets: Set<Socket>,
): void {
  client.on('error', () => client.destroy());
  const found = original(client);
  if (found === undefined) {
    client.resetAndDestroy();
    return;
  }
  sockets.add(client);
  client.once('close', () => sockets.delete(client));
  receive(client, found);
}

function portOf(server: Server | undefined): number {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
