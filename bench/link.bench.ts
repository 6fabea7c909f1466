/** Connected device streams: memory per stream and connects per second, against a bare grpc-js server. */
import { freePort } from '@raypher/testkit';
import { BenchControlPlane } from './lib/control-plane.ts';
import type { FloorMethods } from './lib/floor.remote.ts';
import { Inspector } from './lib/inspector.ts';
import { readOptions } from './lib/options.ts';
import { Remote } from './lib/remote.ts';
import { printResult, printTable } from './lib/report.ts';
import { settledResidentKb } from './lib/resident-memory.ts';
import type { SwarmMethods } from './lib/swarm.remote.ts';

/** Streams that are there before the baseline is read: code is loaded and compiled by then. */
const WARM_UP = 50;
/** Faster than either server can go, so that the server sets the pace. */
const CONNECTS_PER_SECOND = 2_000;

interface Outcome {
  streams: number;
  rssPerStreamKb: number;
  connectsPerSecond: number;
  enrolMs: number;
}

async function measure(pid: number, inspectPort: number, server: string, token: string): Promise<Outcome> {
  const inspector = await Inspector.connect(inspectPort);
  const fleet = (devices: number, seed: string) => ({
    server,
    token,
    devices,
    seed,
    connectsPerSecond: CONNECTS_PER_SECOND,
  });
  const warmUp = await Remote.start<SwarmMethods>(SWARM);
  const swarm = await Remote.start<SwarmMethods>(SWARM);
  try {
    await warmUp.call('connect', fleet(WARM_UP, 'warm-up'));
    await warmUp.call('quiet', 20_000);
    const before = await settledResidentKb(pid, inspector);
    const { enrolMs, connectMs } = await swarm.call('connect', fleet(streams, 'bench'));
    await swarm.call('quiet', 60_000);
    const after = await settledResidentKb(pid, inspector);
    const { connected } = await swarm.call('stats', undefined);
    return {
      streams: connected,
      rssPerStreamKb: (after - before) / connected,
      connectsPerSecond: (1_000 * connected) / connectMs,
      enrolMs,
    };
  } finally {
    inspector.close();
    await Promise.all([warmUp.stop(), swarm.stop()]);
  }
}

async function measureFloor(): Promise<Outcome> {
  const port = await freePort();
  const floor = await Remote.start<FloorMethods>(FLOOR, [`--inspect=127.0.0.1:${port}`]);
  try {
    const { server, token } = await floor.call('start', undefined);
    return await measure(floor.pid, port, server, token);
  } finally {
    await floor.stop();
  }
}

async function measureLink(): Promise<Outcome> {
  const port = await freePort();
  const controlPlane = await BenchControlPlane.start({
    nodeOptions,
    linkNodeOptions: `--inspect=127.0.0.1:${port}`,
    admissionsPerSecond: CONNECTS_PER_SECOND,
  });
  try {
    const token = await controlPlane.administrator.enrolmentToken(streams + WARM_UP);
    return await measure(controlPlane.linkPid, port, controlPlane.enrolmentServer, token);
  } finally {
    await controlPlane.stop();
  }
}

const SWARM = new URL('lib/swarm.remote.ts', import.meta.url);
const FLOOR = new URL('lib/floor.remote.ts', import.meta.url);
const { streams, nodeOptions } = readOptions();
const floor = await measureFloor();
const link = await measureLink();

printTable(
  ['', 'streams', 'KiB per stream', 'connects/s', 'enrolled in s'],
  [
    ['ingestor (link role)', link.streams, link.rssPerStreamKb, link.connectsPerSecond, link.enrolMs / 1_000],
    [
      'floor (bare grpc-js)',
      floor.streams,
      floor.rssPerStreamKb,
      floor.connectsPerSecond,
      floor.enrolMs / 1_000,
    ],
  ],
);
console.log(`
  Resident memory of the server process (VmRSS after garbage collection), above that with ${WARM_UP} streams.
  Streams are mutually authenticated and live: Hello, heartbeat, inventory, one signed batch of events.
`);
printResult({
  bench: 'link',
  figures: {
    streams: link.streams,
    rss_per_stream_kb: link.rssPerStreamKb,
    floor_rss_per_stream_kb: floor.rssPerStreamKb,
    connects_per_second: link.connectsPerSecond,
    floor_connects_per_second: floor.connectsPerSecond,
  },
  ratios: { rss_per_stream_vs_floor: link.rssPerStreamKb / floor.rssPerStreamKb },
});
