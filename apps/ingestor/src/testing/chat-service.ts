import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import {
  createRoot,
  exportPrivateKey,
  generateKeyPair,
  issueServerCertificate,
  toPem,
} from '../keys/certificates.ts';

export interface ReceivedMessage {
  path: string;
  signature: string | undefined;
  body: string;
}

const HEADERS: Record<number, Record<string, string>> = {
  101: { connection: 'upgrade', upgrade: 'other' },
  302: { location: '/elsewhere' },
};

/** What a chat service's webhook is to us: an https address that takes a POST. */
export class ChatService {
  readonly received: ReceivedMessage[] = [];
  /** Statuses of the next answers; 200 when there are none. */
  readonly statuses: number[] = [];

  private constructor(
    private readonly server: Server,
    readonly ca: string,
  ) {}

  static async start(): Promise<ChatService> {
    const [rootKeys, keys] = [await generateKeyPair(), await generateKeyPair()];
    const root = await createRoot(rootKeys);
    const certificate = await issueServerCertificate(
      { certificate: root, privateKey: rootKeys.privateKey },
      ['chat.example', 'localhost', '127.0.0.1'],
      keys.publicKey,
    );
    const key = (await exportPrivateKey(keys.privateKey)).toString('base64');
    const server = createServer({
      cert: toPem(certificate),
      key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----`,
    });
    const service = new ChatService(server, toPem(root));
    server.on('request', async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const signature = request.headers['raypher-signature'];
      service.received.push({ path: request.url ?? '', signature: signature?.toString(), body });
      const status = service.statuses.shift() ?? 200;
      response.writeHead(status, HEADERS[status] ?? {}).end('ok');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return service;
  }

  get port(): number {
    // It listens on TCP, so its address is an AddressInfo.
    return (this.server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
  }
}
