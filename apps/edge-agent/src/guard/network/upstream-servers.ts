import { randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, isIP, isIPv6 } from 'node:net';
import { ownQuery, type Question, relayedAnswer } from './dns-message.ts';

/** For one server; then the next is asked. */
const TIMEOUT_MS = 2000;
/** resolv.conf(5) */
const MAX_SERVERS = 3;
const DNS_PORT = 53;

interface Server {
  readonly address: string;
  readonly port: number;
}

/**
 * Asks the servers that the system would ask.
 *
 * @param configured as `address` or `address:port`; without any, those of /etc/resolv.conf
 */
export class UpstreamServers {
  readonly #configured: readonly string[];

  constructor(configured: readonly string[]) {
    this.#configured = configured;
  }

  /**
   * @returns the answer to the asker's message; undefined when no server answers
   */
  async ask(question: Question, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const servers = this.#configured.length > 0 ? this.#configured : systemServers();
    for (const server of servers.slice(0, MAX_SERVERS).map(parseServer)) {
      // Ids and ports that nobody can guess, or anybody could answer in the server's place.
      const id = randomInt(0x10000);
      try {
        const query = ownQuery(question, id);
        const answers = transport === 'udp' ? datagrams(server, query) : stream(server, query);
        for await (const answer of answers) {
          const relayed = relayedAnswer(answer, id, question);
          if (relayed !== undefined) return relayed;
        }
      } catch {
        // No answer in time, or nobody there: the next one may know.
      }
    }
    return undefined;
  }
}

/** What comes back to a question, until the time is over. Connected, so that nobody else is heard. */
async function* datagrams({ address, port }: Server, query: Buffer): AsyncGenerator<Buffer> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    socket.connect(port, address);
    await once(socket, 'connect', { signal });
    socket.send(query);
    for (;;) {
      const [answer] = await once(socket, 'message', { signal });
      yield answer;
    }
  } finally {
    socket.close();
  }
}

async function* stream({ address, port }: Server, query: Buffer): AsyncGenerator<Buffer> {
  const socket = connect({ host: address, port });
  socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
  try {
    await once(socket, 'connect');
    socket.write(framed(query));
    yield* messagesOf(socket);
  } finally {
    socket.destroy();
  }
}

/** A message over TCP has its length before it (RFC 1035 §4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(message.length);
  return Buffer.concat([length, message]);
}

/** The messages of a TCP connection. */
export async function* messagesOf(socket: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const end = 2 + bytes.readUInt16BE(0);
      yield bytes.subarray(2, end);
      bytes = bytes.subarray(end);
    }
  }
}

function systemServers(): string[] {
  const lines = readFileSync('/etc/resolv.conf', 'utf8').split('\n');
  return lines.flatMap((line) => /^\s*nameserver\s+(\S+)/.exec(line)?.[1] ?? []);
}

function parseServer(written: string): Server {
  if (isIP(written.split('%', 1)[0] ?? '') !== 0) return { address: written, port: DNS_PORT };
  const at = written.lastIndexOf(':');
  return { address: written.slice(0, at).replace(/^\[|\]$/g, ''), port: Number(written.slice(at + 1)) };
}
