import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { RaypherError } from '@raypher/shared';
import pg from 'pg';
import { type Migration, readMigrations } from './read-migrations.ts';

export interface MigrationOptions {
  /** Folder with `<name>/migration.sql`; the repository's `prisma/migrations` when left out. */
  directory?: string;
}

/** The repository's migrations, as seen from `src` and from `dist` alike. */
const MIGRATIONS = fileURLToPath(new URL('../../../prisma/migrations', import.meta.url));

/** The advisory lock that Prisma Migrate takes, so that it and we never run at the same time. */
const PRISMA_MIGRATE_LOCK = 72707369;

/** Prisma's own table, column for column, so that `prisma migrate deploy` agrees with what we did. */
const HISTORY_TABLE = `
  CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id" VARCHAR(36) PRIMARY KEY NOT NULL,
    "checksum" VARCHAR(64) NOT NULL,
    "finished_at" TIMESTAMPTZ,
    "migration_name" VARCHAR(255) NOT NULL,
    "logs" TEXT,
    "rolled_back_at" TIMESTAMPTZ,
    "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
    "applied_steps_count" INTEGER NOT NULL DEFAULT 0
  )`;

interface HistoryRow {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/**
 * Brings a database up to the newest migration.
 *
 * It exists because `prisma migrate` needs an engine that is downloaded at run time, which a machine without internet
 * cannot do. Each migration runs in a transaction of its own, unless its file says `-- raypher: no-transaction`.
 *
 * @param connectionUrl - as the role that owns the schema.
 * @returns the names of the migrations applied now; empty when nothing was missing.
 * @throws RaypherError `database/migration-edited` when an applied file changed since,
 *   `database/migration-unknown` when the database is newer than these files,
 *   `database/migration-failed` when one fails or an earlier failure left a half-applied one.
 */
export async function applyMigrations(
  connectionUrl: string,
  options: MigrationOptions = {},
): Promise<string[]> {
  const migrations = await readMigrations(options.directory ?? MIGRATIONS);
  const client = new pg.Client({ connectionString: connectionUrl });
  await client.connect();
  try {
    await client.query(`SET lock_timeout = '60s'`);
    await client.query('SELECT pg_advisory_lock($1)', [PRISMA_MIGRATE_LOCK]);
    await client.query(`SET lock_timeout = 0`);
    await client.query(HISTORY_TABLE);
    const pending = pendingMigrations(migrations, await readHistory(client));
    for (const migration of pending) await applyOne(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    // Ending the session releases the lock.
    await client.end();
  }
}

async function readHistory(client: pg.Client): Promise<HistoryRow[]> {
  const result = await client.query<HistoryRow>(
    `SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL
      ORDER BY started_at`,
  );
  return result.rows;
}

function pendingMigrations(migrations: Migration[], history: HistoryRow[]): Migration[] {
  for (const row of history) {
    const migration = migrations.find(({ name }) => name === row.migration_name);
    if (row.finished_at === null) {
      throw new RaypherError(
        'database/migration-failed',
        `The migration ${row.migration_name} failed half-way earlier.`,
        {
          hint: 'Undo what it did, set rolled_back_at in its row of _prisma_migrations, and start again.',
        },
      );
    }
    if (migration === undefined) {
      throw new RaypherError(
        'database/migration-unknown',
        `The database has the migration ${row.migration_name}, which this version does not know.`,
        { hint: 'Run a version at least as new as the one that used this database last.' },
      );
    }
    if (migration.checksum !== row.checksum) {
      throw new RaypherError(
        'database/migration-edited',
        `The migration ${row.migration_name} was edited after it had been applied.`,
        { hint: 'Restore the file and write the change as a new migration.' },
      );
    }
  }
  const applied = new Set(history.map((row) => row.migration_name));
  return migrations.filter(({ name }) => !applied.has(name));
}

async function applyOne(client: pg.Client, migration: Migration): Promise<void> {
  const id = randomUUID();
  await client.query('INSERT INTO "_prisma_migrations" (id, checksum, migration_name) VALUES ($1, $2, $3)', [
    id,
    migration.checksum,
    migration.name,
  ]);
  try {
    if (migration.transactional) await client.query('BEGIN');
    await client.query(migration.sql);
    await client.query(
      'UPDATE "_prisma_migrations" SET finished_at = now(), applied_steps_count = 1 WHERE id = $1',
      [id],
    );
    if (migration.transactional) await client.query('COMMIT');
  } catch (cause) {
    await recordFailure(client, id, migration, cause);
    throw new RaypherError(
      'database/migration-failed',
      `The migration ${migration.name} failed: ${describe(cause, migration.sql)}`,
      {
        hint: migration.transactional
          ? 'It was undone completely. Correct it and start again.'
          : 'It runs outside a transaction, so what came before the failure is still there.',
        cause,
      },
    );
  }
}

async function recordFailure(
  client: pg.Client,
  id: string,
  migration: Migration,
  cause: unknown,
): Promise<void> {
  if (migration.transactional) await client.query('ROLLBACK');
  await client.query('UPDATE "_prisma_migrations" SET logs = $2, rolled_back_at = $3 WHERE id = $1', [
    id,
    describe(cause, migration.sql),
    migration.transactional ? new Date() : null,
  ]);
}

/** Postgres gives a character position; people want a line. */
function describe(cause: unknown, sql: string): string {
  if (!(cause instanceof pg.DatabaseError)) return String(cause);
  const position = Number(cause.position);
  const line = Number.isInteger(position) ? ` (line ${sql.slice(0, position).split('\n').length})` : '';
  return `${cause.message}${line}, SQLSTATE ${cause.code ?? 'unknown'}`;
}
