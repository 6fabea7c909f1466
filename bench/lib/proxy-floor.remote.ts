import { createServer } from 'node:http';
import { Agent } from 'undici';
import { serveRemote } from './remote.ts';

export type FloorProxyMethods = {
  /** @returns its port */
  start(upstream: number): Promise<number>;
};

const methods: FloorProxyMethods = {
  /** The least that a proxy of node:http and undici does: it reads the request, sends it on and pipes the answer. */
  async start(upstream) {
    const dispatcher = new Agent({ connections: 256, pipelining: 1 });
    const server = createServer({ noDelay: true }, async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const { host: _, connection: __, 'keep-alive': ___, ...headers } = request.headers;
      const answer = await dispatcher.request({
        origin: `http://127.0.0.1:${upstream}`,
        path: request.url ?? '/',
        method: 'POST',
        headers,
        body: Buffer.concat(chunks),
      });
      response.writeHead(answer.statusCode, answer.headers);
      for await (const chunk of answer.body) response.write(chunk);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  },
};

serveRemote(methods);
