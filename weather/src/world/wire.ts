import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { Lane } from './lane.ts';

interface Connection {
  /** Nothing passes any more, and nobody is told. */
  isLost: boolean;
  sockets: Socket[];
}

/**
 * A network of one kind of connections, on loopback: it balances them over its targets (layer 4, round robin, the
 * next one when one refuses), and it can be slow or cut.
 */
export class Wire {
  readonly #server: Server;
  readonly #open = new Set<Connection>();
  #targets: number[] = [];
  #next = 0;
  #isCut = false;
  /** Each way, milliseconds. */
  #delayMs = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#carry(socket));
  }

  static async listen(): Promise<Wire> {
    const wire = new Wire(createServer({ noDelay: true }));
    wire.#server.listen(0, '127.0.0.1');
    await once(wire.#server, 'listening');
    return wire;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the wire does not listen');
    return address.port;
  }

  /** How many connections it has taken and nobody has ended, lost ones among them. */
  get taken(): number {
    return this.#open.size;
  }

  /** Where new connections go from now on. */
  leadTo(...ports: number[]): void {
    this.#targets = ports;
  }

  /** From now on every byte takes so many milliseconds, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /**
   * Nothing passes any more and nobody is told, as when a cable is pulled or a firewall forgets: what is open now never
   * carries a byte again, whatever comes later, and whoever dials is left waiting.
   */
  cut(): void {
    this.#isCut = true;
    for (const connection of this.#open) connection.isLost = true;
  }

  /** New connections pass again. */
  mend(): void {
    this.#isCut = false;
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const { sockets } of this.#open) for (const socket of sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #carry(near: Socket): void {
    const connection: Connection = { isLost: this.#isCut, sockets: [] };
    this.#open.add(connection);
    this.#adopt(connection, near);
    // Read, so that the kernel answers for a side that is not there: nobody notices by a full buffer.
    if (connection.isLost) near.resume();
    else void this.#lead(connection, near);
  }

  async #lead(connection: Connection, near: Socket): Promise<void> {
    const far = await this.#dial();
    if (far === undefined || near.destroyed) {
      far?.destroy();
      near.destroy();
      return;
    }
    this.#adopt(connection, far);
    const delayMs = () => this.#delayMs;
    const isLost = () => connection.isLost;
    new Lane(near, far, delayMs, isLost);
    new Lane(far, near, delayMs, isLost);
  }

  /** The first of the targets that accepts. */
  async #dial(): Promise<Socket | undefined> {
    for (const _ of this.#targets) {
      const port = this.#targets[this.#next++ % this.#targets.length];
      if (port === undefined) return undefined;
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      try {
        await once(socket, 'connect');
        return socket;
      } catch {
        socket.destroy();
      }
    }
    return undefined;
  }

  #adopt(connection: Connection, socket: Socket): void {
    connection.sockets.push(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      if (connection.sockets.every(({ destroyed }) => destroyed)) this.#open.delete(connection);
    });
  }
}
