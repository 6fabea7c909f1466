import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Daemon, startDaemon } from '../processes/daemon.ts';
import { freePort } from '../processes/free-port.ts';

export interface RedisOptions {
  /** Configuration and data; a temporary folder, removed by `stop`, when left out. */
  dir?: string;
  /** A free one on 127.0.0.1 when left out. */
  port?: number;
  /** Listen on this Unix socket instead of a port. */
  socket?: string;
  /** Random when left out. */
  password?: string;
  /** Keep data over restarts (append-only file). Default: true when `dir` is given. */
  persistent?: boolean;
  logFile?: string;
  /** Gives up starting. */
  signal?: AbortSignal | undefined;
}

export interface RedisServer extends Daemon {
  /** `redis://…`, or `unix://…` for a socket; holds the password. */
  readonly url: string;
  readonly port: number | undefined;
  readonly dir: string;
  /** Starts it again on the same address and data, after a `kill` or by stopping it first. */
  restart(): Promise<void>;
}

/**
 * Starts the `redis-server` found on PATH. The password travels in a configuration file with mode 0600, because
 * everybody on the machine can read arguments.
 *
 * @throws Error with Redis' own words when it does not come up, or when there is no `redis-server`.
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'raypher-redis-')));
  const persistent = options.persistent ?? options.dir !== undefined;
  const password = options.password ?? randomBytes(24).toString('base64url');
  const port = options.socket === undefined ? (options.port ?? (await freePort())) : undefined;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const configuration = join(dir, 'redis.conf');
  const lines = [
    port === undefined ? 'port 0' : `port ${port}`,
    'bind 127.0.0.1',
    ...(options.socket === undefined
      ? []
      : [`unixsocket ${JSON.stringify(options.socket)}`, 'unixsocketperm 600']),
    `requirepass ${JSON.stringify(password)}`,
    `dir ${JSON.stringify(dir)}`,
    'daemonize no',
    'save ""',
    `appendonly ${persistent ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'maxmemory-policy noeviction',
  ];
  await writeFile(configuration, `${lines.join('\n')}\n`, { mode: 0o600 });
  const start = () =>
    startDaemon({
      command: 'redis-server',
      args: [configuration],
      ready: /Ready to accept connections/,
      stopSignal: 'SIGTERM',
      logFile: options.logFile,
      signal: options.signal,
      startTimeoutMs: 20_000,
    });

  let daemon = await start();
  return {
    dir,
    port,
    url:
      options.socket === undefined
        ? `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`
        : `unix://:${encodeURIComponent(password)}@${options.socket}`,
    get pid() {
      return daemon.pid;
    },
    get exited() {
      return daemon.exited;
    },
    kill: (signal) => daemon.kill(signal),
    restart: async () => {
      await daemon.stop();
      daemon = await start();
    },
    stop: async () => {
      await daemon.stop();
      if (!persistent) await rm(dir, { recursive: true, force: true });
    },
  };
}
