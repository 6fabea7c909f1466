/** One action decided by the gate of the service, 1,000 rules: in process, part by part, and over its socket, against an echo. */
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  canonicalAction,
  closestSubject,
  createLineHandler,
  freshKeyRing,
  Gate,
  ReplayDetector,
  steadyClock,
  writeCanonical,
} from '@raypher/gate';
import { nodePrimitives } from '@raypher/gate/node';
import { readStat } from '../apps/edge-agent/src/discovery/stat.ts';
import { decideAction } from '../apps/edge-agent/src/gate/decide-action.ts';
import { DecisionLog } from '../apps/edge-agent/src/gate/decision-log.ts';
import { Requesters } from '../apps/edge-agent/src/gate/requesters.ts';
import type { GateMethods } from './gate.remote.ts';
import { edgePath } from './lib/gate-edge.ts';
import { Remote } from './lib/remote.ts';
import { median, percentile, printResult, printTable } from './lib/report.ts';

/** Calls per sample: a single one is shorter than the clock is fine. */
const CALLS = 20;
const SAMPLES = 2_000;
const ROUND_TRIPS = 4_000;
const ROUNDS = 5;
const RULES = 1_000;

/** This process: what the kernel says of the other end of the socket. */
const CALLER = {
  uid: process.getuid?.() ?? 0,
  pid: process.pid,
  startTicks: String(readStat(process.pid)?.startTime ?? 0),
};
const SUBJECT = closestSubject(CALLER);
const folder = mkdtempSync(join(tmpdir(), 'gate-bench-'));
const edge = await edgePath(join(folder, 'in-process'), RULES);
const REQUEST = {
  v: 1,
  action: 'tool.call',
  target: 'github.create_issue',
  arguments: {
    repository: 'acme/api',
    title: 'Crash when the queue is empty',
    labels: ['bug', 'p1'],
    estimate: 3.5,
    body: 'The worker reads past the end of the list. Steps: start it with nothing to do. '.repeat(4),
  },
  context: { server: 'github', cwd: '/home/dev/api' },
};
const LINE = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'gate_check', params: { request: REQUEST } });
const ISSUE_LINE = LINE.replace('"params":{', '"params":{"issue":true,');
let asked = 0;
/** Another action each time, so that nothing is remembered and every decision is recorded. */
const freshLine = (): string => {
  asked += 1;
  return LINE.replace('3.5', String(asked + 0.5));
};

/** Microseconds per call of each sample. */
function time(run: () => unknown): Float64Array {
  for (let count = 0; count < 5_000; count += 1) run();
  return Float64Array.from({ length: SAMPLES }, () => {
    const start = performance.now();
    for (let count = 0; count < CALLS; count += 1) run();
    return ((performance.now() - start) * 1_000) / CALLS;
  });
}

function makeGate(): Gate {
  const clock = steadyClock();
  return new Gate({
    primitives: nodePrimitives,
    clock,
    keys: freshKeyRing(nodePrimitives, clock()),
    revision: () => 1,
    decide: decideAction(
      edge.policy,
      new Requesters(edge.inventory),
      edge.record,
      new DecisionLog(edge.record),
    ),
    // Permits are taken here faster than any limit for one user is meant to allow.
    limits: { permitNonces: { capacity: 1_000_000, perOwner: 1_000_000 } },
  });
}

const gate = makeGate();
const handle = createLineHandler(gate);
const context = { caller: CALLER, mint: false };
const replay = new ReplayDetector({ capacity: 1_000_000, perOwner: 1_000_000, window: 60_000 });
const { car } = canonicalAction(REQUEST, nodePrimitives);
const order = { car, subject: SUBJECT, verdict: 'ALLOW' } as const;
const key = { car, subject: SUBJECT, revision: 1 };
let nonce = 0;

/** Requirement S5, in microseconds. */
const PARTS: readonly { what: string; figure: string; limit?: number; run: () => unknown }[] = [
  { what: 'floor: JSON.parse of the line', figure: 'parse_floor', run: () => JSON.parse(LINE) },
  { what: 'canonical text', figure: 'canonical', run: () => writeCanonical(REQUEST) },
  { what: 'CAR hash', figure: 'car_hash', limit: 50, run: () => canonicalAction(REQUEST, nodePrimitives) },
  { what: 'cache look-up', figure: 'cache', limit: 10, run: () => gate.cache.get(key, gate.clock()) },
  {
    what: 'permit: create',
    figure: 'permit_create',
    limit: 100,
    run: () => gate.permits.create(order, gate.clock()),
  },
  {
    what: 'permit: create and take',
    figure: 'permit_round',
    limit: 100,
    run: () =>
      gate.permits.verify(
        gate.permits.create(order, gate.clock()).permit,
        { car, caller: CALLER },
        gate.clock(),
      ),
  },
  {
    what: 'replay check',
    figure: 'replay',
    limit: 10,
    run: () => {
      nonce += 1;
      return replay.take(
        { owner: 'user/1000', nonce: String(nonce), expires: 30_000 + nonce / 100 },
        nonce / 100,
      );
    },
  },
  { what: 'check, remembered', figure: 'check_cached', limit: 200, run: () => gate.check(REQUEST, CALLER) },
  {
    what: 'line in, line out, remembered',
    figure: 'in_process',
    limit: 15,
    run: () => handle(LINE, context),
  },
  {
    what: 'the same, policy asked',
    figure: 'in_process_asked',
    limit: 200,
    run: () => handle(freshLine(), context),
  },
  {
    what: 'remembered, with a permit',
    figure: 'in_process_issue',
    limit: 200,
    run: () => handle(ISSUE_LINE, context),
  },
];

