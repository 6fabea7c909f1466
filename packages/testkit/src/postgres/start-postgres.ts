import { randomBytes } from 'node:crypto';
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Account, canReach, databaseAccount } from '../processes/account.ts';
import { type Daemon, startDaemon } from '../processes/daemon.ts';
import { onFreePort } from '../processes/on-free-port.ts';
import { postgresBinaries } from './binaries.ts';
import { initialiseCluster, isInitialised } from './initialise-cluster.ts';

export interface PostgresOptions {
  /** The cluster's folder; a temporary one, removed by `stop`, when left out. */
  dataDir?: string;
  /** A free one when left out. */
  port?: number;
  /** The superuser's password, set when the cluster is created. Random when left out. */
  password?: string;
  /** Keeps the folder when stopped. Default: true when `dataDir` is given. */
  persistent?: boolean;
  /** False trades the data's safety for speed. Only for data that may be lost. Default: true. */
  fsync?: boolean;
  logFile?: string;
  maxConnections?: number;
  /** Gives up starting. */
  signal?: AbortSignal | undefined;
}

export interface PostgresServer extends Daemon {
  readonly host: '127.0.0.1';
  readonly port: number;
  readonly dataDir: string;
  /** A superuser's connection URL, for the database `database` (`postgres` when left out). */
  adminUrl(database?: string): string;
  /** Starts it again on the same port and data, after a `kill` or by stopping it first. */
  restart(): Promise<void>;
}

const SUPERUSER = 'postgres';
const READY = /database system is ready to accept connections/;
/** What it says while a process of a killed predecessor has not noticed yet that it is to end. */
const NOT_ALONE = /pre-existing shared memory block/;
const ALONE_WITHIN_MS = 30_000;

/**
 * Starts a real Postgres 18 on 127.0.0.1: no Unix socket, SCRAM passwords only.
 *
 * @throws Error with Postgres' own words when it does not come up.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = await databaseAccount();
  const binaries = await postgresBinaries(account);
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'raypher-postgres-')));
  const persistent = options.persistent ?? options.dataDir !== undefined;
  const fsync = options.fsync ?? true;
  const password = options.password ?? randomBytes(24).toString('base64url');
  await prepareFolder(dataDir, account);
  if (!(await isInitialised(dataDir))) {
    await initialiseCluster({
      initdb: binaries.initdb,
      dataDir,
      account,
      password,
      superuser: SUPERUSER,
      fsync,
    });
  }
  await stopLeftOver(dataDir);

  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
    max_connections: String(options.maxConnections ?? 200),
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(fsync
      ? {}
      : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', autovacuum_naptime: '5min' }),
  };
  const start = (onPort: number) =>
    onceAlone(() =>
      startDaemon({
        command: binaries.postgres,
        args: [
          '-D',
          dataDir,
          '-p',
          String(onPort),
          ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
        ],
        ready: READY,
        // "Fast" shutdown: connections are ended, the data is written, no wait for clients.
        stopSignal: 'SIGINT',
        account,
        logFile: options.logFile,
        signal: options.signal,
        env: { PATH: process.env.PATH, LC_MESSAGES: 'C', TZ: 'UTC' },
      }),
    );

  const first = await onFreePort(options.port, start);
  const { port } = first;
  let daemon = first.server;
  return {
    host: '127.0.0.1',
    port,
    dataDir,
    get pid() {
      return daemon.pid;
    },
    get exited() {
      return daemon.exited;
    },
    adminUrl: (database = 'postgres') =>
      `postgres://${SUPERUSER}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    kill: (signal) => daemon.kill(signal),
    restart: async () => {
      await daemon.stop();
      await stopLeftOver(dataDir);
      daemon = await start(port);
    },
    stop: async () => {
      await daemon.stop();
      if (!persistent) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function prepareFolder(dataDir: string, account: Account | undefined): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (account === undefined) return;
  if (!canReach(account, dataDir)) {
    throw new Error(
      `Postgres runs as the account ${account.name}, which may not enter the folders above ${dataDir}. Choose another folder, for example under /var/lib.`,
    );
  }
  await chown(dataDir, account.uid, account.gid);
}

/** Again and again while what a killed predecessor left is ending. Not our children, so there is no event to wait for. */
async function onceAlone(start: () => Promise<Daemon>): Promise<Daemon> {
  const giveUpAt = performance.now() + ALONE_WITHIN_MS;
  for (;;) {
    try {
      return await start();
    } catch (error) {
      if (!NOT_ALONE.test(String(error)) || performance.now() > giveUpAt) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Ends a server that a killed predecessor left running on the same data, so that the data has one owner. */
async function stopLeftOver(dataDir: string): Promise<void> {
  const pid = await leftOverPid(dataDir);
  if (pid === undefined) return;
  process.kill(pid, 'SIGINT');
  const deadline = Date.now() + 30_000;
  // Not our child, so there is no exit event to wait for.
  while ((await leftOverPid(dataDir)) === pid && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function leftOverPid(dataDir: string): Promise<number | undefined> {
  const lines = (await readFile(join(dataDir, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1 || lines[1] !== dataDir) return undefined;
  // The number may belong to another program since: only a postgres on this very folder is ours to stop.
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return commandLine.split('\0').includes(dataDir) ? pid : undefined;
}
