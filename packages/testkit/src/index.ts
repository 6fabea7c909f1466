export { applyMigrations, type MigrationOptions } from './database/apply-migrations.ts';
export { createTestDatabase, type TestDatabase } from './database/create-test-database.ts';
export { createDatabase, databaseExists, dropDatabase, roleUrls } from './database/databases.ts';
export {
  DATABASE_ROLES,
  type DatabaseRole,
  prepareRoles,
  type RolePasswords,
  randomRolePasswords,
} from './database/roles.ts';
export { type PostgresOptions, type PostgresServer, startPostgres } from './postgres/start-postgres.ts';
export { type Account, canReach, databaseAccount } from './processes/account.ts';
export { type Daemon, type DaemonExit, type DaemonOptions, startDaemon } from './processes/daemon.ts';
export { freePort } from './processes/free-port.ts';
export { type RedisOptions, type RedisServer, startRedis } from './redis/start-redis.ts';
export { TestTpm, type TestTpmOptions, tpmUnavailable } from './tpm/test-tpm.ts';
export type { Behaviour } from './upstream/behaviour.ts';
export type { RecordedRequest } from './upstream/exchange.ts';
export {
  type FakeUpstream,
  type FakeUpstreamOptions,
  startFakeUpstream,
} from './upstream/start-fake-upstream.ts';
