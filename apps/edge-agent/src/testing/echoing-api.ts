import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';

export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** An API that answers with everything it was sent, unless a test says how else. */
export class EchoingApi {
  readonly arrived: Arrived[] = [];
  answer: (request: Arrived, response: ServerResponse) => void = echo;
  readonly #server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { method = '', url = '', headers } = request;
    const arrived = { method, path: url, headers, body: Buffer.concat(chunks).toString() };
    this.arrived.push(arrived);
    this.answer(arrived, response);
  });

  static async start(): Promise<EchoingApi> {
    const api = new EchoingApi();
    api.#server.listen(0, '127.0.0.1');
    await once(api.#server, 'listening');
    return api;
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    return `http://127.0.0.1:${address.port}`;
  }

  reset(): void {
    this.arrived.length = 0;
    this.answer = echo;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

function echo(request: Arrived, response: ServerResponse): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(request));
}
