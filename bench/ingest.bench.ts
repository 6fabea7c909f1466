/** Events per second from signed batches on the wire to acknowledged rows, against a bare COPY of the same rows. */
import { BenchControlPlane } from './lib/control-plane.ts';
import { CopyFloor } from './lib/copy-floor.ts';
import { cpuSeconds, cpuSecondsOfFamily } from './lib/cpu-time.ts';
import type { IngestLoadMethods } from './lib/ingest-load.remote.ts';
import { readOptions } from './lib/options.ts';
import { Remote } from './lib/remote.ts';
import { median, percentile, printResult, printTable } from './lib/report.ts';

const DEVICES = 60;
/** What an agent sends when it has more than fits: MAX_BATCH_ENTRIES. And what one sends while little happens. */
const FULL = 512;
const SMALL = 16;
const BATCHES = 4;
const WARM_UPS = 1;
const ROUNDS = 4;
const PACED_SECONDS = 6;

interface Round {
  entries: number;
  eventsPerSecond: number;
  copyPerSecond: number;
  /** CPU seconds per 100,000 events. */
  linkCpu: number;
  postgresCpu: number;
  apiCpu: number;
  loadCpu: number;
  copyCpu: number;
}

async function round(
  load: Remote<IngestLoadMethods>,
  controlPlane: BenchControlPlane,
  floor: CopyFloor,
  size: { batchesPerDevice: number; entriesPerBatch: number },
): Promise<Round> {
  const { entries } = await load.call('prepare', size);
  const per100k = 100_000 / entries;
  const cpu = async () => [
    await cpuSeconds(controlPlane.pidOf('link')),
    await cpuSecondsOfFamily(controlPlane.pidOf('postgres')),
    await cpuSeconds(controlPlane.pidOf('api')),
  ];
  const [linkBefore = 0, postgresBefore = 0, apiBefore = 0] = await cpu();
  const { ms, cpuSeconds: loadCpu } = await load.call('blast', undefined);
  const [linkAfter = 0, postgresAfter = 0, apiAfter = 0] = await cpu();
  const { rows, text } = await floor.takeNewRows();
  if (rows !== entries) throw new Error(`${entries} entries were acknowledged, ${rows} are stored.`);
  const [, copyBefore = 0] = await cpu();
  const copyMs = await floor.copy(text);
  const [, copyAfter = 0] = await cpu();
  return {
    entries,
    eventsPerSecond: (1_000 * entries) / ms,
    copyPerSecond: (1_000 * rows) / copyMs,
    linkCpu: (linkAfter - linkBefore) * per100k,
    postgresCpu: (postgresAfter - postgresBefore) * per100k,
    apiCpu: (apiAfter - apiBefore) * per100k,
    loadCpu: loadCpu * per100k,
    copyCpu: (copyAfter - copyBefore) * per100k,
  };
}

async function rounds(
  load: Remote<IngestLoadMethods>,
  controlPlane: BenchControlPlane,
  floor: CopyFloor,
): Promise<{ full: Round[]; small: Round[]; acks: Float64Array }> {
  const full: Round[] = [];
  for (let index = 0; index < WARM_UPS + ROUNDS; index += 1) {
    full.push(await round(load, controlPlane, floor, { batchesPerDevice: BATCHES, entriesPerBatch: FULL }));
  }
  const small = [
    await round(load, controlPlane, floor, { batchesPerDevice: 8, entriesPerBatch: SMALL }),
    await round(load, controlPlane, floor, { batchesPerDevice: 24, entriesPerBatch: SMALL }),
  ];
  // Half of what small batches reach: what a fleet in its ordinary days sends.
  const entriesPerSecond = (small.at(-1)?.eventsPerSecond ?? 1_000) / 2;
  const batchesPerDevice = Math.ceil((entriesPerSecond * PACED_SECONDS) / SMALL / DEVICES);
  await load.call('prepare', { batchesPerDevice, entriesPerBatch: SMALL });
  const acks = await load.call('pace', { entriesPerSecond, entriesPerBatch: SMALL });
  return { full: full.slice(WARM_UPS), small: small.slice(1), acks };
}

async function run() {
  const stopping: (() => Promise<void>)[] = [];
  try {
    const controlPlane = await BenchControlPlane.start({
      nodeOptions,
      linkEnvironment,
      durable: true,
    });
    stopping.push(() => controlPlane.stop());
    const load = await Remote.start<IngestLoadMethods>(new URL('lib/ingest-load.remote.ts', import.meta.url));
    stopping.push(() => load.stop());
    const floor = await CopyFloor.connect(await controlPlane.databaseUrls());
    stopping.push(() => floor.close());
    const token = await controlPlane.administrator.enrolmentToken(DEVICES);
    await load.call('connect', { server: controlPlane.enrolmentServer, token, devices: DEVICES });
    return await rounds(load, controlPlane, floor);
  } finally {
    for (const stop of stopping.reverse()) await stop();
  }
}

const typical = (of: Round[], key: keyof Round) => median(of.map((one) => one[key]));
const spread = (of: Round[], key: keyof Round) => {
  const values = of.map((one) => one[key]);
  return `${Math.round(Math.min(...values))}–${Math.round(Math.max(...values))}`;
};

const { nodeOptions, linkEnvironment } = readOptions();
const { full, small, acks } = await run();
const ratio = median(full.map(({ eventsPerSecond, copyPerSecond }) => eventsPerSecond / copyPerSecond));

printTable(
  ['', 'per second', 'of rounds'],
  [
    [`link, batches of ${FULL}`, typical(full, 'eventsPerSecond'), spread(full, 'eventsPerSecond')],
    ['bare COPY of the same rows', typical(full, 'copyPerSecond'), spread(full, 'copyPerSecond')],
    [`link, batches of ${SMALL}`, typical(small, 'eventsPerSecond'), spread(small, 'eventsPerSecond')],
  ],
);
printTable(
  ['CPU seconds per 100,000 events', ''],
  [
    ['link process', typical(full, 'linkCpu')],
    ['Postgres, for the link', typical(full, 'postgresCpu')],
    ['API, which places them in the log', typical(full, 'apiCpu')],
    ['load generator', typical(full, 'loadCpu')],
    ['Postgres, for the bare COPY', typical(full, 'copyCpu')],
  ],
);
console.log(`
  ${DEVICES} devices on mutual TLS, ${full[0]?.entries ?? 0} entries a round, ${ROUNDS} rounds after ${WARM_UPS} to warm up, medians. The clock runs
  from the first write until the last entry is acknowledged: chain and signature verified, committed and flushed.
  Load generator, link, API and Postgres share this machine's cores; the bare COPY shares them with nobody.
  Acknowledgements at half the rate of small batches: p50 ${percentile(acks, 0.5).toFixed(1)} ms, p99 ${percentile(acks, 0.99).toFixed(1)} ms.
`);
printResult({
  bench: 'ingest',
  figures: {
    events_per_second: typical(full, 'eventsPerSecond'),
    copy_per_second: typical(full, 'copyPerSecond'),
    small_batch_events_per_second: typical(small, 'eventsPerSecond'),
    ack_p50_ms: percentile(acks, 0.5),
    ack_p99_ms: percentile(acks, 0.99),
    link_cpu_s_per_100k: typical(full, 'linkCpu'),
    postgres_cpu_s_per_100k: typical(full, 'postgresCpu'),
  },
  ratios: { events_vs_copy: ratio },
});
