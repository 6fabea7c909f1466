/** How devices come back when one of two link processes is killed, stops in order, or all of them are killed. */
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { BenchControlPlane } from './lib/control-plane.ts';
import { readOptions } from './lib/options.ts';
import { Remote } from './lib/remote.ts';
import { printResult, printTable } from './lib/report.ts';
import type { SwarmMethods } from './lib/swarm.remote.ts';

const INGESTORS = 2;
const ADMISSIONS_PER_SECOND = 100;
const EVENTS_PER_SECOND = 100;
const SAMPLE_MS = 100;
const GONE_WITHIN_MS = 20_000;
const BACK_WITHIN_MS = 120_000;

type Fleet = Remote<SwarmMethods>;

interface Return {
  what: string;
  lost: number;
  /** Until every device was connected again, seconds. */
  backAfterS: number;
  /** Most that came in one second. */
  busiestSecond: number;
  /** What the processes that were left allow together. */
  allowed: number;
}

async function watch(
  fleet: Fleet,
  what: string,
  left: number,
  disturb: () => Promise<void>,
): Promise<Return> {
  const began = performance.now();
  const disturbed = disturb();
  const came: number[] = [];
  let before = streams;
  let fewest = streams;
  for (;;) {
    await delay(SAMPLE_MS);
    const { connected } = await fleet.call('stats', undefined);
    came.push(Math.max(0, connected - before));
    before = connected;
    fewest = Math.min(fewest, connected);
    const elapsed = performance.now() - began;
    if (fewest < streams ? connected === streams : elapsed > GONE_WITHIN_MS) break;
    if (elapsed > BACK_WITHIN_MS) throw new Error(`${what}: only ${connected} devices are back.`);
  }
  const backAfterS = (performance.now() - began) / 1_000;
  await disturbed;
  const seconds = came.map((_, index) =>
    came.slice(index, index + 1_000 / SAMPLE_MS).reduce((a, b) => a + b, 0),
  );
  const allowed = left * ADMISSIONS_PER_SECOND;
  return { what, lost: streams - fewest, backAfterS, busiestSecond: Math.max(...seconds), allowed };
}

async function disturbances(fleet: Fleet, controlPlane: BenchControlPlane): Promise<Return[]> {
  const [first, second] = controlPlane.links;
  if (first === undefined || second === undefined) throw new Error('there are two');
  const killed = await watch(fleet, 'kill -9 of one', INGESTORS, async () => second.kill('SIGKILL'));
  await second.untilUp();
  const stopped = await watch(fleet, 'one stops in order', INGESTORS - 1, () => first.stop());
  await first.start();
  const all = await watch(fleet, 'kill -9 of all', INGESTORS, async () => {
    for (const link of controlPlane.links) link.kill('SIGKILL');
  });
  return [killed, stopped, all];
}

/** @throws Error when what is stored is not exactly what devices recorded */
async function expectEverythingOnce(fleet: Fleet, controlPlane: BenchControlPlane): Promise<number> {
  await fleet.call('hush', undefined);
  await fleet.call('quiet', BACK_WITHIN_MS);
  const { entries } = await fleet.call('stats', undefined);
  const { admin: connectionString } = await controlPlane.databaseUrls();
  const admin = new pg.Client({ connectionString });
  await admin.connect();
  try {
    const { rows } = await admin.query<{ stored: number; different: number }>(
      'SELECT count(*)::int AS stored, count(DISTINCT (device_id, seq))::int AS different FROM events',
    );
    const [{ stored, different } = { stored: 0, different: 0 }] = rows;
    if (stored !== entries || different !== entries)
      throw new Error(
        `Devices recorded ${entries} entries; ${stored} are stored, ${different} of them different.`,
      );
    return stored;
  } finally {
    await admin.end();
  }
}

async function run(): Promise<{ returns: Return[]; entries: number }> {
  const stopping: (() => Promise<void>)[] = [];
  try {
    const controlPlane = await BenchControlPlane.start({
      nodeOptions,
      ingestors: INGESTORS,
      admissionsPerSecond: ADMISSIONS_PER_SECOND,
    });
    stopping.push(() => controlPlane.stop());
    const fleet: Fleet = await Remote.start(new URL('lib/swarm.remote.ts', import.meta.url));
    stopping.push(() => fleet.stop());
    await fleet.call('connect', {
      server: controlPlane.enrolmentServer,
      token: await controlPlane.administrator.enrolmentToken(streams),
      devices: streams,
      seed: 'bench',
      eventsPerSecond: EVENTS_PER_SECOND,
      // The devices themselves hold nobody back.
      connectsPerSecond: 10_000,
    });
    const returns = await disturbances(fleet, controlPlane);
    return { returns, entries: await expectEverythingOnce(fleet, controlPlane) };
  } finally {
    for (const stop of stopping.reverse()) await stop();
  }
}

const { streams, nodeOptions } = readOptions();
const { returns, entries } = await run();
const [killed, stopped, all] = returns;

printTable(
  ['', 'streams lost', 'all back after s', 'busiest second', 'allowed a second'],
  returns.map(({ what, lost, backAfterS, busiestSecond, allowed }) => [
    what,
    lost,
    backAfterS,
    busiestSecond,
    allowed,
  ]),
);
console.log(`
  ${streams} streams on ${INGESTORS} link processes behind one port, each of which admits ${ADMISSIONS_PER_SECOND} a second, while devices record
  ${EVENTS_PER_SECOND} events a second. Afterwards all ${entries} entries that devices recorded are stored, each once.
`);
printResult({
  bench: 'reconnect',
  figures: {
    streams,
    kill_one_back_s: killed?.backAfterS ?? Number.NaN,
    stop_one_back_s: stopped?.backAfterS ?? Number.NaN,
    kill_all_back_s: all?.backAfterS ?? Number.NaN,
    entries,
  },
  ratios: {
    busiest_second_vs_allowed: Math.max(
      ...returns.map(({ busiestSecond, allowed }) => busiestSecond / allowed),
    ),
  },
});
