import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/** What a name has: addresses of both families, and how long they may be kept, in seconds. */
export interface DnsAnswer {
  addresses: readonly string[];
  ttl?: number;
}

const A = 1;
const AAAA = 28;

/** A real DNS server on the loopback (RFC 1035) whose answers a test gives. */
export class DnsServer {
  /** Names that were asked for, once for each family. */
  readonly asked: string[] = [];
  /** Names without an answer do not exist. */
  answer: (name: string) => DnsAnswer | undefined = () => undefined;
  readonly #socket = createSocket('udp4');

  static async start(): Promise<DnsServer> {
    const server = new DnsServer();
    server.#socket.on('message', (query, from) => {
      server.#socket.send(server.#reply(query), from.port, from.address);
    });
    server.#socket.bind(0, '127.0.0.1');
    await once(server.#socket, 'listening');
    return server;
  }

  /** As a resolver is told about it. */
  get address(): string {
    return `127.0.0.1:${this.#socket.address().port}`;
  }

  async stop(): Promise<void> {
    this.#socket.close();
    await once(this.#socket, 'close');
  }

  #reply(query: Buffer): Buffer {
    const { name, type, end } = questionOf(query);
    this.asked.push(name);
    const answer = this.answer(name);
    const { addresses = [], ttl = 0 } = answer ?? {};
    const records = addresses
      .filter((address) => (isIPv6(address) ? AAAA : A) === type)
      .map((address) => recordOf(type, ttl, bytesOf(address)));
    const head = Buffer.alloc(12);
    query.copy(head, 0, 0, 2);
    // A response with recursion; code 3 for a name that does not exist.
    head.writeUInt16BE(0x8180 | (answer === undefined ? 3 : 0), 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    return Buffer.concat([head, query.subarray(12, end), ...records]);
  }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function recordOf(type: number, ttl: number, data: Buffer): Buffer {
  const record = Buffer.alloc(12);
  // The name of the question, which begins at byte 12 (RFC 1035 §4.1.4).
  record.writeUInt16BE(0xc00c, 0);
  record.writeUInt16BE(type, 2);
  record.writeUInt16BE(1, 4);
  record.writeUInt32BE(ttl, 6);
  record.writeUInt16BE(data.length, 10);
  return Buffer.concat([record, data]);
}

/** Of an IPv6 address written out in full groups, or with one `::`. */
function bytesOf(address: string): Buffer {
  if (!isIPv6(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address
    .split('::')
    .map((half) => half.split(':').filter((group) => group !== ''));
  const [before, after] = [[...head], [...tail]];
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return Buffer.concat(groups.map((group) => Buffer.of(...uint16(Number.parseInt(group, 16)))));
}

function uint16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}
