import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { kernelObjectFile } from '../../kernel-object-file.ts';
import { descriptorOf, networkNamespaceCookie } from '../../native/socket-descriptor.ts';
import { ensureBpfFileSystem } from './bpf-file-system.ts';
import type { Mode, NetworkEvent, Original } from './kernel-layout.ts';
import { folderId, NetworkPrograms } from './network-programs.ts';
import { GovernedFolder, type GovernedProgram, networkProgramsUntestable } from './testing/governed-group.ts';
import { TransparentListener } from './transparent-listener.ts';

const untestable = networkProgramsUntestable();
/** Addresses that lead nowhere (RFC 5737, RFC 3849). */
const AWAY = '203.0.113.7';
const AWAY6 = '2001:db8::7';
const HAS_IPV6 = networkInterfaces().lo?.some(({ family }) => family === 'IPv6') === true;

describe.skipIf(untestable !== undefined)(`the network of AI agents (${untestable ?? 'as root'})`, () => {
  const folder = untestable === undefined ? new GovernedFolder() : undefined;
  const place = { objectFile: kernelObjectFile('network.bpf.o'), folder: '', pins: folder?.pins ?? '' };
  let program: GovernedProgram;
  let programs: NetworkPrograms;
  let listener: TransparentListener;
  let resolver: ReturnType<typeof createSocket>;
  const taken: { client: Socket; original: Original }[] = [];
  const events: NetworkEvent[] = [];

  beforeAll(async () => {
    if (folder === undefined) return;
    ensureBpfFileSystem('/sys/fs/bpf');
    program = await folder.start('run-test');
    place.folder = program.cgroup.path.replace(/\/run-test$/, '');
    programs = NetworkPrograms.load(place);
    resolver = createSocket('udp4').bind(0, '127.0.0.1');
    await once(resolver, 'listening');
    resolver.on('message', (question, { address, port }) => {
      const asker = programs.asker(address, port);
      resolver.send(
        `${question} ${asker?.address} ${asker?.port} ${asker?.pid === program.child.pid}`,
        port,
        address,
      );
    });
    programs.markListener(descriptorOf(resolver));
    await listen();
  });
  beforeEach(() => {
    hold('enforce');
    readEvents();
    taken.length = 0;
    events.length = 0;
  });
  afterEach(() => {
    for (const { client } of taken) client.destroy();
  });
  afterAll(async () => {
    await listener?.stop();
    resolver?.close();
    programs?.remove();
    await folder?.end();
  });

  async function listen(): Promise<void> {
    listener = await TransparentListener.start({
      original: ({ remoteAddress = '', remotePort = 0 }) =>
        programs.takeConnection(remoteAddress, remotePort),
      receive: (client, original) => {
        taken.push({ client, original });
        client.end(`to ${original.address} ${original.port}`);
        client.resume();
      },
    });
    for (const fd of listener.descriptors) programs.markListener(fd);
  }

  function settle(mode: Mode): void {
    programs.setMode(folderId(program.cgroup.path), mode);
  }

  function hold(mode: Mode, deadline = process.hrtime.bigint() + 60_000_000_000n): void {
    const [fd = -1] = listener.descriptors;
    settle(mode);
    programs.set({
      netns: networkNamespaceCookie(fd),
      deadline,
      ports: { ...listener.ports, dns4: resolver.address().port, dns6: 0 },
      defaultMode: 'monitor',
    });
  }

  function readEvents(): NetworkEvent[] {
    const ring = programs.readEvents((event) => events.push(event));
    // Each time it hands over so many.
    for (let more = true; more; more = ring.consume() > 0);
    ring.close();
    return events;
  }

  async function serve(host: string): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => socket.on('error', () => {}).end('direct'));
    server.listen(0, host);
    await once(server, 'listening');
    const address = server.address();
    return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
  }

  /** An address of this machine that is not the loopback's. */
  function ownAddress(): string | undefined {
    return Object.values(networkInterfaces())
      .flat()
      .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
  }

  test('a connection is led to the agent with its destination and its process, and shows the program the peer it asked for', async () => {
    expect(await program.does({ kind: 'connect', host: AWAY, port: 443 })).toEqual({
      peer: `${AWAY} 443`,
      answer: `to ${AWAY} 443`,
    });
    expect(taken[0]?.original).toMatchObject({
      pid: program.child.pid,
      group: folderId(program.cgroup.path),
      uid: 0,
    });
  });

  test.skipIf(!HAS_IPV6)(
    'a connection over IPv6 is led to the agent (needs IPv6 on the loopback)',
    async () => {
      expect(await program.does({ kind: 'connect', host: AWAY6, port: 443 })).toEqual({
        peer: `${AWAY6} 443`,
        answer: `to ${AWAY6} 443`,
      });
    },
  );

  test.skipIf(!HAS_IPV6)(
    'an IPv4 address in the form of IPv6 is the IPv4 address (needs IPv6 on the loopback)',
    async () => {
      expect(await program.does({ kind: 'connect', host: `::ffff:${AWAY}`, port: 443 })).toMatchObject({
        answer: `to ${AWAY} 443`,
      });
    },
  );

  test('data with the opening packet (TCP fast open) goes nowhere else', async () => {
    expect(
      await program.does({ kind: 'fast open', host: AWAY, port: 443, data: 'secret' }),
    ).not.toHaveProperty('error');
    await expect.poll(() => taken.at(-1)?.original).toMatchObject({ address: AWAY, port: 443 });
  });

  test('a socket that insists on a network device is led to the agent too', async () => {
    const device = Object.keys(networkInterfaces()).find((name) => name !== 'lo') ?? 'lo';
    expect(
      await program.does({ kind: 'bound to a device', host: AWAY, port: 443, device, sends: 'stream' }),
    ).not.toHaveProperty('error');
    await expect.poll(() => taken.at(-1)?.original).toMatchObject({ address: AWAY, port: 443 });
  });

  test('nor does it reach anybody on the wire under an address of the loopback', async (context) => {
    const device = Object.keys(networkInterfaces()).find((name) => name !== 'lo');
    if (device === undefined) return context.skip('this machine has no device but the loopback');
    const deed = { kind: 'bound to a device', host: '127.0.0.1', port: 9, device } as const;
    expect(await program.does({ ...deed, sends: 'datagram' })).toEqual({ error: 'errno 1' });
    expect(await program.does({ ...deed, sends: 'stream' })).not.toHaveProperty('error');
    await expect.poll(() => taken.at(-1)?.original).toMatchObject({ address: '127.0.0.1', port: 9 });
  });

  test('services on the loopback are reached as ever, under all of its names', async () => {
    const { server, port } = await serve('127.0.0.1');
    for (const host of ['127.0.0.1', '0.0.0.0', '::ffff:127.0.0.1']) {
      expect(await program.does({ kind: 'connect', host, port })).toMatchObject({ answer: 'direct' });
    }
    server.close();
    expect(taken).toEqual([]);
  });

  test('an address of this machine that is not the loopback is led to the agent', async (context) => {
    const host = ownAddress();
    if (host === undefined) return context.skip('this machine has no address but the loopback');
    const { server, port } = await serve('0.0.0.0');
    expect(await program.does({ kind: 'connect', host, port })).toMatchObject({
      answer: `to ${host} ${port}`,
    });
    server.close();
  });

  test('whoever connects to the listener by himself is cut off, inside and outside', async () => {
    const port = listener.ports.tcp4;
    expect(await program.does({ kind: 'connect', host: '127.0.0.1', port })).toMatchObject({
      error: 'ECONNRESET',
    });
    expect(taken).toEqual([]);
  });

  test.each([true, false])(
    'QUIC and other datagrams are refused in the kernel (connected: %s)',
    async (connected) => {
      const deed = {
        kind: 'datagram',
        host: AWAY,
        port: 443,
        data: 'aGk=',
        connected,
        answers: false,
      } as const;
      expect(await program.does(deed)).toEqual({ error: 'EPERM' });
      expect(readEvents()).toMatchObject([
        { operation: 'send', address: AWAY, port: 443, protocol: 17, blocked: true, pid: program.child.pid },
      ]);
    },
  );

  test('a flood of refusals is handed over, and what finds no room is counted', async () => {
    const before = programs.lost;
    const count = 10_000;
    const deed = { kind: 'many datagrams', host: AWAY, port: 9, count } as const;
    expect(await program.does(deed)).toMatchObject({ answer: String(count) });
    const { length } = readEvents();
    expect(length).toBeGreaterThan(1000);
    expect(programs.lost - before).toBe(count - length);
  });

  test('in monitor mode datagrams pass, and are recorded once', async (context) => {
    const host = ownAddress();
    if (host === undefined) return context.skip('this machine has no address but the loopback');
    const receiver = createSocket('udp4').bind(0, host);
    await once(receiver, 'listening');
    const { port } = receiver.address();
    hold('monitor');
    const deed = { kind: 'datagram', host, port, data: 'aGk=', connected: false, answers: false } as const;
    const received = once(receiver, 'message');
    expect(await program.does(deed)).not.toHaveProperty('error');
    expect(String((await received)[0])).toBe('hi');
    expect(readEvents()).toMatchObject([{ address: host, port, blocked: false }]);
    receiver.close();
  });

  test.each([true, false])(
    'names are looked up at our resolver, which knows who asks (connected: %s)',
    async (connected) => {
      const deed = {
        kind: 'datagram',
        host: '192.0.2.53',
        port: 53,
        data: 'aGk=',
        connected,
        answers: true,
      } as const;
      expect(await program.does(deed)).toEqual({
        peer: '192.0.2.53 53',
        answer: Buffer.from('hi 192.0.2.53 53 true').toString('base64'),
      });
    },
  );

  test('a resolver of the system on the loopback is not asked either', async () => {
    const deed = {
      kind: 'datagram',
      host: '127.0.0.53',
      port: 53,
      data: 'aGk=',
      connected: true,
      answers: true,
    } as const;
    expect(await program.does(deed)).toMatchObject({
      answer: Buffer.from('hi 127.0.0.53 53 true').toString('base64'),
    });
  });

  test('names over TCP are led to the agent, also from the loopback', async () => {
    expect(await program.does({ kind: 'connect', host: '127.0.0.53', port: 53 })).toMatchObject({
      answer: 'to 127.0.0.53 53',
    });
  });

  test('a datagram to the loopback that is routed through another machine is refused', async () => {
    const deed = { kind: 'source route', host: '127.0.0.1', port: 9, via: AWAY } as const;
    expect(await program.does(deed)).toEqual({ error: 'errno 1' });
  });

  test.each([
    ['raw', 2, 3, 255],
    ['raw IPv6', 10, 3, 255],
    ['ping', 2, 2, 1],
    ['MPTCP', 2, 1, 262],
    ['UDP-Lite', 2, 2, 136],
    ['SCTP', 2, 1, 132],
  ])('sockets that the hooks do not see are not given out: %s', async (_name, domain, type, protocol) => {
    const deed = { kind: 'socket', domain, type, protocol } as const;
    const outcome = await program.does(deed);
    // 93, 94, 97: this kernel has no such protocol, type or family. 13: a sysctl says who may ping.
    if ('error' in outcome && /^errno (13|93|94|97)$/.test(outcome.error)) return;
    expect(outcome).toEqual({ error: 'errno 1' });
    expect(readEvents()).toMatchObject([{ operation: 'socket', blocked: true, type, protocol }]);
    hold('monitor');
    expect(await program.does(deed)).not.toHaveProperty('error');
  });

  test('sockets of TCP and UDP are given out', async () => {
    for (const type of [1, 2]) {
      expect(await program.does({ kind: 'socket', domain: 2, type, protocol: 0 })).not.toHaveProperty(
        'error',
      );
    }
  });

  test('the same from a process outside is not touched', async (context) => {
    const host = ownAddress();
    if (host === undefined) return context.skip('this machine has no address but the loopback');
    const { server, port } = await serve(host);
    const client = connect(port, host);
    expect(await text(client)).toBe('direct');
    const outside = createSocket('udp4');
    const sent = Promise.withResolvers<Error | null>();
    outside.send('x', 443, host, (error) => sent.resolve(error));
    expect(await sent.promise).toBeNull();
    outside.close();
    expect(readEvents()).toEqual([]);
    // What is compared with: inside, both are.
    expect(await program.does({ kind: 'connect', host, port })).toMatchObject({
      answer: `to ${host} ${port}`,
    });
    const deed = {
      kind: 'datagram',
      host,
      port: 443,
      data: 'eA==',
      connected: false,
      answers: false,
    } as const;
    expect(await program.does(deed)).toEqual({ error: 'EPERM' });
    server.close();
  });

  describe('when the agent is gone', () => {
    let port: number;
    beforeEach(async () => {
      port = listener.ports.tcp4;
      await listener.stop();
    });
    afterEach(listen);

    test('what an AI agent is held to is refused, even when somebody else listens on its port', async () => {
      const squatter = createServer((socket) => socket.on('error', () => {}).end('squatter'));
      squatter.listen(port, '127.0.0.1');
      await once(squatter, 'listening');
      expect(await program.does({ kind: 'connect', host: AWAY, port: 443 })).toEqual({ error: 'EPERM' });
      expect(readEvents()).toMatchObject([{ operation: 'connect', address: AWAY, blocked: true }]);
      squatter.close();
    });

    test('in monitor mode connections go where they would without it', async (context) => {
      const host = ownAddress();
      if (host === undefined) return context.skip('this machine has no address but the loopback');
      const { server, port: served } = await serve(host);
      settle('monitor');
      const deed = { kind: 'connect', host, port: served } as const;
      expect(await program.does(deed)).toEqual({ peer: `${host} ${served}`, answer: 'direct' });
      server.close();
    });
  });

  test('an agent that shows no sign of life keeps nobody from the network in monitor mode', async (context) => {
    const host = ownAddress();
    if (host === undefined) return context.skip('this machine has no address but the loopback');
    const { server, port } = await serve(host);
    hold('monitor', process.hrtime.bigint() - 1n);
    expect(await program.does({ kind: 'connect', host, port })).toMatchObject({ answer: 'direct' });
    hold('enforce', process.hrtime.bigint() - 1n);
    expect(await program.does({ kind: 'connect', host, port })).toMatchObject({
      answer: `to ${host} ${port}`,
    });
    server.close();
  });

  test('nothing is left after the removal, and in between programs and connections outlive the agent', async () => {
    programs.close();
    expect(readdirSync(`${place.pins}/network-v1`)).toContain('link-on_connect4');
    // One that was led here while no agent was there to take it.
    const waiting = program.does({ kind: 'connect', host: AWAY, port: 4443 });
    programs = NetworkPrograms.load(place);
    expect(programs.adopted).toBe(true);
    expect(await waiting).toMatchObject({ peer: `${AWAY} 4443` });
    for (const fd of listener.descriptors) programs.markListener(fd);
    const outcome = await program.does({ kind: 'connect', host: AWAY, port: 443 });
    expect(outcome).toMatchObject({ peer: `${AWAY} 443` });
    programs.remove();
    expect(existsSync(place.pins)).toBe(false);
    const { server, port } = await serve('0.0.0.0');
    const host = ownAddress() ?? '127.0.0.1';
    expect(await program.does({ kind: 'connect', host, port })).toMatchObject({ answer: 'direct' });
    server.close();
    programs = NetworkPrograms.load(place);
    expect(programs.adopted).toBe(false);
  });
});
