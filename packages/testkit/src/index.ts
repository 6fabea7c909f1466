export { createTestDatabase, type TestDatabase } from './database/create-test-database.ts';
export { TestInstallation } from './installation/test-installation.ts';
export { type PostgresOptions, type PostgresServer, startPostgres } from './postgres/start-postgres.ts';
export { type Account, canReach, databaseAccount } from './processes/account.ts';
export { type Daemon, type DaemonExit, type DaemonOptions, startDaemon } from './processes/daemon.ts';
export { freePort, holdPort } from './processes/free-port.ts';
export { type RedisOptions, type RedisServer, startRedis } from './redis/start-redis.ts';
export { type S3Fault, type S3Request, type S3Server, startS3 } from './s3/start-s3.ts';
export { TestTimeStampAuthority } from './time-stamps/time-stamp-authority.ts';
export { TestTpm, type TestTpmOptions, tpmUnavailable } from './tpm/test-tpm.ts';
export type { Behaviour } from './upstream/behaviour.ts';
export type { RecordedRequest } from './upstream/exchange.ts';
export {
  type FakeUpstream,
  type FakeUpstreamOptions,
  startFakeUpstream,
} from './upstream/start-fake-upstream.ts';
