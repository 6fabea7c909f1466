import { execFileSync, spawnSync } from 'node:child_process';
import { on, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Stage, type Started, until, withoutRoot } from '../response/spawned.test-support.ts';
import { OUTLIVING_SCRIPT, PYTHON } from '../testing/python.ts';
import { CallerFinder, type FoundCaller } from './caller-finder.ts';
import type { Connection } from './connection.ts';

// Real processes on a machine that may be busy with other things.
vi.setConfig({ testTimeout: 60_000 });

let stage: Stage;
const cleanUps: (() => void)[] = [];
beforeEach(() => {
  stage = new Stage();
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) cleanUp();
  await stage.end();
});

interface Met {
  connection: Connection;
  socket: Socket;
  client: Started;
}

/** A process that connects to a server of ours, as the proxy would see it. */
function meet(listen: string, connect: string, launcher: readonly string[] = [], after = ''): Promise<Met> {
  return meetBy(listen, (port) => {
    const script = `require('net').connect(${port}, '${connect}', () => { ${after}console.log('ready') })`;
    return [...launcher, process.execPath, '-e', script];
  });
}

/** The same for any program. @param line that makes it connect to this port, and say so */
async function meetBy(listen: string, line: (port: number) => string[]): Promise<Met> {
  const server = createServer().listen(0, listen);
  await once(server, 'listening');
  // The address of a listening TCP server is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection');
  const [command = '', ...rest] = line(port);
  const client = await stage.start(command, rest);
  const [socket]: Socket[] = await accepted;
  const { localPort, remotePort, localAddress, remoteAddress } = socket ?? {};
  if (!socket || !localPort || !remotePort || !localAddress || !remoteAddress)
    throw new Error('not connected');
  cleanUps.push(() => {
    socket.destroy();
    server.close();
  });
  return { connection: { localPort, remotePort, localAddress, remoteAddress }, socket, client };
}

function finder(options: ConstructorParameters<typeof CallerFinder>[0] = {}): CallerFinder {
  const created = new CallerFinder(options);
  cleanUps.push(() => created.close());
  return created;
}

/** Whom a search finds that is not given up: it is where this process had no turn meanwhile. */
async function found(callers: CallerFinder, connection: Connection): Promise<FoundCaller | undefined> {
  let who: FoundCaller | undefined;
  await until('a search comes to its end', () => {
    const { limited } = callers.counts;
    who = callers.find(connection);
    return callers.counts.limited === limited;
  });
  return who;
}

describe.each([
  ['IPv4', '127.0.0.1', '127.0.0.1'],
  ['IPv6', '::1', '::1'],
  ['IPv4 through a socket of IPv6', '::', '127.0.0.1'],
])('a caller over %s', (_, listen, connect) => {
  it.each([
    ['netlink', true],
    ['tables', false],
  ])('is found through %s, and a stranger’s addresses find nobody', async (path, netlink) => {
    const { connection, client, socket } = await meet(listen, connect);
    const callers = finder({ netlink });
    const expected = expect.objectContaining({ pid: client.pid, startTime: client.startTime });

    expect(await found(callers, connection)).toEqual(expected);
    expect(callers.path.path).toBe(path);
    expect(callers.find(connection)).toEqual(expected);
    expect(callers.counts.remembered).toBe(1);

    const elsewhere = connect === '::1' ? '::2' : '127.0.0.9';
    expect(callers.find({ ...connection, remoteAddress: elsewhere })).toBeUndefined();
    expect(callers.find({ ...connection, localPort: connection.localPort ^ 1 })).toBeUndefined();

    const closed = once(socket, 'close');
    client.child.kill('SIGKILL');
    socket.on('error', () => undefined).resume();
    await closed;
    expect(callers.find(connection)).toBeUndefined();
  });
});

