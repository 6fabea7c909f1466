import { EventEmitter, once } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { type ReceiverIdentity, receiverIdentity } from './receiver-identity.ts';

export interface ReceivedRequest {
  path: string;
  headers: IncomingHttpHeaders;
  /** Decompressed. */
  body: string;
}

export interface ReceiverAnswer {
  status: number;
  body?: string;
  headers?: Record<string, string>;
}

/** A receiver over real TLS on this machine, that answers as it is told. */
export class HttpsReceiver extends EventEmitter<{ request: [ReceivedRequest] }> {
  readonly requests: ReceivedRequest[] = [];
  /** How it answers what it is asked; may take its time. */
  answer: (request: ReceivedRequest) => ReceiverAnswer | Promise<ReceiverAnswer> = () => ({ status: 200 });
  #server: Server;

  private constructor(
    server: Server,
    readonly identity: ReceiverIdentity,
  ) {
    super();
    this.#server = server;
  }

  static async start(identity?: ReceiverIdentity, port = 0): Promise<HttpsReceiver> {
    const own = identity ?? (await receiverIdentity());
    const server = createServer({ cert: own.cert, key: own.key });
    const receiver = new HttpsReceiver(server, own);
    server.on('request', async (incoming, response) => {
      const raw = await buffer(incoming);
      const body = incoming.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
      const received = { path: incoming.url ?? '', headers: incoming.headers, body: body.toString('utf8') };
      receiver.requests.push(received);
      const { status, body: said = '', headers = {} } = await receiver.answer(received);
      response.writeHead(status, headers).end(said);
      receiver.emit('request', received);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return receiver;
  }

  get port(): number {
    // It listens on TCP, so its address is an AddressInfo.
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `https://siem.example:${this.port}`;
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}