function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Microseconds of each round trip, one after the other. */
async function roundTrips(socket: Socket, line: () => string, count: number): Promise<Float64Array> {
  const times = new Float64Array(count);
  for (let at = 0; at < count; at += 1) {
    const bytes = Buffer.from(`${line()}\n`);
    const start = performance.now();
    await new Promise<void>((resolve) => {
      const take = (chunk: Buffer) => {
        if (chunk.at(-1) !== 0x0a) return;
        socket.off('data', take);
        resolve();
      };
      socket.on('data', take);
      socket.write(bytes);
    });
    times[at] = (performance.now() - start) * 1_000;
  }
  return times;
}

async function overSocket() {
  const remote = await Remote.start<GateMethods>(new URL('gate.remote.ts', import.meta.url));
  const echoPath = join(folder, 'echo.sock');
  const served = join(folder, 'served');
  try {
    await remote.call('start', { folder: served, echoPath, rules: RULES });
    const [toGate, toEcho] = [await open(join(served, 'gate.sock')), await open(echoPath)];
    const lanes = [
      { what: 'gate, remembered', socket: toGate, line: () => LINE, times: [] as Float64Array[] },
      { what: 'gate, policy asked', socket: toGate, line: freshLine, times: [] as Float64Array[] },
      { what: 'gate, with a permit', socket: toGate, line: () => ISSUE_LINE, times: [] as Float64Array[] },
      { what: 'floor: echo', socket: toEcho, line: () => LINE, times: [] as Float64Array[] },
    ];
    for (const { socket, line } of lanes) await roundTrips(socket, line, 2_000);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const lane of lanes)
        lane.times.push(await roundTrips(lane.socket, lane.line, ROUND_TRIPS / ROUNDS));
    }
    toGate.destroy();
    toEcho.destroy();
    return lanes.map(({ what, times }) => {
      const all = times.flatMap((round) => [...round]);
      const rounds = times.map((round) => median(round));
      return {
        what,
        p50: median(rounds),
        least: Math.min(...rounds),
        most: Math.max(...rounds),
        p99: percentile(all, 0.99),
      };
    });
  } finally {
    await remote.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

const parts = PARTS.map(({ what, figure, limit, run }) => {
  const times = time(run);
  return {
    what,
    figure,
    limit,
    p50: median(times),
    p5: percentile(times, 0.05),
    p95: percentile(times, 0.95),
  };
});
printTable(
  ['in process, µs', 'p50', 'p5', 'p95', 'limit'],
  parts.map(({ what, p50, p5, p95, limit }) => [what, p50, p5, p95, limit ?? '']),
);
const [viaGate, viaAsked, viaIssue, viaEcho] = await overSocket();
if (!viaGate || !viaAsked || !viaIssue || !viaEcho) throw new Error('a lane is missing');
console.log();
printTable(
  ['over the socket, µs', 'p50', 'least', 'most', 'p99'],
  [viaGate, viaAsked, viaIssue, viaEcho].map(({ what, p50, least, most, p99 }) => [
    what,
    p50,
    least,
    most,
    p99,
  ]),
);
console.log(`
  A tool call of ${LINE.length} bytes. In process: ${SAMPLES} samples of ${CALLS} calls. Over the socket: ${ROUNDS} rounds of
  ${ROUND_TRIPS / ROUNDS} calls by turns, one at a time; the server is in a process of its own, knows the caller by SO_PEERCRED, decides by ${RULES}
  rules and writes what it decided into a ledger on disk. Least and most are medians of rounds.
`);
printResult({
  bench: 'gate',
  figures: {
    ...Object.fromEntries(parts.map(({ figure, p50 }) => [`${figure}_p50_us`, p50])),
    socket_p50_us: viaGate.p50,
    socket_asked_p50_us: viaAsked.p50,
    socket_issue_p50_us: viaIssue.p50,
    socket_floor_p50_us: viaEcho.p50,
    socket_p99_us: viaGate.p99,
  },
  ratios: { socket_vs_echo: viaGate.p50 / viaEcho.p50, socket_asked_vs_echo: viaAsked.p50 / viaEcho.p50 },
});
