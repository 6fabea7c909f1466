import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { applyMigrations, createDatabase, databaseExists, prepareRoles, roleUrls } from '@raypher/database';
import { canReach, databaseAccount, startPostgres, startRedis } from '@raypher/testkit';
import { privateFolder, writePrivately } from '../state/private-files.mjs';

const DATABASE = 'raypher';
/** Only used by root: the database account must be able to reach its own data. */
const SHARED_DATA = '/var/lib/raypher-postgres/data';

/**
 * How to start the two servers that hold data.
 *
 * @param {object} options
 * @param {import('../paths.mjs').Layout} options.paths
 * @param {import('../state/ports.mjs').Ports} options.ports
 * @param {import('../state/secrets.mjs').Secrets} options.secrets
 * @param {boolean} options.durable - false trades safety for speed (tests).
 * @param {AbortSignal} [options.signal] - gives up starting.
 */
export function dataServices({ paths, ports, secrets, durable, signal }) {
  return {
    postgres: {
      logFile: join(paths.logs, 'postgres.log'),
      launch: async () =>
        startPostgres({
          dataDir: await postgresFolder(paths),
          port: ports.postgres,
          password: secrets.postgres,
          persistent: true,
          fsync: durable,
          logFile: join(paths.logs, 'postgres.log'),
          signal,
        }),
    },
    redis: {
      logFile: join(paths.logs, 'redis.log'),
      launch: () =>
        startRedis({
          dir: paths.redis,
          port: ports.redis,
          password: secrets.redis,
          persistent: durable,
          logFile: join(paths.logs, 'redis.log'),
          signal,
        }),
    },
  };
}

/**
 * `<data folder>/postgres`, unless we are root and the account that runs Postgres cannot enter the folders above it
 * (a data folder below /root): then a folder of its own under /var/lib/raypher-postgres.
 *
 * @param {import('../paths.mjs').Layout} paths
 */
export async function postgresFolder(paths) {
  const account = await databaseAccount();
  if (account === undefined || canReach(account, paths.postgres)) return paths.postgres;
  const home = join(SHARED_DATA, createHash('sha256').update(paths.root).digest('hex').slice(0, 16));
  await mkdir(home, { recursive: true, mode: 0o711 });
  return join(home, 'postgres');
}

/**
 * Roles, the database, its schema, and a file with the connection URL for each program.
 *
 * @param {object} options
 * @param {import('../paths.mjs').Layout} options.paths
 * @param {import('../state/ports.mjs').Ports} options.ports
 * @param {import('../state/secrets.mjs').Secrets} options.secrets
 * @returns {Promise<{ isNew: boolean, databaseUrlFiles: Record<'app' | 'ingest' | 'auth', string>, redisUrlFile: string }>}
 */
export async function prepareData({ paths, ports, secrets }) {
  const server = { host: '127.0.0.1', port: ports.postgres };
  const adminUrl = `postgres://postgres:${encodeURIComponent(secrets.postgres)}@${server.host}:${server.port}/postgres`;
  await prepareRoles(adminUrl, secrets.roles);
  const isNew = !(await databaseExists(adminUrl, DATABASE));
  if (isNew) await createDatabase(adminUrl, DATABASE);
  const urls = roleUrls(server, DATABASE, secrets.roles);
  await applyMigrations(urls.owner);

  await privateFolder(paths.secrets);
  /** @param {'app' | 'ingest' | 'auth'} role */
  const urlFile = async (role) => {
    const file = join(paths.secrets, `database-${role}-url`);
    await writePrivately(file, urls[role]);
    return file;
  };
  const redisUrlFile = join(paths.secrets, 'redis-url');
  await writePrivately(
    redisUrlFile,
    `redis://:${encodeURIComponent(secrets.redis)}@127.0.0.1:${ports.redis}`,
  );
  return {
    isNew,
    databaseUrlFiles: {
      app: await urlFile('app'),
      ingest: await urlFile('ingest'),
      auth: await urlFile('auth'),
    },
    redisUrlFile,
  };
}
