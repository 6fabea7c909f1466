/**
 * The coefficients of docs/capacity.md: what a connected device costs while nothing happens, and what an event costs,
 * in Postgres, Redis, CPU time and network. Simulated devices with real identities, through the real ingest path.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import pg from 'pg';
import { BenchControlPlane } from './lib/control-plane.ts';
import { bytesOnPort, cpuSeconds } from './lib/process-cost.ts';
import { Remote } from './lib/remote.ts';
import { printResult, printTable } from './lib/report.ts';
import type { SwarmMethods } from './lib/swarm.remote.ts';

const SWARM = new URL('lib/swarm.remote.ts', import.meta.url);
const ROLES = ['link', 'api', 'postgres', 'redis'] as const;
type Role = (typeof ROLES)[number];

interface Reading {
  atMs: number;
  cpu: Record<Role, number>;
  network: number;
  redisBytes: number;
  events: number;
  eventBytes: number;
  databaseBytes: number;
  walBytes: number;
}

const { values } = parseArgs({
  options: {
    devices: { type: 'string', default: '300' },
    seconds: { type: 'string', default: '60' },
    'events-per-second': { type: 'string', default: '500' },
    json: { type: 'boolean' },
  },
});
const devices = Number(values.devices);
const seconds = Number(values.seconds);
const eventsPerSecond = Number(values['events-per-second']);

const controlPlane = await BenchControlPlane.start({ admissionsPerSecond: 2_000 });
const { dataDir, postgresPort, redisPort, linkPort } = controlPlane.data;
const secret = async (name: string) => (await readFile(join(dataDir, 'secrets', name), 'utf8')).trim();
const database = new pg.Client({
  host: '127.0.0.1',
  port: postgresPort,
  user: 'postgres',
  password: await secret('postgres-password'),
  database: 'raypher',
});
const redis = new Redis({ host: '127.0.0.1', port: redisPort, password: await secret('redis-password') });

async function read(): Promise<Reading> {
  const { rows } = await database.query<Record<'events' | 'event_bytes' | 'database_bytes' | 'wal', string>>(`
    SELECT (SELECT count(*) FROM events) AS events,
      (SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'events'::regclass) AS event_bytes,
      pg_database_size(current_database()) AS database_bytes,
      pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS wal`);
  const [row] = rows;
  const memory = /used_memory:(\d+)/.exec(await redis.info('memory'))?.[1];
  const cpu = await Promise.all(
    ROLES.map(async (role) => [role, await cpuSeconds(controlPlane.pidOf(role))]),
  );
  return {
    atMs: performance.now(),
    // Every role is read, so the record is complete.
    cpu: Object.fromEntries(cpu) as Record<Role, number>,
    network: await bytesOnPort(linkPort),
    redisBytes: Number(memory),
    events: Number(row?.events),
    eventBytes: Number(row?.event_bytes),
    databaseBytes: Number(row?.database_bytes),
    walBytes: Number(row?.wal),
  };
}

interface Span {
  seconds: number;
  events: number;
  cpuMs: Record<Role, number>;
  network: number;
  eventBytes: number;
  walBytes: number;
}

function between(from: Reading, to: Reading): Span {
  const cpu = ROLES.map((role) => [role, (to.cpu[role] - from.cpu[role]) * 1000]);
  return {
    seconds: (to.atMs - from.atMs) / 1000,
    events: to.events - from.events,
    // Every role is there.
    cpuMs: Object.fromEntries(cpu) as Record<Role, number>,
    network: to.network - from.network,
    eventBytes: to.eventBytes - from.eventBytes,
    walBytes: to.walBytes - from.walBytes,
  };
}

async function fleet(count: number, seed: string, rate: number) {
  const swarm = await Remote.start<SwarmMethods>(SWARM);
  const token = await controlPlane.administrator.enrolmentToken(count);
  const server = controlPlane.enrolmentServer;
  await swarm.call('connect', {
    server,
    token,
    devices: count,
    seed,
    connectsPerSecond: 100,
    eventsPerSecond: rate,
  });
  return swarm;
}

try {
  await database.connect();
  // What was started has settled, and nobody is connected: this costs the same for any number of devices.
  await delay(10_000);
  const started = await read();
  await delay(seconds * 1000);
  const empty = await read();
  const alone = between(started, empty);
  const quiet = await fleet(devices, 'quiet', 0);
  await quiet.call('quiet', 60_000);
  // What connecting started (compilation, autovacuum) shall be over.
  await delay(10_000);
  const connected = await read();
  await delay(seconds * 1000);
  const idle = between(connected, await read());
  const redisPerDevice = (connected.redisBytes - empty.redisBytes) / devices;
  const databasePerDevice = (connected.databaseBytes - empty.databaseBytes) / devices;

  const busy = await fleet(devices, 'busy', eventsPerSecond);
  const beforeLoad = await read();
  await delay(seconds * 1000);
  const load = between(beforeLoad, await read());
  await Promise.all([quiet.stop(), busy.stop()]);

  // Milliseconds of CPU per second.
  const fixed = (role: Role) => alone.cpuMs[role] / alone.seconds;
  const perDevice = (role: Role) => (idle.cpuMs[role] / idle.seconds - fixed(role)) / devices;
  const fixedPercent = (role: Role) => fixed(role) / 10;
  const idlePer1k = (role: Role) => (perDevice(role) * 1000) / 10;
  // What devices cost by being connected is not the events' doing. There are twice as many by now.
  const busyUs = (role: Role) =>
    ((load.cpuMs[role] - (fixed(role) + 2 * devices * perDevice(role)) * load.seconds) * 1000) / load.events;
  const networkIdle = idle.network / idle.seconds / devices;
  const networkPerEvent = (load.network - 2 * networkIdle * devices * load.seconds) / load.events;

  printTable(
    ['', 'alone: % of a core', 'and per 1,000 idle devices', 'and per event: µs of CPU'],
    ROLES.map((role) => [role, fixedPercent(role), idlePer1k(role), busyUs(role)]),
  );
  printTable(
    ['', ''],
    [
      ['Redis, bytes per connected device', redisPerDevice],
      ['Postgres, bytes per enrolled device', databasePerDevice],
      ['Postgres, bytes per event with indexes', load.eventBytes / load.events],
      ['WAL, bytes per event', load.walBytes / load.events],
      ['Link, bytes per second and idle device', networkIdle],
      ['Link, bytes per event', networkPerEvent],
      ['Events committed per second in this run', load.events / load.seconds],
    ],
  );
  printResult({
    bench: 'capacity',
    figures: {
      devices,
      seconds,
      events: load.events,
      events_per_second: load.events / load.seconds,
      ...Object.fromEntries(ROLES.map((role) => [`${role}_alone_core_percent`, fixedPercent(role)])),
      ...Object.fromEntries(ROLES.map((role) => [`${role}_idle_core_percent_per_1k`, idlePer1k(role)])),
      ...Object.fromEntries(ROLES.map((role) => [`${role}_cpu_us_per_event`, busyUs(role)])),
      redis_bytes_per_device: redisPerDevice,
      postgres_bytes_per_device: databasePerDevice,
      postgres_bytes_per_event: load.eventBytes / load.events,
      wal_bytes_per_event: load.walBytes / load.events,
      link_bytes_per_second_idle: networkIdle,
      link_bytes_per_event: networkPerEvent,
    },
    ratios: {},
  });
} finally {
  redis.disconnect();
  await database.end();
  await controlPlane.stop();
}
