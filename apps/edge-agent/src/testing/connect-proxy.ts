import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** An HTTP proxy that gives tunnels, and resets those in which TLS offers what it does not carry. */
export class ConnectProxy {
  /** Names of protocols (ALPN) that end a tunnel. */
  readonly blocks = new Set<string>();
  /** What the clients offered, a list for each tunnel. */
  readonly offered: string[][] = [];
  /** Answers every request for a tunnel with this; undefined: gives them. */
  refuses: number | undefined;
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();

  private constructor() {
    this.#server = createServer();
    this.#server.on('connect', (request, client, head) => this.#tunnel(request.url ?? '', client, head));
  }

  static async start(): Promise<ConnectProxy> {
    const proxy = new ConnectProxy();
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): URL {
    // It listens on TCP.
    return new URL(`http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`);
  }

  /** Resets everything that is open. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cutAll();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #tunnel(authority: string, client: Duplex, head: Buffer): void {
    if (this.refuses !== undefined) {
      client.end(`HTTP/1.1 ${this.refuses} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const [host, port] = splitAuthority(authority);
    const server = connect(port, host, () => client.write('HTTP/1.1 200 Connection established\r\n\r\n'));
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        client.destroy();
        server.destroy();
      });
    }
    if (head.length > 0) client.unshift(head);
    client.once('data', (hello: Buffer) => {
      const offered = offeredProtocols(hello);
      this.offered.push(offered);
      if (offered.some((name) => this.blocks.has(name))) {
        reset(client);
        return;
      }
      server.write(hello);
      client.pipe(server);
    });
    server.pipe(client);
  }
}

function reset(socket: Duplex): void {
  // A tunnel is made of TCP.
  (socket as Socket).resetAndDestroy();
}

function splitAuthority(authority: string): [string, number] {
  const at = authority.lastIndexOf(':');
  return [authority.slice(0, at).replace(/^\[|\]$/g, ''), Number(authority.slice(at + 1))];
}

/** The extension application_layer_protocol_negotiation of a ClientHello (RFC 8446 §4.1.2, RFC 7301 §3.1). */
function offeredProtocols(record: Buffer): string[] {
  // Record header, handshake header, version and random.
  let at = 5 + 4 + 2 + 32;
  at += 1 + record.readUInt8(at);
  at += 2 + record.readUInt16BE(at);
  at += 1 + record.readUInt8(at);
  const end = at + 2 + record.readUInt16BE(at);
  at += 2;
  while (at < end) {
    const [type, length] = [record.readUInt16BE(at), record.readUInt16BE(at + 2)];
    at += 4;
    if (type === 16) return protocolNames(record.subarray(at + 2, at + length));
    at += length;
  }
  return [];
}

function protocolNames(list: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at < list.length; at += 1 + list.readUInt8(at)) {
    names.push(list.toString('latin1', at + 1, at + 1 + list.readUInt8(at)));
  }
  return names;
}
