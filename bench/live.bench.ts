/** From an event recorded on a device to a browser that shows it, at 1,000 events a second. */
import { setTimeout as delay } from 'node:timers/promises';
import type { EventView } from '@raypher/shared/rest';
import { preciseNowMs } from '@raypher/swarm';
import { Redis } from 'ioredis';
import { io, type Socket } from 'socket.io-client';
import { BenchControlPlane } from './lib/control-plane.ts';
import type { LiveFloorMethods } from './lib/live-floor.remote.ts';
import { readOptions } from './lib/options.ts';
import { Remote } from './lib/remote.ts';
import { percentile, printResult, printTable } from './lib/report.ts';
import type { SwarmMethods } from './lib/swarm.remote.ts';

const DEVICES = 200;
const EVENTS_PER_SECOND = 1_000;
const WARM_UP_MS = 5_000;
const MEASURED_MS = 20_000;
const FLOOR_MS = 5_000;
const FLOOR_CHANNEL = 'bench:floor';
const TICK_MS = 20;

interface Measured {
  /** Milliseconds from the device's clock to the browser, of each event that was shown. */
  toClient: number[];
  /** Of that, from the commit's time of arrival on: Redis, gathering, socket.io. */
  afterArrival: number[];
  /** Events that were counted instead of shown. */
  held: number;
  messages: number;
}

async function opened(url: string, headers: Record<string, string>): Promise<Socket> {
  const socket = io(url, { transports: ['websocket'], extraHeaders: headers, reconnection: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  return socket;
}

async function measureLive(controlPlane: BenchControlPlane, fleet: Remote<SwarmMethods>): Promise<Measured> {
  const socket = await opened(`${controlPlane.apiUrl}/live`, controlPlane.administrator.browserHeaders);
  const measured: Measured = { toClient: [], afterArrival: [], held: 0, messages: 0 };
  await delay(WARM_UP_MS);
  socket.on('events', ({ items, held }: { items: EventView[]; held: number }) => {
    const now = preciseNowMs();
    measured.messages += 1;
    measured.held += held;
    for (const { occurredAt, receivedAt } of items) {
      measured.toClient.push(now - Date.parse(occurredAt));
      measured.afterArrival.push(now - Date.parse(receivedAt));
    }
  });
  await delay(MEASURED_MS);
  socket.disconnect();
  await fleet.call('hush', undefined);
  return measured;
}

/** As many events one by one over Redis and a socket.io server that does nothing else. */
async function measureFloor(redisUrl: string): Promise<number[]> {
  const floor = await Remote.start<LiveFloorMethods>(new URL('lib/live-floor.remote.ts', import.meta.url));
  const redis = new Redis(redisUrl);
  try {
    const port = await floor.call('start', { redisUrl, channel: FLOOR_CHANNEL });
    const socket = await opened(`http://127.0.0.1:${port}`, {});
    const times: number[] = [];
    socket.on('events', ({ atMs }: { atMs: number }) => times.push(preciseNowMs() - atMs));
    const text = 'x'.repeat(400);
    const until = performance.now() + FLOOR_MS;
    while (performance.now() < until) {
      for (let count = 0; count < (EVENTS_PER_SECOND * TICK_MS) / 1_000; count += 1) {
        void redis.publish(FLOOR_CHANNEL, JSON.stringify({ atMs: preciseNowMs(), text }));
      }
      await delay(TICK_MS);
    }
    socket.disconnect();
    return times;
  } finally {
    redis.disconnect();
    await floor.stop();
  }
}

async function run(): Promise<{ live: Measured; floor: number[] }> {
  const stopping: (() => Promise<void>)[] = [];
  try {
    const controlPlane = await BenchControlPlane.start({ nodeOptions, linkEnvironment });
    stopping.push(() => controlPlane.stop());
    const fleet = await Remote.start<SwarmMethods>(new URL('lib/swarm.remote.ts', import.meta.url));
    stopping.push(() => fleet.stop());
    await fleet.call('connect', {
      server: controlPlane.enrolmentServer,
      token: await controlPlane.administrator.enrolmentToken(DEVICES),
      devices: DEVICES,
      seed: 'bench',
      eventsPerSecond: EVENTS_PER_SECOND,
    });
    const live = await measureLive(controlPlane, fleet);
    await fleet.call('quiet', 30_000);
    return { live, floor: await measureFloor(await controlPlane.redisUrl()) };
  } finally {
    for (const stop of stopping.reverse()) await stop();
  }
}

const { nodeOptions, linkEnvironment } = readOptions();
const { live, floor } = await run();
const perSecond = (count: number) => (1_000 * count) / MEASURED_MS;

printTable(
  ['milliseconds', 'p50', 'p95', 'p99', 'max'],
  (
    [
      ['device → browser', live.toClient],
      ['  of that after arrival', live.afterArrival],
      ['floor: Redis → bare socket.io', floor],
    ] as const
  ).map(([title, times]) => [title, ...[0.5, 0.95, 0.99, 1].map((share) => percentile(times, share))]),
);
console.log(`
  ${DEVICES} devices record ${EVENTS_PER_SECOND} events a second; one administrator watches. Shown: ${perSecond(live.toClient.length).toFixed(0)} a second in
  ${perSecond(live.messages).toFixed(1)} messages, ${perSecond(live.held).toFixed(0)} a second only counted. The clock runs from the entry's own time to the handler in
  the browser's process; the entry is verified and committed in between. All on this machine, which has one clock.
`);
printResult({
  bench: 'live',
  figures: {
    event_to_client_p50_ms: percentile(live.toClient, 0.5),
    event_to_client_p95_ms: percentile(live.toClient, 0.95),
    event_to_client_p99_ms: percentile(live.toClient, 0.99),
    shown_per_second: perSecond(live.toClient.length),
    counted_per_second: perSecond(live.held),
    floor_p95_ms: percentile(floor, 0.95),
  },
  ratios: { p95_vs_floor: percentile(live.toClient, 0.95) / percentile(floor, 0.95) },
});