describe('the search', () => {
  it('finds a process of the socket’s control group without looking at all processes', async () => {
    const { connection, client } = await meet('127.0.0.1', '127.0.0.1');
    const callers = finder();
    expect((await found(callers, connection))?.pid).toBe(client.pid);
    expect(callers.counts.controlGroup + callers.counts.user).toBe(1);
    expect(callers.counts.everything).toBe(0);
  });

  it('looks at known AI agents first', async () => {
    const { connection, client } = await meet('127.0.0.1', '127.0.0.1');
    const callers = finder({ preferred: () => [client.pid] });
    await found(callers, connection);
    expect(callers.counts).toMatchObject({ aiAgents: 1, controlGroup: 0, user: 0, everything: 0 });
  });

  it('finds a process that goes on without its first thread', async () => {
    const script = (port: number) =>
      `import socket\ns = socket.create_connection(('127.0.0.1', ${port}))\n${OUTLIVING_SCRIPT}`;
    const { connection, client } = await meetBy('127.0.0.1', (port) => [PYTHON, '-c', script(port)]);
    const callers = finder();
    expect((await found(callers, connection))?.pid).toBe(client.pid);
    expect(callers.find(connection)?.pid).toBe(client.pid);
    expect(callers.counts.remembered).toBe(1);
  });

  it('sees new sockets of a process it knows, and those that took the place of closed ones', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    cleanUps.push(() => server.close());
    const connections: AsyncIterable<Socket[]> = on(server, 'connection');
    const { port } = server.address() as AddressInfo;
    const client = await stage.start(process.execPath, [
      '-e',
      `const net = require('net'); const next = () => net.connect(${port}, '127.0.0.1').on('data', () => {})
         .on('close', next); for (let i = 0; i < 20; i++) next(); console.log('ready')`,
    ]);
    const callers = finder();
    let round = 0;
    for await (const [socket] of connections) {
      const { localPort = 0, remotePort = 0, localAddress = '', remoteAddress = '' } = socket ?? {};
      const who = await found(callers, { localPort, remotePort, localAddress, remoteAddress });
      expect(who?.pid).toBe(client.pid);
      if (round % 2 === 0) socket?.destroy();
      else cleanUps.push(() => socket?.destroy());
      round += 1;
      if (round === 36) break;
    }
    expect(callers.counts.everything).toBe(0);
  });

  it('is given up when it takes too long, and goes on where it stopped with the next one', async () => {
    const { connection, client } = await meet('127.0.0.1', '127.0.0.1');
    const hurried = finder({ searchMs: 0 });
    expect(hurried.find(connection)).toBeUndefined();
    expect(hurried.counts).toMatchObject({ limited: expect.any(Number), nobody: 1 });
    expect(hurried.counts.limited).toBeGreaterThan(0);

    // A first look that ends in the middle of the first process with many descriptors.
    const callers = finder({ searchMs: 1, preferred: () => [client.pid] });
    await expect.poll(() => callers.find(connection)?.pid).toBe(client.pid);
  });

  it.skipIf(withoutRoot !== undefined)(
    `looks everywhere for a process that changed its user and its control group (${withoutRoot ?? 'as root'})`,
    async () => {
      const after = `process.setgid(65534); process.setuid(65534); `;
      const { connection, client } = await meet('127.0.0.1', '127.0.0.1', [], after);
      const group = stage.cgroups().create('elsewhere');
      writeFileSync(join(group.path, 'cgroup.procs'), String(client.pid));
      const callers = finder();
      expect((await found(callers, connection))?.pid).toBe(client.pid);
      expect(callers.counts).toMatchObject({ controlGroup: 0, user: 0, everything: 1 });
    },
  );
});

/** Whether a second network can be made here. */
function withoutNamespaces(): string | undefined {
  if (withoutRoot !== undefined) return withoutRoot;
  const probe = spawnSync('ip', ['netns', 'add', `raypher-probe-${process.pid}`]);
  if (probe.status !== 0) return 'network namespaces cannot be made here (ip netns)';
  execFileSync('ip', ['netns', 'del', `raypher-probe-${process.pid}`]);
  return undefined;
}

const noNamespaces = withoutNamespaces();
describe.skipIf(noNamespaces !== undefined)(`another network namespace (${noNamespaces ?? 'real'})`, () => {
  it('is searched for a caller whose socket is not here, and left again', async () => {
    const name = `raypher-t${process.pid}`;
    const ip = (...list: string[]) => execFileSync('ip', list);
    const octet = 1 + (process.pid % 250);
    ip('netns', 'add', name);
    cleanUps.push(() => ip('netns', 'del', name));
    ip('link', 'add', `rt${process.pid}`, 'type', 'veth', 'peer', 'name', 'inside', 'netns', name);
    ip('addr', 'add', `10.231.${octet}.1/30`, 'dev', `rt${process.pid}`);
    ip('link', 'set', `rt${process.pid}`, 'up');
    ip('-n', name, 'addr', 'add', `10.231.${octet}.2/30`, 'dev', 'inside');
    ip('-n', name, 'link', 'set', 'inside', 'up');

    const server = `10.231.${octet}.1`;
    const { connection, client } = await meet(server, server, ['ip', 'netns', 'exec', name]);
    const callers = finder();
    expect(await found(callers, connection)).toMatchObject({ pid: client.pid });
    // Back home: what is connected here is found as before.
    const home = await meet('127.0.0.1', '127.0.0.1');
    expect(await found(callers, home.connection)).toMatchObject({ pid: home.client.pid });
  });

  it('does not vouch for a loopback connection: whoever owns it can make the same addresses up', async () => {
    const name = `raypher-f${process.pid}`;
    execFileSync('ip', ['netns', 'add', name]);
    cleanUps.push(() => execFileSync('ip', ['netns', 'del', name]));
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    const { connection, socket, client } = await meet('127.0.0.1', '127.0.0.1');
    const { localPort, remotePort } = connection;
    const forger = await stage.start('ip', [
      ...['netns', 'exec', name, 'python3', '-c'],
      `import socket, time
server = socket.create_server(('127.0.0.1', ${localPort}))
client = socket.create_connection(('127.0.0.1', ${localPort}), source_address=('127.0.0.1', ${remotePort}))
print('ready', flush=True)
time.sleep(600)`,
    ]);
    expect(forger.firstLine).toBe('ready');
    const callers = finder();
    expect((await found(callers, connection))?.pid).toBe(client.pid);
    const closed = once(socket, 'close');
    client.child.kill('SIGKILL');
    socket.on('error', () => undefined).resume();
    await closed;
    expect(callers.find(connection)).toBeUndefined();
  });
});
