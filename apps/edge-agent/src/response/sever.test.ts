import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PYTHON } from '../testing/python.ts';
import { killTree } from './kill.ts';
import { Protection } from './protected.ts';
import { severConnections, socketsOf } from './sever.ts';
import { Stage, until, withoutRoot } from './spawned.test-support.ts';

vi.setConfig({ testTimeout: 60_000 });
if (withoutRoot !== undefined) console.warn(`sever: ${withoutRoot}`);

/** Listens on a loopback address; keeps what connects, and how each connection ended. */
class Peer {
  readonly server = createServer((socket) => {
    const ended = Promise.withResolvers<string>();
    socket.once('error', (error: NodeJS.ErrnoException) => ended.resolve(error.code ?? 'error'));
    socket.once('end', () => ended.resolve('end'));
    this.connections.push({ socket, ended: ended.promise });
  });
  readonly connections: { socket: Socket; ended: Promise<string> }[] = [];

  async listen(host: string): Promise<number> {
    this.server.listen(0, host);
    await once(this.server, 'listening');
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return address.port;
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Connects, passes the socket on to a child, and tells of both. */
const CLIENT = `import { connect } from 'node:net'; import { spawn } from 'node:child_process';
const [host, port] = process.argv.slice(2);
const socket = connect(Number(port), host, () => {
  spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', socket] });
  console.log('connected');
});
socket.on('error', (error) => console.log(error.code)); setInterval(() => {}, 1000);`;

describe.skipIf(withoutRoot !== undefined)('the connections of a tree that is killed', () => {
  let stage: Stage;
  let peer: Peer;
  beforeEach(() => {
    stage = new Stage();
    peer = new Peer();
  });
  afterEach(async () => {
    await stage.end();
    await peer.close();
  });

  it.each(['127.0.0.1', '::1'])('are reset before anything dies (%s)', async (host) => {
    const port = await peer.listen(host);
    const client = await stage.start(process.execPath, [stage.write('c.mjs', CLIENT), host, String(port)]);
    await until('connected', () => peer.connections.length === 1);

    const report = await killTree(client.pid, { protection: new Protection(), cgroups: stage.cgroups() });

    expect(report).toMatchObject({ severed: 1, notSevered: [], survivors: [] });
    expect(report.connections).toEqual([expect.stringMatching(new RegExp(` → .*:${port}$`))]);
    // A process that is merely killed closes in order, and the peer would see an end.
    expect(await peer.connections[0]?.ended).toBe('ECONNRESET');
  });

  it('are found in the network namespace that the tree is in', async (context) => {
    const probe = spawnSync('unshare', ['--net', 'true']);
    if (probe.status !== 0) context.skip('network namespaces cannot be made here');
    const script = `ip link set lo up 2>/dev/null || ifconfig lo up; exec ${process.execPath} "$0"`;
    const inside = stage.write(
      'inside.mjs',
      `import { createServer, connect } from 'node:net';
       const server = createServer(() => {}).listen(0, '127.0.0.1', () => {
         const socket = connect(server.address().port, '127.0.0.1', () => console.log('connected'));
         socket.on('error', () => {});
       });`,
    );
    const client = await stage.start('unshare', ['--net', 'sh', '-c', script, inside]);
    expect(client.firstLine).toBe('connected');

    const report = await killTree(client.pid, { protection: new Protection(), cgroups: stage.cgroups() });

    // Both ends are in the tree; the reset of one can have ended the other before its turn.
    expect(report.severed).toBeGreaterThanOrEqual(1);
    expect(report.notSevered).toEqual([]);
  });

  it('are the only ones: the neighbour keeps its own, and so does this process', async () => {
    const port = await peer.listen('127.0.0.1');
    const script = stage.write('c.mjs', CLIENT);
    const victim = await stage.start(process.execPath, [script, '127.0.0.1', String(port)]);
    await until('connected', () => peer.connections.length === 1);
    await stage.start(process.execPath, [script, '127.0.0.1', String(port)]);
    await until('both connected', () => peer.connections.length === 2);

    await killTree(victim.pid, { protection: new Protection(), cgroups: stage.cgroups() });

    expect(await peer.connections[0]?.ended).toBe('ECONNRESET');
    const [, neighbour] = peer.connections;
    if (neighbour === undefined) throw new Error('unreachable');
    expect(neighbour.socket.write('still there')).toBe(true);
    expect(neighbour.socket.destroyed).toBe(false);
  });
});

describe('ending connections', () => {
  it('does nothing, and says nothing, where there is none', async () => {
    const stage = new Stage();
    try {
      const quiet = await stage.start('sh', ['-c', 'echo ready; while :; do sleep 0.2; done']);
      expect(severConnections([quiet.pid])).toEqual({ severed: 0, connections: [], notSevered: [] });
    } finally {
      await stage.end();
    }
  });

  it('does not go through descriptors without end, and says whose', async () => {
    const stage = new Stage();
    try {
      // Each thread has a table of its own.
      const source = `import ctypes, os, resource, socket, threading, time
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
held = socket.socket()
for _ in range(2500): os.dup(held.fileno())
threading.stack_size(65536)
ready = threading.Barrier(9)
def own():
    ctypes.CDLL(None).unshare(0x400)
    ready.wait()
    time.sleep(1000)
for _ in range(8): threading.Thread(target=own, daemon=True).start()
ready.wait()
print('ready', flush=True)
time.sleep(1000)
`;
      const fat = await stage.start(PYTHON, ['-c', source]);
      const gaps: string[] = [];
      const none: string[] = [];
      // Thousands cannot be read within a millisecond.
      socketsOf([fat.pid], gaps, 1);
      expect(gaps).toEqual([`process ${fat.pid} has too many descriptors to look through`]);
      expect(socketsOf([fat.pid], none, 60_000).size).toBeGreaterThan(0);
      expect(none).toEqual([]);
    } finally {
      await stage.end();
    }
  });

  it.skipIf(withoutRoot !== undefined)('says why it may not, and leaves the connection open', async () => {
    const peer = new Peer();
    const port = await peer.listen('127.0.0.1');
    const stage = new Stage();
    try {
      const script = `import { connect } from 'node:net';
        import { severConnections, socketsOf } from ${JSON.stringify(new URL('sever.ts', import.meta.url).href)};
        const socket = connect(Number(process.argv[2]), '127.0.0.1', () =>
          console.log(JSON.stringify(severConnections([process.pid]))));`;
      // Root, without the capability that ending somebody's connection takes.
      const client = await stage.start('setpriv', [
        '--bounding-set=-net_admin',
        '--inh-caps=-net_admin',
        process.execPath,
        stage.write('self.mjs', script),
        String(port),
      ]);
      expect(JSON.parse(client.firstLine)).toEqual({
        severed: 0,
        connections: [],
        notSevered: [expect.stringMatching(/^1 left: .*EPERM/)],
      });
      await until('connected', () => peer.connections.length === 1);
      expect(peer.connections[0]?.socket.destroyed).toBe(false);
    } finally {
      await stage.end();
      await peer.close();
    }
  });
});
