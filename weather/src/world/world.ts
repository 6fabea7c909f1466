import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  freePort,
  type PostgresServer,
  type RedisServer,
  startDaemon,
  startPostgres,
  startRedis,
} from '@raypher/testkit';
import pg from 'pg';
import { Administrator } from '../../../bench/lib/administrator.ts';
import { layout, ROOT } from '../../../infra/local/paths.mjs';
import { prepareData } from '../../../infra/local/stack/data-services.mjs';
import { ensureAdministrator } from '../../../infra/local/stack/first-administrator.mjs';
import {
  baseEnvironment,
  PROGRAMS,
  type StackFacts,
  scriptOf,
} from '../../../infra/local/stack/programs.mjs';
import { privateFolder } from '../../../infra/local/state/private-files.mjs';
import { loadSecrets } from '../../../infra/local/state/secrets.mjs';
import { Program } from './program.ts';
import { SmallDisk } from './small-disk.ts';
import { Wire } from './wire.ts';

const DATABASE = 'raypher';
/** Holds Postgres: large enough for a run of everything, small enough to be filled. */
const DISK_MB = 1_024;
/** Keeps the write-ahead log from taking the small disk by itself. */
const MAX_WAL = '192MB';

export interface WorldOptions {
  /** Streams that each of the two link processes admits per second. */
  admissionsPerSecond: number;
}

/**
 * A control plane whose surroundings can go wrong: a Postgres on a small disk of its own, a Redis that forgets, an API
 * and two link processes, a slow or cut network between them and the database, and another one to the devices.
 */
export class World {
  readonly administrator: Administrator;
  readonly postgres: PostgresServer;
  readonly redis: RedisServer;
  readonly api: Program;
  readonly links: readonly Program[];
  /** Between the control plane and Postgres. */
  readonly databaseWire: Wire;
  /** Between the devices and the links, which it balances. */
  readonly deviceWire: Wire;
  /** What Postgres stores its data on; undefined where nobody may mount one. */
  readonly disk: SmallDisk | undefined;
  /** As superuser, past every wire. */
  readonly database: pg.Pool;
  readonly enrolment: URL;
  readonly admissionsPerSecond: number;
  readonly #stopping: (() => Promise<unknown>)[];
  readonly #logs: string;
  #rounds = 0;
  readonly #frozen: string[] = [];

  private constructor(parts: WorldParts) {
    this.administrator = parts.administrator;
    this.postgres = parts.postgres;
    this.redis = parts.redis;
    this.api = parts.api;
    this.links = parts.links;
    this.databaseWire = parts.databaseWire;
    this.deviceWire = parts.deviceWire;
    this.disk = parts.disk;
    this.database = parts.database;
    this.enrolment = parts.enrolment;
    this.admissionsPerSecond = parts.admissionsPerSecond;
    this.#stopping = parts.stopping;
    this.#logs = parts.logs;
  }

  /** Everything must be built. */
  static async start(options: WorldOptions): Promise<World> {
    const stopping: WorldParts['stopping'] = [];
    try {
      return new World(await compose(options, stopping));
    } catch (error) {
      await stopAll(stopping);
      throw error;
    }
  }

  /** What every device should run now. */
  readonly desired = { policy: 0, freeze: 0 };

