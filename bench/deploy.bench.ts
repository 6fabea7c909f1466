/** From the administrator's call to APPLIED on every device: policy deploys and freezes, against a bare broadcast. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Rollout } from '@raypher/shared/rest';
import { preciseNowMs } from '@raypher/swarm';
import type { Administrator, Timed } from './lib/administrator.ts';
import { BenchControlPlane } from './lib/control-plane.ts';
import type { FloorMethods } from './lib/floor.remote.ts';
import { readOptions } from './lib/options.ts';
import { Remote } from './lib/remote.ts';
import { median, percentile, printResult, printTable } from './lib/report.ts';
import type { SwarmMethods } from './lib/swarm.remote.ts';

const WARM_UPS = 2;
const ROUNDS = 5;
const CONNECTS_PER_SECOND = 400;
/** Between two measurements, for what the last one left behind: acknowledgements, events, inventories, live views. */
const PAUSE_MS = 1_500;
const TIMEOUT_MS = 30_000;

/** One round, in milliseconds since the call. */
interface Round {
  /** Per device: APPLIED handed to its stream. */
  device: Float64Array;
  /** Per device: APPLIED as the control plane recorded it. */
  recorded: Float64Array;
  /** The REST call was answered. */
  answered: number;
}

type Fleet = Remote<SwarmMethods>;

async function followRollout(
  fleet: Fleet,
  administrator: Administrator,
  kind: 'policy' | 'freeze',
  call: () => Promise<Timed<Rollout>>,
): Promise<Round> {
  const { beganMs, answer } = await call();
  const answered = preciseNowMs() - beganMs;
  const { revision, id } = answer;
  const applied = await fleet.call('applied', { kind, revision, timeoutMs: TIMEOUT_MS });
  await untilRecorded(administrator, id, applied.length);
  // afterMs counts from the rollout's creation, which is a little after the call.
  const created = Date.parse(answer.createdAt) - beganMs;
  const devices = await administrator.rolloutDevices(id);
  const recorded = devices.flatMap(({ phase, afterMs }) =>
    phase === 'applied' && afterMs !== null ? [created + afterMs] : [],
  );
  return { device: applied.map((atMs) => atMs - beganMs), recorded: Float64Array.from(recorded), answered };
}

async function untilRecorded(administrator: Administrator, id: string, devices: number): Promise<void> {
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await delay(100)) {
    const { counts } = await administrator.rollout(id);
    if ((counts.applied ?? 0) >= devices) return;
  }
  throw new Error(`The control plane did not record APPLIED of all ${devices} devices.`);
}

async function deployRound(fleet: Fleet, administrator: Administrator, round: number): Promise<Round> {
  return followRollout(fleet, administrator, 'policy', () => administrator.deploy(round));
}

/** A freeze of everything; the thaw that follows is waited for, not counted. */
async function freezeRound(fleet: Fleet, administrator: Administrator): Promise<Round> {
  let freeze = '';
  const measured = await followRollout(fleet, administrator, 'freeze', async () => {
    const { beganMs, answer } = await administrator.freezeAll();
    freeze = answer.freeze.id;
    return { beganMs, answer: answer.rollout };
  });
  await delay(PAUSE_MS);
  await followRollout(fleet, administrator, 'freeze', async () => {
    const { beganMs, answer } = await administrator.thaw(freeze);
    return { beganMs, answer: answer.rollout };
  });
  return measured;
}

async function floorRound(fleet: Fleet, floor: Remote<FloorMethods>): Promise<Round> {
  const { revision, atMs } = await floor.call('broadcast', undefined);
  const applied = await fleet.call('applied', { kind: 'policy', revision, timeoutMs: TIMEOUT_MS });
  return { device: applied.map((at) => at - atMs), recorded: new Float64Array(), answered: 0 };
}

async function fleetOn(server: string, token: string): Promise<Fleet> {
  const fleet = await Remote.start<SwarmMethods>(new URL('lib/swarm.remote.ts', import.meta.url));
  await fleet.call('connect', {
    server,
    token,
    devices: streams,
    seed: 'bench',
    connectsPerSecond: CONNECTS_PER_SECOND,
  });
  await fleet.call('quiet', 60_000);
  return fleet;
}

interface Rounds {
  deploys: Round[];
  freezes: Round[];
  floors: Round[];
}

