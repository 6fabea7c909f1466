import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** Carries TCP to a port of this machine, and resets a connection after so many bytes in either direction. */
export class CuttingRelay {
  /** Asked for each connection. */
  cutAfterBytes: () => number = () => Number.POSITIVE_INFINITY;
  /** Connections that were cut. */
  cuts = 0;
  private turn = 0;
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    /** Where connections lead from now on, in turn. */
    public to: number[],
  ) {}

  static async start(to: number): Promise<CuttingRelay> {
    const server: Server = createServer((near) => relay.carry(near, connect(relay.next(), '127.0.0.1')));
    const relay: CuttingRelay = new CuttingRelay(server, [to]);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return relay;
  }

  get port(): number {
    // It listens on TCP.
    return (this.server.address() as AddressInfo).port;
  }

  cutAll(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  /** Connections stay, and nothing goes through any more. */
  stall(): void {
    for (const socket of this.sockets) socket.pause();
  }

  async stop(): Promise<void> {
    this.cutAll();
    this.server.close();
    await once(this.server, 'close');
  }

  private next(): number {
    const port = this.to[this.turn % this.to.length];
    this.turn += 1;
    return port ?? 0;
  }

  private carry(near: Socket, far: Socket): void {
    let left = this.cutAfterBytes();
    const cut = () => {
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(from);
      from.on('data', (chunk: Buffer) => {
        to.write(chunk.subarray(0, Math.min(left, chunk.length)));
        left -= chunk.length;
        if (left > 0) return;
        this.cuts += 1;
        cut();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        to.destroy();
      });
    }
  }
}