  /** Deploys a policy that differs from the running one. @throws Error when the API does not take it */
  async deploy(): Promise<void> {
    this.#rounds += 1;
    const { answer } = await this.administrator.deploy(this.#rounds);
    this.desired.policy = answer.revision;
  }

  /** Freezes every AI agent of every device: they call no models any more. */
  async freeze(): Promise<void> {
    const { answer } = await this.administrator.freezeAll();
    this.#frozen.push(answer.freeze.id);
    this.desired.freeze = answer.rollout.revision;
  }

  /** Ends every freeze. */
  async thaw(): Promise<void> {
    for (const freeze of this.#frozen.splice(0)) {
      const { answer } = await this.administrator.thaw(freeze);
      this.desired.freeze = answer.rollout.revision;
    }
  }

  async startLinks(): Promise<void> {
    await Promise.all(this.links.map((link) => link.start()));
  }

  async killLinks(): Promise<void> {
    await Promise.all(this.links.map((link) => link.kill()));
  }

  /** What the processes wrote goes to a folder that stays. @returns that folder */
  async keepLogs(): Promise<string> {
    const kept = await mkdtemp(join(tmpdir(), 'raypher-weather-logs-'));
    await cp(this.#logs, kept, { recursive: true });
    return kept;
  }

  stop(): Promise<void> {
    return stopAll(this.#stopping);
  }
}

interface WorldParts
  extends Pick<
    World,
    | 'administrator'
    | 'postgres'
    | 'redis'
    | 'api'
    | 'links'
    | 'databaseWire'
    | 'deviceWire'
    | 'disk'
    | 'database'
    | 'enrolment'
    | 'admissionsPerSecond'
  > {
  /** In the order in which things were started. */
  stopping: (() => Promise<unknown>)[];
  /** The folder that the processes write their logs to. */
  logs: string;
}

async function stopAll(stopping: WorldParts['stopping']): Promise<void> {
  for (const stop of stopping.splice(0).reverse()) await stop();
}

async function compose(
  { admissionsPerSecond }: WorldOptions,
  stopping: WorldParts['stopping'],
): Promise<WorldParts> {
  const folder = await mkdtemp(join(tmpdir(), 'raypher-weather-'));
  stopping.push(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o711);
  const paths = layout(folder);
  for (const part of [paths.secrets, paths.pki, paths.logs]) await privateFolder(part);
  const secrets = await loadSecrets(paths.secrets);

  const disk = await SmallDisk.mount(DISK_MB);
  if (disk !== undefined) stopping.push(() => disk.unmount());
  const postgres = await startPostgres({
    dataDir: join(disk?.path ?? folder, 'postgres'),
    password: secrets.postgres,
    logFile: join(paths.logs, 'postgres.log'),
  });
  stopping.push(() => postgres.stop());
  const redis = await startRedis({ password: secrets.redis, logFile: join(paths.logs, 'redis.log') });
  stopping.push(() => redis.stop());
  const databaseWire = await Wire.listen();
  stopping.push(() => databaseWire.close());
  databaseWire.leadTo(postgres.port);
  const deviceWire = await Wire.listen();
  stopping.push(() => deviceWire.close());

  const database = new pg.Pool({ connectionString: postgres.adminUrl(DATABASE), max: 4 });
  // Postgres is killed now and then; the next query takes a new connection.
  database.on('error', () => {});
  stopping.push(() => database.end());

  const nextPort = portGiver();
  const ports = {
    http: await nextPort(),
    tls: await nextPort(),
    web: await nextPort(),
    proxy: await nextPort(),
    linkHttp: await nextPort(),
    // Devices are told of the balancer, not of the links behind it.
    link: deviceWire.port,
    postgres: databaseWire.port,
    redis: redis.port,
  };
  const data = await prepareData({ paths, ports, secrets });
  await database.query(`ALTER SYSTEM SET max_wal_size = '${MAX_WAL}'`);
  await database.query('SELECT pg_reload_conf()');

  const facts: StackFacts = {
    paths,
    ports,
    secrets,
    hosts: ['localhost', '127.0.0.1'],
    listenHost: '127.0.0.1',
    webOrigin: `http://localhost:${ports.web}`,
    demo: 0,
    demoTokenFile: '',
    redisUrlFile: data.redisUrlFile,
    databaseUrlFiles: data.databaseUrlFiles,
  };
  const program = (name: 'api' | 'link', of: StackFacts, title: string, env: Record<string, string>) => {
    const made = new Program(title, () =>
      startDaemon({
        command: process.execPath,
        args: [scriptOf(PROGRAMS[name])],
        env: { ...baseEnvironment(), ...PROGRAMS[name].env(of), RAYPHER_LOG_LEVEL: 'warn', ...env },
        cwd: ROOT,
        // Serving, not healthy: some weather is there already when it starts.
        ready: () => accepts(name === 'api' ? of.ports.http : of.ports.link),
        stopSignal: 'SIGTERM',
        logFile: join(paths.logs, `${title}.log`),
      }),
    );
    stopping.push(() => made.stop());
    return made;
  };
  const account = { organisation: 'Weather', email: 'weather@example.com', password: randomUUID() };
  await ensureAdministrator(facts, { wanted: account });
  const api = program('api', facts, 'api', {});
  const link = async (title: string) => {
    const own = { ...ports, link: await nextPort(), linkHttp: await nextPort() };
    const made = program('link', { ...facts, ports: own }, title, {
      RAYPHER_LINK_ADMISSIONS_PER_SECOND: String(admissionsPerSecond),
    });
    return { made, port: own.link };
  };
  const both = [await link('link-1'), await link('link-2')];
  const links = both.map(({ made }) => made);
  deviceWire.leadTo(...both.map(({ port }) => port));
  await Promise.all([api, ...links].map((each) => each.start()));
  const urls = { api: `http://127.0.0.1:${ports.http}`, web: facts.webOrigin };
  return {
    administrator: await Administrator.signIn(urls, account),
    postgres,
    redis,
    api,
    links,
    databaseWire,
    deviceWire,
    disk,
    database,
    enrolment: new URL(`https://127.0.0.1:${ports.tls}`),
    admissionsPerSecond,
    stopping,
    logs: paths.logs,
  };
}

/** Gives ports that are free now and differ from each other. */
function portGiver(): () => Promise<number> {
  const given = new Set<number>();
  return async () => {
    let port = await freePort();
    while (given.has(port)) port = await freePort();
    given.add(port);
    return port;
  };
}

/** Whether somebody listens on a port of this machine. */
async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