/** Interleaved, so that a machine that is busy for a while is busy for all of them. */
async function measure(real: Fleet, administrator: Administrator, bare: Fleet, floor: Remote<FloorMethods>) {
  const rounds: Rounds = { deploys: [], freezes: [], floors: [] };
  for (let round = 0; round < WARM_UPS + ROUNDS; round += 1) {
    const floors = await floorRound(bare, floor);
    await calm(real, bare);
    const deploys = await deployRound(real, administrator, round);
    await calm(real, bare);
    const freezes = await freezeRound(real, administrator);
    await calm(real, bare);
    if (round < WARM_UPS) continue;
    rounds.floors.push(floors);
    rounds.deploys.push(deploys);
    rounds.freezes.push(freezes);
  }
  return rounds;
}

/** Nothing of the last round is on its way any more. */
async function calm(...fleets: Fleet[]): Promise<void> {
  await delay(PAUSE_MS);
  await Promise.all(fleets.map((fleet) => fleet.call('quiet', TIMEOUT_MS)));
}

async function run(): Promise<Rounds> {
  const stopping: (() => Promise<void>)[] = [];
  try {
    const controlPlane = await BenchControlPlane.start({
      nodeOptions,
      admissionsPerSecond: 2 * CONNECTS_PER_SECOND,
    });
    stopping.push(() => controlPlane.stop());
    const floor = await Remote.start<FloorMethods>(new URL('lib/floor.remote.ts', import.meta.url));
    stopping.push(() => floor.stop());
    const bareServer = await floor.call('start', undefined);
    const bare = await fleetOn(bareServer.server, bareServer.token);
    stopping.push(() => bare.stop());
    const { administrator } = controlPlane;
    const real = await fleetOn(controlPlane.enrolmentServer, await administrator.enrolmentToken(streams));
    stopping.push(() => real.stop());
    return await measure(real, administrator, bare, floor);
  } finally {
    for (const stop of stopping.reverse()) await stop();
  }
}

type Column = 'device' | 'recorded';

/** The median over rounds of a percentile within each round. */
function typical(rounds: Round[], column: Column, share: number): number {
  return median(rounds.map((round) => percentile(round[column], share)));
}

/** The spread over rounds of the 99th percentile. */
function spread(rounds: Round[], column: Column): string {
  const p99 = rounds.map((round) => percentile(round[column], 0.99));
  return `${Math.round(Math.min(...p99))}–${Math.round(Math.max(...p99))}`;
}

function row(title: string, rounds: Round[], column: Column): (string | number)[] {
  return [
    title,
    typical(rounds, column, 0.5),
    typical(rounds, column, 0.99),
    spread(rounds, column),
    typical(rounds, column, 1),
  ];
}

const { streams, nodeOptions } = readOptions();
const { deploys, freezes, floors } = await run();

printTable(
  ['milliseconds since the call', 'p50', 'p99', 'p99 of rounds', 'max'],
  [
    row('deploy → APPLIED sent by the device', deploys, 'device'),
    row('deploy → APPLIED recorded by the control plane', deploys, 'recorded'),
    row('freeze → APPLIED sent by the device', freezes, 'device'),
    row('freeze → APPLIED recorded by the control plane', freezes, 'recorded'),
    row('floor: broadcast → APPLIED sent by the device', floors, 'device'),
  ],
);
console.log(`
  ${streams} streams, ${ROUNDS} rounds after ${WARM_UPS} to warm up, medians over rounds. The call is POST /v1/policies/deploy and
  POST /v1/freezes, answered after ${Math.round(median(deploys.map(({ answered }) => answered)))} ms and ${Math.round(median(freezes.map(({ answered }) => answered)))} ms. The floor is a bare grpc-js server with the
  same mutual TLS and devices that broadcasts a policy of about 256 bytes. Devices and servers share this machine.
`);
printResult({
  bench: 'deploy',
  figures: {
    streams,
    apply_p50_ms: typical(deploys, 'device', 0.5),
    apply_p99_ms: typical(deploys, 'device', 0.99),
    apply_max_ms: typical(deploys, 'device', 1),
    recorded_p99_ms: typical(deploys, 'recorded', 0.99),
    freeze_p50_ms: typical(freezes, 'device', 0.5),
    freeze_p99_ms: typical(freezes, 'device', 0.99),
    floor_p99_ms: typical(floors, 'device', 0.99),
  },
  ratios: { p99_vs_floor: typical(deploys, 'device', 0.99) / typical(floors, 'device', 0.99) },
});
