import {
  applyMigrations,
  createDatabase,
  prepareRoles,
  type RolePasswords,
  randomRolePasswords,
  roleUrls,
} from '@raypher/database';
import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres/start-postgres.ts';
import { startRedis } from './redis/start-redis.ts';

/** What every medium test can reach: one Postgres with a migrated template database, one Redis. */
export interface SharedServices {
  postgres: { host: string; port: number; adminUrl: string; template: string; passwords: RolePasswords };
  redisUrl: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    services: SharedServices;
  }
}

const TEMPLATE = 'raypher_template';

/** vitest's global set-up of the `medium` project. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, redis] = await Promise.all([startPostgres({ fsync: false }), startRedis()]);
  const stop = async () => {
    await Promise.all([postgres.stop(), redis.stop()]);
  };
  try {
    const passwords = randomRolePasswords();
    await prepareRoles(postgres.adminUrl(), passwords);
    await createDatabase(postgres.adminUrl(), TEMPLATE);
    await applyMigrations(roleUrls(postgres, TEMPLATE, passwords).owner);
    const { host, port } = postgres;
    project.provide('services', {
      postgres: { host, port, adminUrl: postgres.adminUrl(), template: TEMPLATE, passwords },
      redisUrl: redis.url,
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}
