import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, test } from 'vitest';
import { DnsServer } from '../../testing/dns-server.ts';
import { addressesIn, readQuestion } from './dns-message.ts';
import { framed, messagesOf, UpstreamServers } from './upstream-servers.ts';

const labels = ['site', 'example'].flatMap((label) => [label.length, ...Buffer.from(label)]);
const question = readQuestion(Buffer.from([0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]));

async function ask(servers: readonly string[], transport: 'udp' | 'tcp') {
  if (question === undefined) throw new Error('unreadable');
  return new UpstreamServers(servers).ask(question, transport);
}

test('a server is asked, and the next one when it is not there', async () => {
  const dns = await DnsServer.start();
  dns.answer = () => ({ addresses: ['192.0.2.7'] });
  const gone = createSocket('udp4').bind(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address();
  gone.close();
  const answer = await ask([`127.0.0.1:${port}`, dns.address], 'udp');
  expect(answer && addressesIn(answer)).toEqual(['192.0.2.7']);
  expect(answer?.readUInt16BE(0)).toBe(7);
  await dns.stop();
});

test("an answer with another id is somebody else's, and is waited past", async () => {
  const server = createSocket('udp4').bind(0, '127.0.0.1');
  await once(server, 'listening');
  server.on('message', (query, { port, address }) => {
    const forged = Buffer.from(query);
    forged.writeUInt16BE(query.readUInt16BE(0) ^ 1, 0);
    forged.writeUInt16BE(0x8180, 2);
    server.send(forged, port, address);
    const real = Buffer.from(query);
    real.writeUInt16BE(0x8183, 2);
    server.send(real, port, address);
  });
  const answer = await ask([`127.0.0.1:${server.address().port}`], 'udp');
  expect(answer && answer.readUInt8(3) & 15).toBe(3);
  server.close();
});

test('over TCP messages come in any pieces', async () => {
  const server = createServer(async (socket) => {
    for await (const query of messagesOf(socket)) {
      const answer = Buffer.from(query);
      answer.writeUInt16BE(0x8180, 2);
      for (const byte of framed(answer)) socket.write(Buffer.of(byte));
      socket.end();
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  expect((await ask([`127.0.0.1:${port}`], 'tcp'))?.readUInt16BE(0)).toBe(7);
  server.close();
});
