import 'reflect-metadata';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:tls';
import { expect, it } from 'vitest';
import { SyslogSender } from './syslog-sender.ts';
import { receiverIdentity } from './testing/receiver-identity.ts';

it('a syslog server that reads and goes on talking, and never closes, is not waited for without end', async () => {
  const { ca, cert, key } = await receiverIdentity();
  const server = createServer({ cert, key, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    const talking = setInterval(() => socket.write('.'), 20);
    socket.on('close', () => clearInterval(talking));
    socket.resume();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const network = { resolve: async () => [{ address: '127.0.0.1', family: 4 }], refusal: () => undefined };
  const sender = new SyslogSender(`siem.example:${(server.address() as AddressInfo).port}`, {
    network,
    ca,
    client: undefined,
    longestMs: 500,
  });
  const event = { index: 0, severity: 'info', event: { time: 0, metadata: {} }, json: '{}' };
  await expect(sender.send([event as never])).rejects.toMatchObject({ isPermanent: false });
  server.close();
});
