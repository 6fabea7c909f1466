import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Daemon, startDaemon } from '../processes/daemon.ts';
import { onFreePort } from '../processes/on-free-port.ts';

export interface RedisOptions {
  /** Configuration and data; a temporary folder, removed by `stop`, when left out. */
  dir?: string;
  /** A free one on 127.0.0.1 when left out. */
  port?: number;
  /** Random when left out. */
  password?: string;
  /** Keep data over restarts (append-only file). Default: true when `dir` is given. */
  persistent?: boolean;
  logFile?: string;
  /** Gives up starting. */
  signal?: AbortSignal | undefined;
}

export interface RedisServer extends Daemon {
  /** Holds the password. */
  readonly url: string;
  readonly port: number;
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
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const configuration = join(dir, 'redis.conf');
  const lines = [
    'bind 127.0.0.1',
    `requirepass ${JSON.stringify(password)}`,
    `dir ${JSON.stringify(dir)}`,
    'daemonize no',
    'save ""',
    `appendonly ${persistent ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'maxmemory-policy noeviction',
  ];
  await writeFile(configuration, `${lines.join('\n')}\n`, { mode: 0o600 });
  const start = (onPort: number) =>
    startDaemon({
      command: 'redis-server',
      args: [configuration, '--port', String(onPort)],
      ready: /Ready to accept connections/,
      stopSignal: 'SIGTERM',
      logFile: options.logFile,
      signal: options.signal,
      startTimeoutMs: 20_000,
    });

  const first = await onFreePort(options.port, start);
  const { port } = first;
  let daemon = first.server;
  return {
    dir,
    port,
    url: `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`,
    get pid() {
      return daemon.pid;
    },
    get exited() {
      return daemon.exited;
    },
    kill: (signal) => daemon.kill(signal),
    restart: async () => {
      await daemon.stop();
      daemon = await start(port);
    },
    stop: async () => {
      await daemon.stop();
      if (!persistent) await rm(dir, { recursive: true, force: true });
    },
  };
}
