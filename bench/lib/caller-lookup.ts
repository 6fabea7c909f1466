import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CallerFinder } from '../../apps/edge-agent/src/callers/caller-finder.ts';
import { type Connection, callersEnds } from '../../apps/edge-agent/src/callers/connection.ts';
import { InetDiag, type SocketEnds } from '../../apps/edge-agent/src/native/inet-diag.ts';
import { percentile } from './report.ts';

/** One process holds this many sockets; others, a few each. */
const SOCKETS_OF_ONE = 2000;
const OTHERS = 4;
const SOCKETS_OF_OTHERS = 50;
const ROUNDS = 2000;
/** The peer reads everything each time. */
const PEER_ROUNDS = 60;
/** Connections that are opened one by one while the others stay, to be looked up for the first time. */
const NEW_CONNECTIONS = 300;

export interface LookupTimes {
  p50Us: number;
  p99Us: number;
}

export interface LookupOutcome {
  sockets: number;
  /** A connection that was looked up before: every later request over it. */
  known: LookupTimes;
  /** The first look-up of a connection that was just opened by the process with the most sockets. */
  fresh: LookupTimes;
  /** One netlink question and its answer, without finding the process. */
  floor: LookupTimes;
  /** /proc/net/tcp and the descriptors of every process. */
  peer: LookupTimes;
}

/** Opens `count` sockets, says so, and opens one more for each byte it reads. */
const CLIENT = `
const net = require('net');
const [port, count] = process.argv.slice(1).map(Number);
let open = 0;
const next = (then) => net.connect(port, '127.0.0.1', then).on('error', () => process.exit());
const fill = () => { open += 1; if (open < count) next(fill); else process.stdout.write('r'); };
next(fill);
process.stdin.on('data', (bytes) => { for (const _ of bytes) next(() => {}); });
`;

/** Measures how long it takes to find who is calling, with many sockets open; takes about ten seconds. */
export async function measureCallerLookup(): Promise<LookupOutcome> {
  const server = createServer();
  const accepted: Socket[] = [];
  server.on('connection', (socket) => {
    socket.on('error', () => socket.destroy());
    accepted.push(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  // The address of a listening TCP server is an AddressInfo.
  const { port } = server.address() as AddressInfo;
  const clients: ChildProcess[] = [];
  const finder = new CallerFinder();
  using diag = InetDiag.open();
  try {
    const largest = await startClient(port, SOCKETS_OF_ONE, clients);
    for (let index = 0; index < OTHERS; index += 1) await startClient(port, SOCKETS_OF_OTHERS, clients);
    // A client knows that it is connected before the server has accepted it.
    const expected = SOCKETS_OF_ONE + OTHERS * SOCKETS_OF_OTHERS;
    while (accepted.length < expected) await once(server, 'connection');
    const connections = accepted.map(connectionOf);

    const fresh: number[] = [];
    for (let index = 0; index < NEW_CONNECTIONS; index += 1) {
      const arrived: Promise<Socket[]> = once(server, 'connection');
      largest.stdin?.write('x');
      const [socket] = await arrived;
      if (socket === undefined) throw new Error('no connection');
      const connection = connectionOf(socket);
      fresh.push(timed(() => expectPid(finder.find(connection)?.pid, largest.pid)));
    }

    for (const connection of connections) finder.find(connection);
    const [known, floor, peer]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      // Interleaved, so that whatever else happens on the machine happens to all of them.
      const connection = connections[(round * 7919) % connections.length];
      const ends = connection === undefined ? undefined : callersEnds(connection);
      if (connection === undefined || ends === undefined) throw new Error('no connection');
      known.push(timed(() => expectPid(finder.find(connection)?.pid, undefined)));
      floor.push(timed(() => diag.find(ends)));
      if (round % Math.floor(ROUNDS / PEER_ROUNDS) === 0) {
        peer.push(timed(() => expectPid(readEverything(ends), undefined)));
      }
    }
    return {
      sockets: accepted.length,
      known: times(known),
      fresh: times(fresh),
      floor: times(floor),
      peer: times(peer),
    };
  } finally {
    for (const client of clients) client.kill('SIGKILL');
    for (const socket of accepted) socket.destroy();
    finder.close();
    server.close();
  }
}

async function startClient(port: number, count: number, clients: ChildProcess[]): Promise<ChildProcess> {
  const client = spawn(process.execPath, ['-e', CLIENT, String(port), String(count)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  clients.push(client);
  if (client.stdout === null) throw new Error('no output');
  await once(client.stdout, 'data');
  return client;
}

function connectionOf({ localPort, remotePort, localAddress, remoteAddress }: Socket): Connection {
  if (!localPort || !remotePort || !localAddress || !remoteAddress) throw new Error('not connected');
  return { localPort, remotePort, localAddress, remoteAddress };
}

function timed(work: () => void): number {
  const startedAt = performance.now();
  work();
  return (performance.now() - startedAt) * 1000;
}

function times(values: readonly number[]): LookupTimes {
  return { p50Us: percentile(values, 0.5), p99Us: percentile(values, 0.99) };
}

function expectPid(found: number | undefined, expected: number | undefined): void {
  if (found === undefined || (expected !== undefined && found !== expected)) {
    throw new Error(`Process ${found} was found instead of ${expected ?? 'any'}.`);
  }
}

/** The usual way: the row of the connection, then the descriptors of one process after the other. */
function readEverything({ own, other }: SocketEnds): number | undefined {
  const [ownPort, otherPort] = [own.port, other.port].map((port) =>
    port.toString(16).toUpperCase().padStart(4, '0'),
  );
  const row = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((fields) => fields[1]?.endsWith(`:${ownPort}`) && fields[2]?.endsWith(`:${otherPort}`));
  const link = `socket:[${row?.[9]}]`;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) === link) return Number(pid);
      }
    } catch {
      // Ended meanwhile.
    }
  }
  return undefined;
}
