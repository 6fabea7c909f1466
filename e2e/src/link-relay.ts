import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Stands between a device and the control plane, so that a test can cut the network. */
export class LinkRelay {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  #target = 0;
  #cut = false;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#carry(socket));
  }

  static async listen(): Promise<LinkRelay> {
    const relay = new LinkRelay(createServer());
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the relay does not listen');
    return address.port;
  }

  /** Where connections go from now on. */
  leadTo(port: number): void {
    this.#target = port;
  }

  /** Nothing passes and nothing is closed politely, as when a cable is pulled. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#open) socket.pause();
  }

  /** What hung in the cut connections is lost; new ones pass. */
  mend(): void {
    this.#cut = false;
    for (const socket of this.#open) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #carry(inbound: Socket): void {
    this.#track(inbound);
    if (this.#cut) {
      inbound.pause();
      return;
    }
    const outbound = connect(this.#target, '127.0.0.1');
    this.#track(outbound);
    inbound.on('data', (bytes) => this.#pass(bytes, inbound, outbound));
    outbound.on('data', (bytes) => this.#pass(bytes, outbound, inbound));
    inbound.once('close', () => outbound.destroy());
    outbound.once('close', () => inbound.destroy());
  }

  #pass(bytes: Buffer, from: Socket, to: Socket): void {
    if (this.#cut) return;
    if (!to.write(bytes)) {
      from.pause();
      to.once('drain', () => {
        if (!this.#cut) from.resume();
      });
    }
  }

  #track(socket: Socket): void {
    this.#open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#open.delete(socket));
  }
}
