import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Wire } from './wire.ts';

let wire: Wire;
let servers: Server[] = [];
let sockets: Socket[] = [];

beforeEach(async () => {
  wire = await Wire.listen();
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  servers = [];
  sockets = [];
  await wire.close();
});

/** Sends everything back, after its name. @returns its port */
async function echo(name: string): Promise<number> {
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.write(name);
    socket.pipe(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // A listening TCP server has an AddressInfo.
  return (server.address() as AddressInfo).port;
}

function dial(): { socket: Socket; received: () => Buffer } {
  const pieces: Buffer[] = [];
  const socket = connect(wire.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('data', (bytes) => pieces.push(bytes));
  sockets.push(socket);
  return { socket, received: () => Buffer.concat(pieces) };
}

async function talkedTo(): Promise<string> {
  const { received } = dial();
  await expect.poll(() => received().length).toBe(1);
  return received().toString();
}

test('connections go to the targets in turn, and past one that is not there', async () => {
  const [first, second] = [await echo('a'), await echo('b')];
  wire.leadTo(first, second);
  expect([await talkedTo(), await talkedTo(), await talkedTo(), await talkedTo()]).toEqual([
    'a',
    'b',
    'a',
    'b',
  ]);
  servers[0]?.close();
  expect([await talkedTo(), await talkedTo(), await talkedTo()]).toEqual(['b', 'b', 'b']);
});

test('every byte arrives, in order, however the delay changes on the way', async () => {
  wire.leadTo(await echo('.'));
  const { socket, received } = dial();
  const sent = randomBytes(4 << 20);
  for (let at = 0; at < sent.length; at += 64 << 10) {
    wire.delay((at / (64 << 10)) % 3 === 0 ? 15 : 0);
    if (!socket.write(sent.subarray(at, at + (64 << 10)))) await once(socket, 'drain');
  }
  await expect.poll(() => received().length).toBe(sent.length + 1);
  expect(received().subarray(1).equals(sent)).toBe(true);
});

test('a delay is there, each way', async () => {
  wire.leadTo(await echo('.'));
  const { socket, received } = dial();
  await expect.poll(() => received().length).toBe(1);
  wire.delay(60);
  const sentAt = performance.now();
  socket.write('x');
  await once(socket, 'data');
  expect(performance.now() - sentAt).toBeGreaterThanOrEqual(119);
});

test('a cut connection carries nothing ever again and is told nothing; new ones pass once it is mended', async () => {
  wire.leadTo(await echo('.'));
  const before = dial();
  await expect.poll(() => before.received().length).toBe(1);
  wire.cut();
  before.socket.write('lost');
  const during = dial();
  // A client is connected before the wire has heard of it.
  await expect.poll(() => wire.taken).toBe(2);
  wire.mend();
  before.socket.write('lost too');
  expect(await talkedTo()).toBe('.');
  expect(before.received().toString()).toBe('.');
  expect(during.received().toString()).toBe('');
  expect([before.socket.closed, during.socket.closed]).toEqual([false, false]);
});
