import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CallerFinder } from '../../callers/caller-finder.ts';
import { Nftables } from '../../native/libnftables.ts';
import type { NetworkEvent } from '../network/kernel-layout.ts';
import { folderId } from '../network/network-programs.ts';
import { openBpfRedirect, openRedirect, removeRedirects } from '../network/open-redirect.ts';
import {
  GovernedFolder,
  type GovernedProgram,
  REDIRECTS,
  tables,
} from '../network/testing/governed-group.ts';
import { NftRedirect } from './nft-redirect.ts';

const untestable = REDIRECTS.nftables.untestable();
/** Leads nowhere (RFC 5737). */
const AWAY = '203.0.113.7';
/** An address of this machine that is not the loopback's: what is sent there does not leave it. */
const OWN = Object.values(networkInterfaces())
  .flat()
  .find((one) => one?.family === 'IPv4' && !one.internal)?.address;
/** Nobody listens there; whoever is led there is refused by the kernel. */
const PORTS = { tcp4: 1, tcp6: 1, dns4: 1, dns6: 1 };

describe.skipIf(untestable !== undefined)(`rules of the packet filter (${untestable ?? 'as root'})`, () => {
  const finder = new CallerFinder();
  let folder: GovernedFolder;
  let program: GovernedProgram;
  let redirect: NftRedirect | undefined;

  beforeAll(async () => {
    if (untestable !== undefined) return;
    folder = new GovernedFolder();
    program = await folder.start('run-test');
  });
  afterEach(() => {
    redirect?.close();
    redirect = undefined;
    if (folder !== undefined) removeRedirects({ pins: folder.pins, table: folder.name });
  });
  afterAll(async () => {
    finder.close();
    await folder?.end();
  });

  function open(mode: 'enforce' | 'monitor'): NftRedirect {
    redirect = new NftRedirect(folder.redirectOptions(finder));
    redirect.setMode(folderId(program.cgroup.path), program.cgroup.path, mode);
    redirect.show(PORTS, 'monitor');
    return redirect;
  }

  const ours = (): string[] => tables().filter((table) => table.startsWith(folder.name));
  const datagram = { kind: 'datagram', host: AWAY, port: 443, data: 'aGk=', answers: false } as const;
  const sends = () => program.does({ ...datagram, connected: false });

  test('the user’s own rules are there before, meanwhile and afterwards, unchanged', () => {
    const own = `${folder.name.replace('raypher', 'users')}`;
    using nft = Nftables.open();
    nft.run(`add table inet ${own}\nadd chain inet ${own} mine { type filter hook output priority 5; }\n`);
    nft.run(`add rule inet ${own} mine ip daddr 203.0.113.99 counter accept\n`);
    try {
      const before = nft.run(`list table inet ${own}`);
      open('enforce');
      expect(nft.run(`list table inet ${own}`)).toBe(before);
      expect(ours()).toEqual(expect.arrayContaining([folder.name, `${folder.name}-stays`]));
      redirect?.close();
      removeRedirects({ pins: folder.pins, table: folder.name });
      expect(ours()).toEqual([]);
      expect(nft.run(`list table inet ${own}`)).toBe(before);
    } finally {
      nft.run(`delete table inet ${own}`);
    }
  });

  test('nobody else deletes the table that belongs to the agent', () => {
    open('enforce');
    using other = Nftables.open();
    expect(() => other.run(`delete table inet ${folder.name}`)).toThrow(/permitted/);
    expect(ours()).toContain(folder.name);
  });

  test.each([
    ['deletes them', (stays: string) => `delete table inet ${stays}`],
    ['empties them', (stays: string) => `flush table inet ${stays}`],
    ['puts another before them', (stays: string) => `insert rule inet ${stays} filter_output accept`],
  ])('rules come back when somebody %s', async (_what, command) => {
    const there = open('enforce');
    using other = Nftables.open();
    const before = other.run(`list table inet ${folder.name}-stays`);
    other.run(command(`${folder.name}-stays`));
    expect(ours()).toContain(folder.name);
    for (let beats = 0; beats < 5; beats += 1) there.show(PORTS, 'monitor');
    expect(other.run(`list table inet ${folder.name}-stays`)).toBe(before);
    expect(await sends()).toEqual({ error: 'EPERM' });
  });

  test.each(['enforce', 'monitor'] as const)(
    'a datagram past the proxy is told of, with its sender: %s',
    async (mode) => {
      if (OWN === undefined) return;
      const there = open(mode);
      const events: NetworkEvent[] = [];
      const read = (): NetworkEvent[] => {
        there.readEvents((event) => events.push(event));
        return events;
      };
      // Of a socket that stays open, so that its holder is found.
      const sent = await program.does({ ...datagram, host: OWN, connected: true, stays: true });
      expect('error' in sent).toBe(mode === 'enforce');
      await expect.poll(read).toMatchObject([
        {
          address: OWN,
          port: 443,
          protocol: 17,
          pid: program.child.pid,
          group: folderId(program.cgroup.path),
          blocked: mode === 'enforce',
        },
      ]);
      events.length = 0;
      expect(await program.does({ ...datagram, host: '127.0.0.1', connected: false })).not.toHaveProperty(
        'error',
      );
      expect(read()).toEqual([]);
    },
  );

  test('a socket that insists on a device reaches nobody on the wire, neither by the loopback nor by names', async (context) => {
    const device = Object.keys(networkInterfaces()).find((name) => name !== 'lo');
    if (device === undefined) return context.skip('this machine has no device but the loopback');
    open('enforce');
    const deed = { kind: 'bound to a device', device, sends: 'datagram' } as const;
    for (const [host, port] of [
      ['127.0.0.1', 9],
      [AWAY, 53],
      [AWAY, 443],
    ] as const) {
      expect(await program.does({ ...deed, host, port }), host).toEqual({ error: 'errno 1' });
    }
  });

  test('packets that seem to answer somebody are refused', async (context) => {
    if (OWN === undefined) return context.skip('this machine has no address but the loopback');
    open('enforce');
    for (const [from, to] of [
      [AWAY, OWN],
      [AWAY, '127.0.0.1'],
    ] as const) {
      const packet = openingPacket(from, to).toString('base64');
      expect(await program.does({ kind: 'packet', host: to, packet }), `${from} ${to}`).toEqual({
        error: 'errno 1',
      });
    }
  });

  test('packets with a route of their own are refused', async () => {
    open('enforce');
    const routed = { kind: 'source route', host: '127.0.0.1', port: 9, via: AWAY } as const;
    expect(await program.does(routed)).toEqual({ error: 'errno 1' });
  });

  test('a group that has ended, or that ends while rules are written, is left out of them', () => {
    const there = open('enforce');
    const short = folder.cgroups.create('run-short');
    const id = folderId(short.path);
    there.setMode(id, short.path, 'enforce');
    short.remove();
    there.setMode(folderId(program.cgroup.path), program.cgroup.path, 'monitor');
    using nft = Nftables.open();
    expect(nft.run(`list table inet ${folder.name}-stays`)).not.toContain('run-short');
    there.forget(id);
    expect(there.groups()).toEqual([folderId(program.cgroup.path)]);
  });

  test('the next agent holds what the last one held, before it has been told anything', () => {
    open('enforce').close();
    expect(ours()).toEqual([`${folder.name}-stays`]);
    redirect = new NftRedirect(folder.redirectOptions(finder));
    expect(redirect.groups()).toEqual([folderId(program.cgroup.path)]);
    redirect.show(PORTS, 'monitor');
    using nft = Nftables.open();
    expect(nft.run(`list table inet ${folder.name}-stays`)).toContain('goto held comment "enforce');
  });

  test('a socket that asked the resolver of an earlier agent is led to that of the next', async () => {
    const servers = await Promise.all(
      ['first', 'second'].map(async (name) => {
        const server = createSocket('udp4');
        server.on('message', (_message, { address, port }) => server.send(name, port, address));
        server.bind(0, '127.0.0.1');
        await once(server, 'listening');
        return server;
      }),
    );
    const localPort = 20_000 + ((program.child.pid ?? 0) % 10_000);
    const ask = { ...datagram, port: 53, connected: false, answers: true, localPort } as const;
    const answers: string[] = [];
    for (const server of servers) {
      const there = new NftRedirect(folder.redirectOptions(finder));
      there.setMode(folderId(program.cgroup.path), program.cgroup.path, 'monitor');
      there.show({ ...PORTS, dns4: server.address().port }, 'monitor');
      const answer = await program.does(ask);
      answers.push('error' in answer ? answer.error : Buffer.from(answer.answer, 'base64').toString());
      there.close();
    }
    for (const server of servers) server.close();
    expect(answers).toEqual(['first', 'second']);
  });

  test('they are used where programs cannot be loaded, and go where they can', async () => {
    const options = folder.redirectOptions(finder);
    const fallback = openRedirect({ ...options, objectFile: () => '/nonexistent/network.bpf.o' });
    expect(fallback.name).toBe('nftables');
    fallback.show(PORTS, 'enforce');
    fallback.close();
    expect(ours()).toEqual([`${folder.name}-stays`]);
    const programs = REDIRECTS.cgroup.untestable();
    if (programs !== undefined) return;
    const better = openBpfRedirect(options);
    // Not before the others hold.
    expect(ours()).toEqual([`${folder.name}-stays`]);
    better.show(PORTS, 'enforce');
    expect(ours()).toEqual([]);
    better.close();
  });

  test('a folder that rules cannot name is refused, not left unheld', () => {
    expect(() => open('enforce').setMode(1n, '/elsewhere/run-test', 'enforce')).toThrow(/cannot name/);
  });
});

/** A first packet of TCP, from port 443 to port 5000, with whatever source. */
function openingPacket(from: string, to: string): Buffer {
  const packet = Buffer.alloc(40);
  packet.writeUInt16BE(0x4500, 0);
  packet.writeUInt16BE(packet.length, 2);
  packet.writeUInt16BE(0x4006, 8);
  Buffer.from(from.split('.').map(Number)).copy(packet, 12);
  Buffer.from(to.split('.').map(Number)).copy(packet, 16);
  packet.writeUInt16BE(443, 20);
  packet.writeUInt16BE(5000, 22);
  packet.writeUInt16BE(0x5002, 32);
  packet.writeUInt16BE(0xffff, 34);
  return packet;
}
