import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import type { EventDraft } from '../ledger/event-draft.ts';
import { endEarlierConnections } from './end-earlier-connections.ts';

const OWN = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
const missing =
  process.platform !== 'linux' || process.getuid?.() !== 0
    ? 'needs root on Linux'
    : OWN === undefined
      ? 'this machine has no address but the loopback'
      : undefined;

const CLIENT = `const { connect } = require('node:net'); const [port, ...hosts] = process.argv.slice(1);
let open = 0; for (const host of hosts) connect(Number(port), host, () => { open += 1; if (open === hosts.length) console.log('open'); })
  .on('error', () => {}); setInterval(() => {}, 1000);`;

test.skipIf(missing !== undefined)(
  `connections that go beyond this machine end, those within it stay (${missing ?? 'here'})`,
  async () => {
    const sockets = new Map<string, Socket>();
    const server = createServer((socket) =>
      sockets.set(
        socket.localAddress ?? '',
        socket.on('error', () => {}),
      ),
    );
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const client = spawn(process.execPath, ['-e', CLIENT, String(port), '127.0.0.1', OWN ?? ''], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(client.stdout, 'data');
      await expect.poll(() => sockets.size).toBe(2);
      const beyond = sockets.get(OWN ?? '');
      if (beyond === undefined) throw new Error('not connected');
      // Not events.once: a reset is an error first.
      const closed = new Promise((resolve) => beyond.once('close', resolve));
      const events: EventDraft[] = [];
      endEarlierConnections([client.pid ?? 0], 'adopted-test', (event) => events.push(event));
      await closed;
      expect(sockets.get('127.0.0.1')?.destroyed).toBe(false);
      expect(events).toMatchObject([
        { type: 'guard.adopted', target: 'adopted-test', data: { severed: 1, notSevered: [] } },
      ]);
    } finally {
      client.kill('SIGKILL');
      for (const socket of sockets.values()) socket.destroy();
      server.close();
    }
  },
);
