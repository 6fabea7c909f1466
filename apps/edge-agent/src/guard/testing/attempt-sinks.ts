import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type Server } from 'node:net';
import type { Sinks } from './stage.ts';

/** Receivers of what attempts send, on a loopback address; they keep it until they are asked. */
export class AttemptSinks implements AsyncDisposable {
  readonly sinks: Sinks;
  readonly #tcp: Server;
  readonly #udp: readonly Socket[];
  readonly #texts: string[];

  private constructor(sinks: Sinks, tcp: Server, udp: readonly Socket[], texts: string[]) {
    this.sinks = sinks;
    this.#tcp = tcp;
    this.#udp = udp;
    this.#texts = texts;
  }

  /** @param address of this machine only, such as 127.0.0.9 */
  static async open(address: string): Promise<AttemptSinks> {
    const texts: string[] = [];
    const tcp = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (chunk) => texts.push(chunk.toString('latin1')));
    });
    tcp.listen(0, address);
    await once(tcp, 'listening');
    const any = await receive(address, 0, texts);
    const dns = await receive(address, 53, texts);
    const quic = await receive(address, 443, texts);
    if (any === undefined) throw new Error(`no port for datagrams at ${address}`);
    const udp = [any, dns, quic].filter((socket) => socket !== undefined);
    // A server that listens on a port has an address and no path.
    const { port } = tcp.address() as AddressInfo;
    return new AttemptSinks(
      {
        address,
        tcpPort: port,
        udpPort: any.address().port,
        dns: dns !== undefined,
        quic: quic !== undefined,
      },
      tcp,
      udp,
      texts,
    );
  }

  /** What came since the last time. What was sent before this call has come: it is sent a datagram of its own first. */
  async take(): Promise<string> {
    const probe = createSocket('udp4');
    const arrived = `arrived-${Math.random()}`;
    const deadline = Date.now() + 10_000;
    await new Promise<void>((resolve) => {
      probe.send(arrived, this.sinks.udpPort, this.sinks.address, () => resolve());
    });
    while (!this.#texts.includes(arrived) && Date.now() < deadline) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    probe.close();
    await new Promise((resolve) => setImmediate(resolve));
    return this.#texts.splice(0).join('');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#udp) socket.close();
    this.#tcp.close();
    await once(this.#tcp, 'close');
  }
}

async function receive(address: string, port: number, texts: string[]): Promise<Socket | undefined> {
  const socket = createSocket('udp4');
  socket.on('message', (message) => texts.push(message.toString('latin1')));
  try {
    socket.bind(port, address);
    await once(socket, 'listening');
    return socket;
  } catch {
    socket.close();
    return undefined;
  }
}
