import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** A TCP connection through this process that can be cut for good: to what is behind it, whoever uses it is dead. */
export class Relay {
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  /** @param url whose host and port are behind it */
  static async to(url: string): Promise<Relay> {
    const { hostname, port } = new URL(url);
    const server = createServer();
    const relay = new Relay(server);
    server.on('connection', (socket) => {
      const behind = connect(Number(port), hostname);
      for (const one of [socket, behind]) {
        relay.#sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          socket.destroy();
          behind.destroy();
        });
      }
      socket.pipe(behind).pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  /** The same address, through the relay. */
  through(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    // It listens on TCP, so its address is an AddressInfo.
    changed.port = String((this.server.address() as AddressInfo).port);
    return changed.href;
  }

  async cut(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
