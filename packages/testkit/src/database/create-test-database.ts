import { randomBytes } from 'node:crypto';
import { createDatabase, type DatabaseRole, dropDatabase, roleUrls } from '@raypher/database';
import type { SharedServices } from '../services.setup.ts';

export interface TestDatabase {
  readonly name: string;
  /** A superuser's URL to this database, for arranging and inspecting; never for the code under test. */
  readonly adminUrl: string;
  /** What each program would be given. */
  readonly urls: Record<DatabaseRole, string>;
  /**
   * Of the Redis shared by all medium tests, a database that no other file uses at the same time: queues have the same
   * names everywhere. Channels are common to all. `startRedis` gives a server alone.
   */
  readonly redisUrl: string;
  drop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A migrated database of one's own, cloned from the template in some 50 ms. For tests of the `medium` project
 * (`*.medium.test.ts`).
 *
 * @example
 * const database = await createTestDatabase();
 * afterAll(() => database.drop());
 * const pool = new pg.Pool({ connectionString: database.urls.app });
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { inject } = await import('vitest');
  const services: SharedServices | undefined = inject('services');
  if (services === undefined) {
    throw new Error('There is no database here: name the file *.medium.test.ts and run the medium project.');
  }
  const { postgres, redisUrl } = services;
  const name = `test_${randomBytes(8).toString('hex')}`;
  await createDatabase(postgres.adminUrl, name, postgres.template);
  const adminUrl = new URL(postgres.adminUrl);
  adminUrl.pathname = `/${name}`;
  const drop = () => dropDatabase(postgres.adminUrl, name);
  return {
    name,
    adminUrl: adminUrl.href,
    urls: roleUrls(postgres, name, postgres.passwords),
    redisUrl: `${redisUrl}/${redisDatabase()}`,
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

/** What a Redis has unless it is told otherwise. The first one is left to those who do not ask. */
const REDIS_DATABASES = 16;

/** One for each of vitest's workers, which run one file at a time. */
function redisDatabase(): number {
  return 1 + ((Number(process.env.VITEST_POOL_ID) - 1) % (REDIS_DATABASES - 1));
}
