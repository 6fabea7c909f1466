import { once } from 'node:events';
import { Agent, createServer, request, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';

/**
 * An HTTP/1.1 server in front of the link that carries plain requests and refuses to upgrade. To do that it has to read
 * them, so it has the keys of both ends, as nothing on a real network has: it shows what the agent does about a refused
 * upgrade, not how one gets between.
 */
export class UpgradeRefusingFront {
  upgrades = 0;
  readonly #server: Server;
  readonly #agent: Agent;
  readonly #sockets = new Set<Duplex>();

  private constructor(server: SecureContextOptions, device: SecureContextOptions, linkPort: number) {
    this.#agent = new Agent({ ...device, host: 'localhost', keepAlive: true });
    this.#server = createServer(
      { ...server, requestCert: true, ALPNProtocols: ['http/1.1'] },
      (asked, answer) => {
        const { method, url: path, headers } = asked;
        const onward = request({
          agent: this.#agent,
          host: 'localhost',
          port: linkPort,
          method,
          path,
          headers,
        });
        onward.on('response', (response) => {
          answer.writeHead(response.statusCode ?? 502, response.headers);
          response.pipe(answer);
        });
        onward.on('error', () => answer.destroy());
        answer.on('close', () => onward.destroy());
        asked.pipe(onward);
      },
    );
    this.#server.on('upgrade', (_request, socket) => {
      this.upgrades += 1;
      socket.end('HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
    });
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(
    server: SecureContextOptions,
    device: SecureContextOptions,
    linkPort: number,
  ): Promise<UpgradeRefusingFront> {
    const front = new UpgradeRefusingFront(server, device, linkPort);
    front.#server.listen(0, '127.0.0.1');
    await once(front.#server, 'listening');
    return front;
  }

  get port(): number {
    // It listens on TCP.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Breaks everything that is open. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cutAll();
    this.#agent.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
